"""The command line: the only package that writes to the terminal."""

from __future__ import annotations

from gdsim.interrupts import exit_on_interrupts, exit_process


def main() -> None:
    """Run the command line, and end the process."""
    exit_on_interrupts()
    from gdsim.cli.app import run_app

    try:
        run_app()
    except SystemExit as end:
        exit_process(end.code if isinstance(end.code, int) else int(end.code is not None))
