"""`gdsim watch` in processes of its own, with files that change."""

from __future__ import annotations

import signal
import subprocess
import sys

import numpy as np
import pytest

import gdsim
from gdsim.cli.watch import watch as watch_command
from gdsim.errors import InputError
from tests.browse import wait_for
from tests.commands import call

PATIENCE = 60  # seconds for a drawing on a loaded machine
CONFIG = (
    "objective: {python: 'loss:f', bounds: [[-4, 4], [-4, 4]]}\nstart: [3, 2]\nsteps: 5\noptimizers: {SGD: {lr: 0.1}}\n"
)


@pytest.fixture
def watch(tmp_path):
    """Start `gdsim watch` in a folder; yields a function that waits for a number of lines in its output."""
    processes = []

    def start(*arguments: str):
        out, err = tmp_path / "out.txt", tmp_path / "err.txt"
        with out.open("w") as stdout, err.open("w") as stderr:
            command = [sys.executable, "-m", "gdsim", "watch", *arguments, "--format", "png"]
            processes.append(subprocess.Popen(command, cwd=tmp_path, stdout=stdout, stderr=stderr))

        def wait(text: str, count: int) -> None:
            assert wait_for(lambda: err.read_text().count(text) >= count, PATIENCE), err.read_text()

        return processes[-1], wait, err

    yield start
    for process in processes:
        process.kill()
        process.wait()


@pytest.mark.slow
def test_a_change_of_the_config_or_its_code_is_drawn_and_a_mistake_is_reported(watch, tmp_path):
    config, code = tmp_path / "c.yaml", tmp_path / "loss.py"
    config.write_text(CONFIG)
    code.write_text("def f(p):\n    return (p**2).sum(-1)\n")
    process, wait, err = watch("c.yaml", "--allow-code")
    wait("drawn in", 1)
    picture = tmp_path / "outputs" / "c" / "c.png"
    first = picture.read_bytes()

    config.write_text(CONFIG.replace("steps: 5", "steps: 7"))
    wait("drawn in", 2)
    second = picture.read_bytes()
    assert second != first

    config.write_text(CONFIG.replace("steps", "stepz"))
    wait("c.yaml:3:1: unknown key 'stepz'", 1)
    assert picture.read_bytes() == second

    # An editor writes another file and renames it.
    (tmp_path / "c.yaml~").write_text(CONFIG)
    (tmp_path / "c.yaml~").replace(config)
    wait("drawn in", 3)
    assert picture.read_bytes() == first

    code.write_text("def f(p):\n    return (p**2).sum(-1) + p[..., 0] * p[..., 1]\n")
    wait("drawn in", 4)
    assert picture.read_bytes() != first

    config.unlink()
    wait("c.yaml: deleted", 1)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE) == 130
    assert "Traceback" not in err.read_text()


@pytest.mark.slow
def test_only_the_config_whose_samples_change_is_drawn_again(watch, tmp_path):
    heights = np.hypot(*np.mgrid[-2:2:9j, -2:2:9j])
    np.save(tmp_path / "heights.npy", heights)
    rest = "start: [1, 1]\nsteps: 3\noptimizers: {SGD: {lr: 0.1}}\n"
    (tmp_path / "a.yaml").write_text("objective: {samples: heights.npy, bounds: [[-2, 2], [-2, 2]]}\n" + rest)
    (tmp_path / "b.yaml").write_text("objective: sphere\n" + rest)
    _, wait, err = watch("a.yaml", "b.yaml")
    wait("drawn in", 2)
    before = (tmp_path / "outputs" / "b" / "b.npz").stat().st_mtime_ns
    np.save(tmp_path / "heights.npy", heights**2)
    wait("a.yaml: drawn in", 2)
    assert err.read_text().count("b.yaml: drawn in") == 1
    assert (tmp_path / "outputs" / "b" / "b.npz").stat().st_mtime_ns == before


def test_a_config_that_does_not_exist_ends_the_command(watch, tmp_path):
    (tmp_path / "ravine.yaml").write_text(CONFIG)
    process, _, err = watch("ravin.yaml")
    assert process.wait(PATIENCE) == 2
    assert err.read_text() == "ravin.yaml: no such file; did you mean 'ravine.yaml'?\n"


def test_a_picture_is_not_watched(tmp_path):
    picture = tmp_path / "outputs" / "a" / "a.png"
    gdsim.animate("sphere", {"SGD": {"lr": 0.1}}, start=[1, 1], steps=2).save(picture)
    with pytest.raises(InputError, match="only YAML files are watched"):
        watch_command([picture])


def test_a_function_is_not_watched():
    assert call("watch", "x^2 + 3y^2").stderr == (
        "x^2 + 3y^2: only YAML files are watched; gdsim init writes one, and gdsim source prints that of a picture\n"
    )
    assert "functions" not in call("watch", "--help").stdout
