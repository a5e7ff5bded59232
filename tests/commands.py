"""Commands of gdsim, called in the process of a test."""

from __future__ import annotations

import shlex

from typer.testing import CliRunner

from gdsim.cli.app import app


def call(*words: str):
    """Call a command, and return its exit code, what it printed, and the exception that ended it."""
    return CliRunner().invoke(app, words)


def run_line(line: str, *options: str) -> str:
    """Run a line of a document, which may end in a comment, and return what it prints.

    Args:
        line: The line.
        options: Options for the commands that draw, such as a smaller size.
    """
    program, name, *words = shlex.split(line, comments=True)
    assert program == "gdsim", line
    done = call(name, *(options if name in ("run", "render", "slides") else ()), *words)
    assert done.exit_code == 0, f"{line}\n{done.stderr}{done.exception!r}"
    return done.stdout
