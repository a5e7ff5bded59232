"""Completion of values, as the shells ask for it."""

from __future__ import annotations

import fcntl
import inspect
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

import gdsim
from gdsim import config, objectives, themes
from gdsim.cli.app import app
from gdsim.scene.views import view_kinds
from gdsim.web.embed import FORMS
from tests.commands import call

SECONDS = 60  # that a loaded machine may take for an answer
CONFIG = "{objective: beale, steps: 70, optimizers: {SGD: {lr: 0.25}, Mine: {class: Adam}}}\n"

LINES = {
    "gdsim sho": "gdsim show ",
    "gdsim show rosenbr": "gdsim show rosenbrock ",
    "gdsim run qui": "gdsim run quick.yaml ",
    "gdsim run quick.yaml --set view.the": "gdsim run quick.yaml --set view.theme",
    "gdsim run quick.yaml --set view.kind=cu": "gdsim run quick.yaml --set view.kind=curve ",
    "gdsim run quick.yaml --set optimizers.Mine.betas=0 --set optimizers.SGD.l": (
        "gdsim run quick.yaml --set optimizers.Mine.betas=0 --set optimizers.SGD.lr=0.25 "
    ),
}
"""What is typed, and the line after the Tab key; a space at the end says that the word is complete."""


class Shell:
    """An interactive shell in a pseudo-terminal."""

    def __init__(self, *command: str, environment: dict[str, str]) -> None:
        self.side, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 200, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
        )
        os.close(theirs)

    def type(self, keys: str, expected: str) -> str:
        """Send keys and return what the pattern's group matches in the output."""
        os.write(self.side, keys.encode())
        output, until = "", time.monotonic() + SECONDS
        while (found := re.search(expected, output)) is None:
            assert select.select([self.side], [], [], max(0, until - time.monotonic()))[0], output
            output += os.read(self.side, 4096).decode(errors="replace")
        return found[1]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.side)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quick.yaml").write_text(CONFIG)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_completes_values_at_the_tab_key(home, shell):
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "HOME": str(home), "PATH": path, "TERM": "xterm"}
    (home / ".local/share/fish/generated_completions").mkdir(parents=True)  # or fish reads all manual pages
    opened = Shell(program, "-i", environment=environment)
    opened.type("gdsim --install-completion\n", "(installed)")
    opened.close()
    opened = Shell(program, "-i", environment=environment)
    try:
        opened.type("gdsim --version \t\n", r"gdsim (\d)")  # in zsh the first press of the key loads the function
        for typed, completed in LINES.items():
            # The line that the key has completed becomes an argument of printf.
            line = opened.type(f"{typed}\t\x01printf 'line:%s:\\n' '\x05'\n", "line:(gdsim [^:\r\n]*):")
            # zsh takes the space back when the cursor moves.
            assert line == (completed.rstrip() if shell == "zsh" else completed)
    finally:
        opened.close()


def offered(*words: str) -> list[str]:
    """Return what bash is offered for the last of some words."""
    asked = {"_GDSIM_COMPLETE": "complete_bash", "COMP_WORDS": "\n".join(["gdsim", *words])}
    result = CliRunner().invoke(app, [], prog_name="gdsim", env={**asked, "COMP_CWORD": str(len(words))})
    return result.stdout.split()


def test_names_are_those_that_the_command_takes():
    assert offered("show", "") == offered("compare", "--objectives", "") == list(objectives.names())
    assert offered("run", "--theme", "") == offered("show", "--theme", "") == list(themes.names())
    assert offered("run", "--format", "gif,") == [f"gif,{each}" for each in config.formats() if each != "gif"]
    assert offered("saliency", "--format", "s") == ["svg"]
    assert offered("show", "--kind", "") == list(view_kinds())
    assert offered("embed", "--for", "") == list(FORMS)
    kinds = offered("list", "")
    assert all(call("list", kind).exit_code == 0 for kind in kinds)
    assert len(kinds) == 6


def test_files_are_configs_and_recordings_that_are_near(home):
    for name in ("talk/a.yml", "talk/b.txt", "talk/deep/c.yaml", "outputs/quick/quick.npz"):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    assert offered("run", "") == offered("validate", "") == ["quick.yaml", "talk/a.yml"]
    assert offered("run", "talk/") == ["talk/a.yml", "talk/deep/c.yaml"]
    assert offered("render", "") == ["outputs/quick/quick.npz"]
    assert offered("slides", "o") == ["outputs/quick/quick.npz"]


def test_files_of_strangers_neither_stop_a_completion_nor_reach_the_terminal(home):
    os.mkfifo("pipe.yaml")
    Path("endless.yaml").symlink_to("/dev/zero")
    Path("large.yaml").write_bytes(b"- " * 2**22)
    Path("deep.yaml").write_text("[" * 100_000)
    Path("code.yaml").write_text("!!python/object/apply:os.mkdir [ran]")
    Path("labels.yaml").write_text('optimizers: {"$(mkdir ran)": {class: SGD}, Plain: {class: SGD}, B: {class: SGD}}')
    Path("red\x1b[31m.yaml").touch()
    Path("two\nlines.yaml").touch()
    near = ["code.yaml", "deep.yaml", "endless.yaml", "labels.yaml", "large.yaml", "pipe.yaml", "quick.yaml"]
    assert offered("run", "") == near
    assert offered("run", "labels.yaml", "--set", "optimizers.") == ["optimizers.Plain.", "optimizers.B."]
    for name in near[:3] + near[4:6]:
        assert offered("run", name, "--set", "ste") == ["steps="]
    assert not Path("ran").exists()


def test_a_key_is_completed_by_its_parts_and_then_by_its_values(home):
    assert offered("run", "--set", "vi")[:2] == ["view.kind=", "view.plane="]
    assert {"steps=", "seed=", "view.", "start=", "start."} < set(offered("run", "--set", ""))
    assert offered("run", "--set", "optimizers.") == []
    assert offered("run", "quick.yaml", "--set", "optimizers.") == ["optimizers.SGD.", "optimizers.Mine."]
    settings = offered("run", "quick.yaml", "--set", "optimizers.Mine.")
    names = {each.removeprefix("optimizers.Mine.").rstrip("=.") for each in settings}
    own = {"class", "schedule", "noise", "clip_norm", "color", "rest", "args"}
    assert names == own | inspect.signature(torch.optim.Adam).parameters.keys() - {"params"}
    assert offered("run", "--set", "view.formula=") == ["view.formula=true", "view.formula=false"]
    assert offered("run", "--set", "objective=rosen") == ["objective=rosenbrock"]
    assert offered("run", "quick.yaml", "--set", "ste") == ["steps=70"]
    assert offered("run", "--set", "animation.seconds=") == ["animation.seconds=6.0"]
    assert offered("run", "--set", "nowhere.x") == offered("run", "--set", "view.nowhere=") == []
    assert offered("run", "--set", "view.theme", "=", "dar") == ["dark", "dark_background"]
    assert offered("run", "--set", "view.theme", "=")[:2] == ["light", "dark"]


def test_every_value_that_is_offered_is_accepted(home):
    def leaves(word: str) -> list[str]:
        found = [each for each in offered("run", "quick.yaml", "--set", word) if each != word]
        return [leaf for each in found for leaf in (leaves(each) if each[-1] in ".=" else [each])]

    sections = "animation.", "output.preset", "output.loop", "view.fi", "view.m", "steps", "seed", "optimizers.Mine.w"
    values = [each for section in sections for each in leaves(section)]
    assert len(values) > 20
    for value in values:
        gdsim.load("quick.yaml", overrides=[value])
