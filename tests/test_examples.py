"""The commands `examples`, `init` and `doctor`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

import gdsim
from gdsim.cli.doctor import FEATURES
from tests.commands import call

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(path.stem for path in (ROOT / "configs").glob("*.yaml"))


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_examples_lists_each_config_with_what_it_teaches():
    lines = call("examples").stdout.splitlines()
    assert [line.split()[0] for line in lines] == CONFIGS
    assert all(re.fullmatch(r"\S+ +\S.{30,}", line) for line in lines)


def test_a_terminal_gets_examples_by_topic_in_its_width(tmp_path):
    script = "import pty, sys; pty.spawn([sys.executable, '-m', 'gdsim', 'examples'])"
    environment = {**os.environ, "COLUMNS": "80"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    assert max(map(len, lines)) <= 80
    assert sorted(line.split()[0] for line in lines if re.match(r"  \w", line)) == CONFIGS
    ravine = next(index for index, line in enumerate(lines) if "momentum_ravine" in line)
    topics = [line for line in lines[:ravine] if line.endswith(":") and line[0] != " "]
    assert topics == ["to begin with:", "momentum:"]


def test_every_example_can_be_written_and_loaded(tmp_path):
    done = call("examples", *CONFIGS)
    assert done.exit_code == 0
    written = set(done.stdout.split())
    assert written == {path.name for path in tmp_path.iterdir()} >= {f"{name}.yaml" for name in CONFIGS}
    for name in CONFIGS:
        shipped = yaml.safe_load((ROOT / "configs" / f"{name}.yaml").read_text(encoding="utf-8"))
        assert yaml.safe_load((tmp_path / f"{name}.yaml").read_text(encoding="utf-8")) == shipped
        assert gdsim.load(tmp_path / f"{name}.yaml", allow_code=True).optimizers


def test_an_example_may_be_named_without_its_topic():
    assert call("examples", "ravine", "quickstart", "double_well").stdout.split() == [
        "momentum_ravine.yaml",
        "quickstart.yaml",
        "momentum_double_well.yaml",
    ]
    assert len({name.partition("_")[2] for name in CONFIGS}) == len(CONFIGS)


def test_an_example_comes_with_its_data_only(tmp_path):
    assert call("examples", "function_measured", "--out", "talk").stdout.split() == [
        "talk/function_measured.yaml",
        "talk/terrain.npy",
    ]
    assert (tmp_path / "talk" / "terrain.npy").read_bytes() == (ROOT / "configs" / "terrain.npy").read_bytes()
    assert call("examples", "function_imported").stdout.split() == ["function_imported.yaml", "my_loss.py"]


def test_an_example_replaces_nothing_unless_told(tmp_path):
    (tmp_path / "terrain.npy").write_bytes(b"mine")
    assert call("examples", "function_measured").exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["terrain.npy"]
    assert (tmp_path / "terrain.npy").read_bytes() == b"mine"
    assert call("examples", "function_measured", "--overwrite").exit_code == 0
    assert (tmp_path / "terrain.npy").read_bytes() != b"mine"


def test_a_misspelled_example_has_a_suggestion_and_writes_nothing(tmp_path):
    done = call("examples", "momentum_ravine", "quickstrat")
    assert done.exit_code == 2
    assert "'quickstart'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_doctor_says_what_is_here_and_knows_every_extra():
    done = call("doctor")
    assert done.exit_code == 0
    for name in ("gdsim", "torch", "numpy", "matplotlib"):
        assert re.search(rf"(?m)^{name} +{re.escape(version(name))}$", done.stdout)
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert FEATURES.keys() == extras.keys() - {"docs", "test"}


def test_doctor_says_how_to_get_what_is_missing(tmp_path):
    """A package that cannot be found is missing, with the line that installs it."""
    hide = "import importlib.metadata as m; found = m.version\n"
    hide += "def version(name):\n    if name == 'optuna': raise m.PackageNotFoundError(name)\n    return found(name)\n"
    code = f"{hide}m.version = version\nfrom gdsim.cli.doctor import doctor\ndoctor()"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("gdsim[tune]"))
    assert line.split()[1:3] == ["optuna", "MISSING,"]
    assert line.endswith("pip install 'gdsim[tune]'")


def test_help_names_the_extra_that_a_command_needs():
    commands = {"slides": "slides", "studio": "studio", "watch": "studio", "run": "cluster", "compare": "tune"}
    for name, extra in commands.items():
        assert f"gdsim[{extra}]" in call(name, "--help").stdout
