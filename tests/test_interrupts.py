"""Interrupts at seeded moments of every command, from the first import on: one line, the status, and no trace.

`INTERRUPTS=100 pytest tests/test_interrupts.py` tries more moments.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

CONFIG = """
objective: himmelblau
start: [-0.5, 4.2]
steps: 40
optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}
view: {size: [640, 360]}
animation: {seconds: 2}
"""
COMMANDS = [
    "run a.yaml --format gif",
    "run a.yaml --format gif,mp4",
    "run a.yaml b.yaml --format gif,webm",
    "run a.yaml --format webp,png,html",
    "render a.npz --format webm",
    "compare a.yaml --starts 8 --tune lr --csv t.csv --report r.html",
    "slides a.yaml a.npz --out d.pptx",
    "saliency net.yaml",
    "show ackley",
    "grad ackley --at 1 2",
    "validate a.yaml net.yaml",
    "list",
]
INPUTS = {"a.yaml", "b.yaml", "net.yaml", "a.npz"}
MESSAGE = "interrupted; files that were written are complete"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc").exists(), reason="looks into /proc for handlers and children"),
]

MOMENTS = int(os.environ.get("INTERRUPTS", "24"))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: bytes) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    Path("a.yaml").write_text(CONFIG)
    Path("b.yaml").write_text(CONFIG)
    Path("net.yaml").write_text(
        "{objective: {network: mlp, data: digits, hidden: [4]}, steps: 20, optimizers: {SGD: {lr: 0.1}}, "
        "view: {panels: [loss]}}"
    )
    Path("a.npz").write_bytes(recording)
    return folder


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("recorded")
    (folder / "a.yaml").write_text(CONFIG)
    words = [sys.executable, "-m", "gdsim", "run", "a.yaml", "--format", "png", "-q"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    return (folder / "outputs/a/a.npz").read_bytes()


def judge(command: str, kind: int, status: int, errors: str) -> None:
    lines = errors.splitlines()
    where = (command, kind, status, errors)
    assert "Traceback" not in errors, where
    if status == 0:
        return  # it had ended before
    assert status == 128 + kind, where
    assert lines[-1] == MESSAGE, where


def check_traces(folder: Path) -> None:
    """No half file: every file of the folder is complete, and none is a temporary one; no child is left."""
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert not [name for name in files if Path(name).name.startswith(".")]
    inside = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            inside += [process] if process.joinpath("cwd").readlink() == folder else []
        except OSError:  # it has ended, or belongs to somebody else
            continue
    assert [each.name for each in inside] in ([], [str(os.getpid())])
    for name in files - INPUTS:
        if Path(name).stem == "a" and Path(name).suffix in {".gif", ".mp4", ".webp", ".webm", ".png", ".html", ".npz"}:
            words = [sys.executable, "-m", "gdsim", "source", name]
            assert "himmelblau" in subprocess.run(words, capture_output=True, text=True, check=True).stdout
            break


@pytest.mark.parametrize("number", range(MOMENTS))
def test_an_interrupt_at_any_moment(here: Path, number: int) -> None:
    chance = random.Random(number)  # noqa: S311
    command, kind = COMMANDS[number % len(COMMANDS)], chance.choice([signal.SIGINT, signal.SIGTERM])
    process = subprocess.Popen(
        [sys.executable, "-m", "gdsim", *command.split()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    status = Path("/proc", str(process.pid), "status")
    caught = 0
    while process.poll() is None and not caught >> (signal.SIGTERM - 1) & 1:
        caught = int(status.read_text().partition("SigCgt:")[2].split()[0], 16)
        time.sleep(0.001)
    time.sleep(chance.random() ** 2 * 2)
    process.send_signal(kind)
    _, errors = process.communicate(timeout=60)
    judge(command, kind, process.returncode, errors)
    check_traces(here)


def test_a_second_interrupt_ends_at_once() -> None:
    code = (
        "import signal, os, sys, time; from gdsim.interrupts import exit_on_interrupts, undone\n"
        "exit_on_interrupts()\n"
        "with undone(lambda: (print('undoing', flush=True), time.sleep(60))):\n"
        "    print('ready', flush=True); time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "undoing\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 130


def test_an_interrupt_waits_for_what_must_not_be_torn() -> None:
    code = (
        "import os, signal; from gdsim.interrupts import deferred, exit_on_interrupts\n"
        "exit_on_interrupts()\n"
        "with deferred():\n"
        "    os.kill(os.getpid(), signal.SIGTERM); print('still here', flush=True)\n"
        "print('never', flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (143, "still here\n", f"{MESSAGE}\n")


def test_an_interrupt_while_ffmpeg_ends(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python waits for it then, and the handler must not wait for the same lock."""
    ffmpeg = here.with_name("ffmpeg")
    ffmpeg.write_text("#!/bin/sh\ncat > /dev/null\ntouch ../ending\nexec sleep 100\n")
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    words = [sys.executable, "-m", "gdsim", "run", "a.yaml", "--format", "mp4", "--set", "view.size=[160, 120]", "-q"]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    while not here.with_name("ending").exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20)
    judge("run", signal.SIGINT, process.returncode, errors)
    check_traces(here)
