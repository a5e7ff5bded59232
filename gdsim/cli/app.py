"""The command `gdsim`: its subcommands, and how errors become messages and exit statuses."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

import gdsim
from gdsim.errors import GdsimError, did_you_mean, printable
from gdsim.processes import prepare_process

HELP = {"help_option_names": ["-h", "--help"]}

COMMANDS = {
    "run": ("run:run", "Simulate and draw each CONFIG; print the paths written."),
    "watch": ("watch:watch", "Draw each CONFIG again whenever its files change."),
    "compare": ("compare:compare", "Compare the optimizers of each CONFIG; print a table."),
    "studio": ("studio:studio", "Open a page that simulates again while you drag or move a slider."),
    "slides": ("slides:slides", "Make a PowerPoint deck, with notes and a table of figures."),
    "render": ("run:render", "Draw recorded trajectories again, without simulating."),
    "saliency": ("saliency:saliency", "Draw what trained networks see in an image."),
    "list": ("inspect:list_names", "List the names that a config can use."),
    "show": ("inspect:show", "Print what is known of a function, and draw it."),
    "grad": ("inspect:grad", "Print a function's value and gradient at a point, and draw them."),
    "embed": ("inspect:embed", "Print the lines that show FILE in a document."),
    "source": ("inspect:source", "Print the YAML that FILE was made from."),
    "init": ("examples:init", "Write a commented config that runs, to begin from."),
    "examples": ("examples:examples", "List the shipped configs, or write some here."),
    "validate": ("inspect:validate", "Check each CONFIG as a run would, without running it."),
    "schema": ("inspect:print_schema", "Print the JSON Schema of a config, for editors."),
    "doctor": ("doctor:doctor", "Print versions, and what is missing for which feature."),
}
"""The commands: each one's function, which is imported when it is needed, and its line in `gdsim --help`."""


class _Group(TyperGroup):
    """Imports a command when it is used, and reports every failure in plain lines on stderr, and in the exit status."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]  # the names suffice to list them

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        from gdsim.cli.common import SettingsCommand

        file, _, function = COMMANDS[cmd_name][0].partition(":")
        module = import_module(f"gdsim.cli.{file}")
        alone = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP)
        class_ = module.NumbersCommand if cmd_name in ("show", "grad") else SettingsCommand
        alone.command(cmd_name, cls=class_)(getattr(module, function))
        return get_command(alone)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from gdsim.cli.common import is_function
            from gdsim.files import YAML_SUFFIXES

            can_run = args[0].endswith(YAML_SUFFIXES) or is_function(Path(args[0]))
            hint = f"; did you mean: gdsim run {quote(args[0])}" if can_run else did_you_mean(args[0], COMMANDS)
            ctx.fail(f"there is no command '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in COMMANDS.items()])

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _exit_on_errors():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: Any) -> Any:
        with _exit_on_errors():
            return super().invoke(ctx)


@contextmanager
def _exit_on_errors() -> Iterator[None]:
    try:
        yield
        print(end="", flush=True)  # an error of writing must occur here, not when Python exits
    except GdsimError as error:
        print(error, file=sys.stderr)
        raise typer.Exit(error.exit_status) from error
    except OSError as error:
        # Python must not fail again when it flushes the output.
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
        if isinstance(error, BrokenPipeError):  # the reader of the output has closed it, which is no failure
            raise typer.Exit(0) from error
        what = "the output cannot be written" if error.filename is None else printable(str(error.filename))
        print(f"{what}: {error.strerror or error}", file=sys.stderr)
        raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Group, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None, context_settings=HELP
)


def run_app() -> None:
    """Run the command line in a process of its own."""
    if sys.stderr is None:  # closed; print() would take None for stdout
        sys.stderr = open(os.devnull, "w")  # noqa: PTH123, SIM115
    if isinstance(sys.stdout, TextIOWrapper) and not sys.stdout.isatty():
        # Output to a file or a pipe is UTF-8 on every machine; file names keep their bytes.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    prepare_process()
    app(prog_name="gdsim")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gdsim {gdsim.__version__}", flush=True)
        raise typer.Exit


@app.callback()
def gdsim_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Animate the paths that torch.optim really takes, against the gradient arrows.

    Begin with: gdsim init my.yaml, then: gdsim run my.yaml; or with an example: gdsim examples
    """
