"""The code blocks of README, CONTRIBUTING and docs run as they are written."""

from __future__ import annotations

import importlib
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import yaml
from matplotlib.image import imsave

import gdsim
from gdsim.errors import Code
from tests.browse import ENVIRONMENT
from tests.commands import run_line

ROOT = Path(__file__).parent.parent
TUTORIALS = [ROOT / "docs" / "get_started.md", *sorted((ROOT / "docs" / "tutorials").glob("*.md"))]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs" / "explanation").glob("*.md")), ROOT / "docs" / "index.md"]
PAGES += [ROOT / "docs" / "reference" / "python.md"]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(page.name, *block) for page in PAGES for block in BLOCK.findall(page.read_text(encoding="utf-8"))]
FILE = re.compile(r"# (\w+\.\w+)\n")
"""The first line of a block that a reader saves as a file."""

SETUP = ("make ", "source ", "python3 -m venv", ".venv/bin/", "pip install", "git ", "gdsim studio", "gdsim watch")
"""Commands that set up an environment or run all tests, which CI runs itself, and one that goes on until Ctrl-C."""


SMALL = ("--set", "view.size=[480, 270]", "--set", "animation.seconds=1", "--set", "animation.fps=8")
"""Options of the commands that draw, because `make docs` draws the same configs at their size."""


def blocks(language: str) -> list[str]:
    return [code for _, kind, code in BLOCKS if kind == language]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    path = tmp_path_factory.mktemp("docs")
    shutil.copytree(ROOT / "configs", path / "configs")
    return path


@pytest.fixture
def folder(shipped, monkeypatch):
    """A folder with the shipped configs, in which commands build on the files of earlier ones."""
    monkeypatch.chdir(shipped)
    return shipped


def run_block(language: str, code: str) -> None:
    if language == "python":
        exec(compile(code, "block", "exec"), {"__name__": "__main__"})  # noqa: S102
    elif language == "sh":
        for line in (line for line in code.splitlines() if not line.startswith(SETUP)):
            if line.startswith("python "):
                runpy.run_path(line.removeprefix("python "), run_name="__main__")
            elif "--dask local" in line:
                # In a process of its own, because what a cluster leaves behind is collected during other tests. One
                # worker shows as well as one per core that a cluster of this machine runs the sweep.
                words = [*shlex.split(line, comments=True)[1:], *SMALL, "--workers", "1"]
                subprocess.run([sys.executable, "-m", "gdsim", *words], env=ENVIRONMENT, check=True)
            else:
                run_line(line, *SMALL)


@pytest.mark.parametrize("code", blocks("yaml"))
def test_a_yaml_block_is_a_valid_config(code, monkeypatch):
    monkeypatch.chdir(ROOT)
    # A block that shows some keys alone is completed by the required ones.
    missing = {"objective": "himmelblau", "steps": "10", "optimizers": "{SGD: {lr: 0.01}}"}
    rest = "".join(f"{key}: {value}\n" for key, value in missing.items() if not re.search(rf"^{key}:", code, re.M))
    assert gdsim.loads(code + rest).optimizers


@pytest.mark.slow
@pytest.mark.parametrize(("language", "code"), [(kind, code) for _, kind, code in BLOCKS if kind in ("sh", "python")])
def test_a_block_runs(language, code, folder):
    run_block(language, code)


@pytest.mark.parametrize("code", [code for code in blocks("") if code.startswith("$ ")])
def test_a_console_block_prints_what_it_shows(code, folder):
    command, _, printed = code.removeprefix("$ ").partition("\n")
    assert [line.split() for line in run_line(command).splitlines()] == [line.split() for line in printed.splitlines()]


@pytest.mark.slow
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_works_to_the_letter(page, tmp_path, monkeypatch):
    """In an empty folder, its files are saved and its commands run in their order."""
    monkeypatch.chdir(tmp_path)
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        saved = FILE.match(code)
        if saved:
            (tmp_path / saved[1]).write_text(code, encoding="utf-8")
        else:
            run_block(language, code)
    assert page.stem == "index" or list(tmp_path.iterdir())


def test_every_error_code_is_explained():
    text = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `([\w-]+)` \|", text, re.MULTILINE)) == set(get_args(Code))


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "examples/README.md"])
def test_links_between_files_of_the_repository_lead_somewhere(name):
    page = ROOT / name
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def values_at(trees, path):
    """The values at a path of keys, of which `*` is any."""
    for name in path:
        trees = [item for tree in trees for item in (tree if isinstance(tree, list) else [tree])]
        mappings = [tree for tree in trees if isinstance(tree, dict)]
        trees = [value for tree in mappings for key, value in tree.items() if name in (key, "*")]
    return trees


def test_every_key_has_an_example_that_contains_it_and_loads(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    config_keys = importlib.import_module("config_keys")
    monkeypatch.chdir(tmp_path)
    for name in ("terrain.npy", "my_loss.py"):
        shutil.copy(ROOT / "configs" / name, tmp_path)
    imsave("heights.png", np.load("terrain.npy"), cmap="gray")
    examples = config_keys.examples()
    # Another version of torch may lack arguments that have an example.
    for key in (each["path"] for _, keys in config_keys.sections() for each in keys):
        assert values_at([examples[key]["changes"]], key.split(".")), key
        assert gdsim.loads(yaml.safe_dump(examples[key]["config"]), allow_code=True).optimizers, key
