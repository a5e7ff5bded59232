"""The command line: the only room that prints, shows progress, or exits."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

import gdsim
from gdsim.cli import compare, inspect, run, saliency
from gdsim.errors import GdsimError

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """The commands, with every failure told in plain lines on stderr and by the exit status."""

    def make_context(self, *given: Any, **more: Any) -> Any:
        with _failures_told():
            return super().make_context(*given, **more)

    def invoke(self, ctx: Any) -> Any:
        with _failures_told():
            return super().invoke(ctx)


@contextmanager
def _failures_told() -> Iterator[None]:
    try:
        yield
        print(end="", flush=True)  # what cannot be written shows here, not when Python ends
    except GdsimError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_status) from error
    except KeyboardInterrupt as error:
        print("interrupted; what was written before is whole", file=sys.stderr)
        raise typer.Exit(130) from error
    except OSError as error:
        # Whoever read our output has gone, which is no failure, or its place is full. Python must not fail once
        # more on flushing it.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        gone = isinstance(error, BrokenPipeError)
        if not gone:
            print(f"the output cannot be written: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(0 if gone else 1) from error


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def main() -> None:
    """Run the command line."""
    with suppress(ValueError):  # which is raised when this is not the main thread
        signal.signal(signal.SIGTERM, _interrupt)
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        # What goes into a file or another program is UTF-8 on every machine, and a file's name is as the disk has it.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    app(prog_name="gdsim")


def _interrupt(*_: object) -> NoReturn:
    """Let a request to end clean up as an interrupt from the keyboard does."""
    raise KeyboardInterrupt


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gdsim {gdsim.__version__}", flush=True)
        raise typer.Exit


@app.callback()
def gdsim_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Animate the paths that torch.optim really takes, against the gradient arrows.

    Begin with: gdsim init my.yaml, then: gdsim run my.yaml
    """


app.command()(run.run)
app.command(short_help="Compare the optimizers of each CONFIG; print a table.")(compare.compare)
app.command(short_help="Make a PowerPoint deck, with notes and a table of figures.")(run.slides)
app.command()(run.render)
app.command(short_help="Draw what trained networks see in an image.")(saliency.saliency)
app.command("list")(inspect.list_names)
app.command(cls=inspect.WithNumbers)(inspect.show)
app.command(cls=inspect.WithNumbers)(inspect.grad)
app.command()(inspect.embed)
app.command()(inspect.source)
app.command()(inspect.init)
app.command()(inspect.validate)
app.command("schema")(inspect.print_schema)
