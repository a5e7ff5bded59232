"""Work that is done at the same time gives the files of work done one after the other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import gdsim
from gdsim.errors import GdsimError, InputError
from gdsim.processes import map_in_processes
from tests.commands import call

CONFIG = """
objective: himmelblau
start: [-0.5, 4.2]
steps: 20
optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}
view: {size: [320, 180]}
animation: {seconds: 1, hold: 1}
"""
LIMITED = f"{CONFIG}output: {{max_bytes: 20000, formats: [gif, webp]}}\n"
IMPOSSIBLE = f"{CONFIG}output: {{max_bytes: 2000, formats: [gif]}}\n"

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the number of cores is chosen with it")


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("a.yaml").write_text(CONFIG)
    Path("limited.yaml").write_text(LIMITED)
    Path("impossible.yaml").write_text(IMPOSSIBLE)
    return tmp_path


@pytest.fixture(params=[1, 2])
def cores(request):
    """The number of cores that commands of a test may use."""
    before = os.sched_getaffinity(0)
    if request.param > len(before):
        pytest.skip("needs two cores")
    os.sched_setaffinity(0, sorted(before)[: request.param])
    yield request.param
    os.sched_setaffinity(0, before)


def run(*words: str):
    return call("run", *words)


def test_formats_encoded_at_the_same_time_are_those_written_one_by_one(here, cores):
    formats = ["apng", "gif", "mp4", "png", "webm", "webp"] if cores > 1 else ["gif"]
    result = run("a.yaml", "--format", ",".join(formats))
    assert result.exit_code == 0, result.output
    movie = gdsim.animate(gdsim.load("a.yaml"))
    for name in formats:
        assert Path(f"outputs/a/a.{name}").read_bytes() == movie.save(f"alone.{name}").read_bytes(), name
    assert not list(here.glob("outputs/a/.*"))


def test_size_limits_are_kept_as_by_one_process(here, cores):
    result = run("limited.yaml")
    assert result.exit_code == 0, result.output
    movie = gdsim.animate(gdsim.load("limited.yaml"))
    for name in ("gif", "webp"):
        assert f"limited.{name} has " in result.stderr
        path = Path(f"outputs/limited/limited.{name}")
        assert path.read_bytes() == movie.save(f"alone.{name}").read_bytes()
        assert path.stat().st_size <= 20_000


def test_frames_are_drawn_once_for_all_formats(here, monkeypatch):
    from gdsim.render.animation import FramePainter

    draw = FramePainter.draw

    def counted(painter, moment):
        with Path("drawn").open("a") as file:  # shared with the processes that encode
            file.write(".")
        return draw(painter, moment)

    monkeypatch.setattr(FramePainter, "draw", counted)
    assert run("a.yaml", "--format", "gif,mp4,webp").exit_code == 0
    assert 25 <= len(Path("drawn").read_text()) <= 25 + 10  # posters, and last frames with a stressed label


def test_the_failure_of_one_config_does_not_stop_the_others(here, cores):
    Path("b.yaml").write_text(CONFIG)
    result = run("impossible.yaml", "a.yaml", "b.yaml", "--format", "gif", "-q")
    assert result.exit_code == 1
    assert result.stderr.startswith("outputs/impossible/impossible.gif: cannot be kept within 2 kB")
    assert len(result.stderr.splitlines()) == 1
    assert result.stdout.split() == [f"outputs/{name}/{name}.{kind}" for name in "ab" for kind in ("gif", "npz", "csv")]
    assert Path("outputs/a/a.gif").read_bytes() == gdsim.animate(gdsim.load("a.yaml")).save("alone.gif").read_bytes()
    assert not Path("outputs/impossible/impossible.gif").exists()


@pytest.mark.slow
def test_processes_that_share_no_memory_write_the_same(here, monkeypatch):
    Path("b.yaml").write_text(CONFIG)
    words = ["a.yaml", "b.yaml", "--format", "png", "--set", "steps=10"]
    forked = run(*words)
    files = {path: path.read_bytes() for path in here.glob("outputs/*/*")}
    monkeypatch.setattr("gdsim.cli.run.CAN_FORK", False)
    spawned = run(*words)
    # How far the run is, on stderr, depends on the time that it takes.
    assert (spawned.exit_code, spawned.stdout) == (0, forked.stdout)
    assert {path: path.read_bytes() for path in here.glob("outputs/*/*")} == files
    recordings = call("render", *map(str, sorted(here.glob("outputs/*/*.npz"))), "--format", "png")
    assert recordings.exit_code == 0, recordings.output
    assert {path: path.read_bytes() for path in here.glob("outputs/*/*")} == files


def square(_, number):
    if number == 2:
        raise InputError("too small", ("steps",), code="invalid-value")
    if number == 4:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def test_errors_and_lost_processes_are_outcomes_too():
    found = dict(map_in_processes(square, {f"number {number}": (number,) for number in range(7)}))
    assert {name: each.value for name, each in found.items() if each.error is None} == {
        f"number {number}": number**2 for number in (0, 1, 3, 5, 6)
    }
    refused, lost = found["number 2"].error, found["number 4"].error
    assert (refused.key, refused.code, str(refused)) == (("steps",), "invalid-value", "steps: too small")
    assert isinstance(lost, GdsimError)
    assert str(lost).startswith("number 4: a process ended unexpectedly")


@pytest.mark.slow
def test_nothing_is_left_running_or_unfinished_when_a_run_is_killed(here):
    Path("a.yaml").write_text(CONFIG.replace("seconds: 1", "seconds: 60").replace("320, 180", "1280, 720"))
    words = [sys.executable, "-m", "gdsim", "run", "a.yaml", "--format", "gif,mp4"]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while not (list(here.glob("outputs/a/.*.gif")) and list(here.glob("outputs/a/.*.mp4"))):
        assert process.poll() is None
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=60)  # returns when no child has the pipe of the errors open
    assert {path.name for path in here.glob("outputs/a/*")} == {"a.npz", "a.csv"}
