"""Sweeps run in processes and on clusters: the same bytes however they run, and whatever ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest

import gdsim
from gdsim.cli import workers
from gdsim.errors import InputError
from gdsim.processes import core_count
from gdsim.sweeps import archive
from gdsim.sweeps.plan import Plan
from tests.browse import wait_for
from tests.commands import call

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
    assert wait_for(lambda: list(config.parent.glob("lr/.lr.tiles/*/*.npz")), 60)


def test_only_a_long_sweep_starts_processes():
    experiment = gdsim.loads(CONFIG)
    assert Plan.of(experiment).workers == 1
    assert Plan.of(gdsim.config.with_overrides(experiment, ["sweep.size=[900, 900]"])).workers == core_count()
    assert Plan.of(gdsim.config.with_overrides(experiment, ["sweep.size=[900, 900]", "sweep.device=cuda"])).workers == 1


def test_a_tile_of_many_instances_takes_seconds():
    sweep = "sweep: {x: {setting: start.0}, points: 900}"
    tiles = Plan.of(
        gdsim.loads(f"{{objective: booth, steps: 100, optimizers: {{LBFGS: {{max_iter: 5}}}}, {sweep}}}")
    ).tiles
    assert [tile.first for tile in tiles[1:]] == [tile.end for tile in tiles[:-1]]
    assert 15 <= len(tiles) <= 60


def test_an_executor_has_its_own_workers():
    with (
        ThreadPoolExecutor(1) as executor,
        pytest.raises(InputError, match="workers: is for processes of this machine"),
    ):
        gdsim.sweep(gdsim.loads(CONFIG), executor, workers=2)


SCRIPT = """
import gdsim
from gdsim.sweeps import archive
archive.save("lr.npz", gdsim.sweep("lr.yaml", workers=2), gdsim.load("lr.yaml"))
"""


@pytest.mark.slow
def test_workers_of_a_script_without_a_main_guard_give_the_same_result(config, expected):
    (config.parent / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=config.parent, stderr=subprocess.PIPE, check=True)
    assert done.stderr == b""
    assert contents(config.with_suffix(".npz")) == expected


UNSAVED = """
import time
from gdsim.cli import main
from gdsim.sweeps import archive
archive.save = lambda *_: time.sleep(60)
main()
"""
"""A command whose result is not saved before it is interrupted, however late that is."""


def interrupted(config, options, when):
    """Interrupt a command as a terminal does, with all its processes, and check that it ends with one line."""
    words = [sys.executable, "-c", UNSAVED, *command(config, *options, "-q")[3:]]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
        when(process)
        children = psutil.Process(process.pid).children(recursive=True)
        os.killpg(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (130, "interrupted; files that were written are complete\n")
    assert psutil.wait_procs(children, 20)[1] == []


@pytest.mark.slow
def test_an_interrupted_run_continues_to_the_same_result(config, expected):
    interrupted(config, ["--workers", "2"], lambda _: first_tile(config))
    folder = config.parent / "lr"
    assert not (folder / "lr.npz").exists()
    kept = {path: path.stat().st_mtime_ns for path in folder.glob(".lr.tiles/*/*.npz")}
    assert kept
    continued = gdsim.sweep(
        config, kept=folder / ".lr.tiles", progress=lambda tiles: check_number(tiles, 4 - len(kept))
    )
    assert saved(config, continued) == expected
    assert call(*command(config, "--workers", "1")[3:]).exit_code == 0
    assert contents(folder / "lr.npz") == expected
    assert not (folder / ".lr.tiles").exists()


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


def a_worker_starts(process):
    # The first child is the tracker of semaphores.
    assert wait_for(lambda: len(psutil.Process(process.pid).children()) > 1, 60)


@pytest.mark.slow
@pytest.mark.parametrize(("starting", "workers"), [(True, "2"), (False, "1")])
def test_an_interrupted_cluster_of_this_machine_leaves_one_line_and_no_process(config, starting, workers):
    pytest.importorskip("distributed")
    when = a_worker_starts if starting else lambda _: first_tile(config)
    interrupted(config, ["--dask", "local", "--workers", workers], when)


@pytest.fixture
def silent_scheduler():
    """The address of something that accepts connections and never answers."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening, f"tcp://127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.slow
def test_an_interrupt_while_a_scheduler_does_not_answer_is_one_line(config, silent_scheduler):
    pytest.importorskip("distributed")
    listening, address = silent_scheduler
    with ExitStack() as connections:
        interrupted(config, ["--dask", address], lambda _: connections.enter_context(listening.accept()[0]))


@pytest.mark.parametrize("silent", [True, False])
def test_an_unreachable_scheduler_is_one_line(config, silent_scheduler, silent, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(workers, "TIMEOUT", 0.5)
    address = silent_scheduler[1] if silent else "tcp://127.0.0.1:1"
    done = call(*command(config, "--dask", address)[3:])
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith(f"--dask: no scheduler of Dask answers at '{address}'")


WORKER = "import sys; sys.path.insert(0, sys.argv.pop(1)); from distributed.cli.dask_worker import main; main()"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_worker_without_gdsim_is_one_line(config, tmp_path):
    distributed = pytest.importorskip("distributed")
    bare = tmp_path / "site-packages"
    bare.mkdir()
    for each in Path(distributed.__file__).parents[1].iterdir():
        if "gdsim" not in each.name:
            (bare / each.name).symlink_to(each)
    with distributed.LocalCluster(n_workers=0, dashboard_address=None) as cluster:
        options = [str(bare), cluster.scheduler_address, "--no-nanny", "--no-dashboard"]
        with subprocess.Popen(
            [sys.executable, "-S", "-c", WORKER, *options], cwd=tmp_path, stderr=subprocess.DEVNULL
        ) as worker:
            cluster.get_client().wait_for_workers(1, 60)
            done = call(*command(config, "--dask", cluster.scheduler_address)[3:])
            worker.kill()
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("--dask: the worker tcp://")
    assert done.stderr.endswith(f" has no gdsim; install it there: pip install gdsim=={gdsim.__version__}\n")


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


def test_tiles_of_a_network_are_run_again_if_its_data_changes(tmp_path):
    data, config = {"x": np.eye(8, 4, dtype=np.float32), "y": np.arange(8) % 2}, tmp_path / "net.yaml"
    config.write_text(
        "{objective: {network: mlp, hidden: [2], data: own.npz}, steps: 4, optimizers: {SGD: },"
        " sweep: {x: {setting: optimizers.SGD.lr, range: [0.1, 1]}, points: 3}}"
    )
    for labels in (data["y"], 1 - data["y"]):
        np.savez(tmp_path / "own.npz", x=data["x"], y=labels)
        kept, fresh = gdsim.sweep(config, kept=tmp_path / "tiles"), gdsim.sweep(config)
        np.testing.assert_array_equal(kept.figures["final_value"], fresh.figures["final_value"])
