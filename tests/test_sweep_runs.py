"""Sweeps run in processes and on clusters: the same bytes however they run, and whatever ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest
from typer.testing import CliRunner

import gdsim
from gdsim.cli.app import app
from gdsim.sweeps import archive

CONFIG = """
objective: himmelblau
steps: 80
optimizers:
  SGD: {lr: 0.01}
  Momentum: {class: SGD, lr: 0.01, momentum: 0.9}
  Adam: {lr: 0.3}
  Rprop: {lr: 0.1}
sweep:
  x: {setting: optimizers.*.lr, range: [0.001, 1], scale: log}
  y: {setting: start.1}
  size: [40, 30]
  show: [minimum, final_value]
view: {size: [320, 180]}
"""


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "lr.yaml"
    path.write_text(CONFIG)
    return path


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The bytes of the result of a run in this process."""
    path = tmp_path_factory.mktemp("alone") / "lr.yaml"
    path.write_text(CONFIG)
    return saved(path, gdsim.sweep(path))


def saved(config, result):
    """The bytes of the file of a result, without the folder, which differs between tests."""
    experiment = gdsim.load(config)
    archive.save(config.with_suffix(".npz"), result, experiment)
    return contents(config.with_suffix(".npz"))


def contents(path):
    with np.load(path) as arrays:
        return {name: arrays[name].tobytes() for name in arrays.files if name != "folder"}


def command(config, *options):
    return [sys.executable, "-m", "gdsim", "run", str(config), "-o", str(config.parent), "--format", "png", *options]


def first_tile(config):
    """Wait until a tile is kept."""
    for _ in range(1200):
        if list(config.parent.glob("lr/.lr.tiles/*/*.npz")):
            return
        time.sleep(0.05)
    raise AssertionError("no tile is kept")


@pytest.mark.slow
def test_four_workers_give_the_same_result(config, expected):
    subprocess.run(command(config, "--workers", "4", "-q"), check=True)
    assert contents(config.parent / "lr" / "lr.npz") == expected
    assert not (config.parent / "lr" / ".lr.tiles").exists()


@pytest.mark.slow
def test_an_interrupted_run_continues_to_the_same_result(config, expected):
    with subprocess.Popen(command(config, "--workers", "2", "-q")) as process:
        first_tile(config)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130
    assert psutil.wait_procs(workers, 20)[1] == []
    assert not (config.parent / "lr" / "lr.npz").exists()
    kept = {path: path.stat().st_mtime_ns for path in config.parent.glob("lr/.lr.tiles/*/*.npz")}
    result = gdsim.sweep(
        config, kept=config.parent / "lr" / ".lr.tiles", progress=lambda tiles: check_number(tiles, 4 - len(kept))
    )
    assert saved(config, result) == expected


def check_number(tiles, number):
    assert len(tiles) == number
    return tiles


@pytest.mark.slow
def test_a_killed_worker_loses_only_its_tile(config, expected):
    with subprocess.Popen(command(config, "--workers", "2"), stderr=subprocess.PIPE, text=True) as process:
        first_tile(config)
        for worker in psutil.Process(process.pid).children():
            worker.kill()
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "a worker ended unexpectedly" in errors
    result = gdsim.sweep(config, kept=config.parent / "lr" / ".lr.tiles")
    assert saved(config, result) == expected


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_loses_a_worker_gives_the_same_result(config, expected):
    distributed = pytest.importorskip("distributed")
    with distributed.Client(n_workers=2, threads_per_worker=1, dashboard_address=None) as client:

        def kill_one(tiles):
            for number, tile in enumerate(tiles):
                yield tile
                if number == 0:
                    os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)

        result = gdsim.sweep(config, client.get_executor(pure=False), progress=kill_one)
    assert saved(config, result) == expected


@pytest.mark.slow
def test_an_interrupted_cluster_of_this_machine_leaves_one_line_and_no_process(config):
    pytest.importorskip("distributed")
    words = command(config, "--dask", "local", "--workers", "2", "-q")
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        first_tile(config)
        workers = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "interrupted; files that were written are complete\n")
    assert psutil.wait_procs(workers, 20)[1] == []


def test_an_unreachable_scheduler_is_one_line(config):
    words = ["run", str(config), "-o", str(config.parent), "--dask", "tcp://127.0.0.1:1"]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 2
    assert found.stderr.splitlines()[-1].startswith("--dask: no scheduler of Dask answers at 'tcp://127.0.0.1:1'")


DAMAGED = {
    "no archive": lambda path, _: path.write_bytes(b"PK"),
    "a pipe": lambda path, _: (path.unlink(), os.mkfifo(path)),
    "a figure is missing": lambda path, arrays: np.savez(path, outcome=arrays["outcome"]),
    "another shape": lambda path, arrays: np.savez(path, **arrays | {"final_value": np.zeros((9, 1))}),
    "another type": lambda path, arrays: np.savez(path, **arrays | {"final_value": arrays["final_value"].astype(str)}),
    "no such outcome": lambda path, arrays: np.savez(path, **arrays | {"outcome": arrays["outcome"] + np.int8(99)}),
    "no such minimum": lambda path, arrays: np.savez(path, **arrays | {"minimum": arrays["minimum"] - np.int16(9)}),
}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes a named pipe")
@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_tile_is_run_again(tmp_path, damage):
    """Also one that somebody forged: it comes beside the results, which may have been passed on."""
    text = """
objective: himmelblau
start: [-0.5, 4.2]
steps: 5
optimizers: {SGD: , Adam: }
sweep: {x: {setting: 'optimizers.*.lr', range: [0.001, 0.1]}, points: 9, show: [outcome, final_value]}
"""
    experiment, kept = gdsim.loads(text), tmp_path / "tiles"

    def interrupted(tiles):
        yield from tiles
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        gdsim.sweep(experiment, kept=kept, progress=interrupted)
    first, _ = sorted(kept.glob("*/*.npz"))
    with np.load(first) as arrays:
        figures = dict(arrays)
    damage(first, figures)
    result = gdsim.sweep(experiment, kept=kept, progress=lambda tiles: check_number(tiles, 1))
    expected = gdsim.sweep(experiment)
    for name, figure in expected.figures.items():
        np.testing.assert_array_equal(result.figures[name], figure)
