"""`gdsim studio`: a page in the browser in which a config is made by hand and eye."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Annotated, Any

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with
from gdsim.cli.run import write
from gdsim.cli.slides import write_deck
from gdsim.cli.workers import run_sweep
from gdsim.errors import GdsimError
from gdsim.files import YAML_SUFFIXES
from gdsim.processes import prepare_process


def studio(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="A YAML file or a function to begin with; by default the config of gdsim init.",
            autocompletion=files_with(YAML_SUFFIXES),
        ),
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, metavar="N", help="The port; by default the first free from 8470."),
    ] = None,
    opened: Annotated[bool, typer.Option("--open/--no-open", help="Whether to open the page in the browser.")] = True,
    allow_code: common.AllowCode = False,
) -> None:
    """Open a page that simulates again while you drag a start or move a slider; print its address.

    It needs a server: pip install 'gdsim[studio]'.
    """
    if missing := [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]:
        raise GdsimError(f"{missing[0]} is not installed; install it with: pip install 'gdsim[studio]'")
    from gdsim.config import read_text
    from gdsim.interactive.server import bound_socket, serve

    text = None
    if config is not None and common.is_function(config):
        config, text = None, common.config_of(str(config))
    elif config is not None:
        common.check_exists(config)
        read_text(config)  # raises if it is not text; the page shows other mistakes
    listener, used = bound_socket(port)
    if used:
        print(f"port {used[0]} is in use; the page is at port {listener.getsockname()[1]}", file=sys.stderr)

    def announce(address: str) -> None:
        print(address, flush=True)
        if opened:
            typer.launch(address)

    serve(listener, announce, root=Path.cwd(), path=config, text=text, allow_code=allow_code, export=export)


def export(connection: Connection[Any, Any], text: str, name: str, folder: Path, allow_code: bool, path: Path) -> None:
    """Write what `gdsim run --format` would write of a text, or the deck of `gdsim slides`.

    Args:
        connection: Gets the share that is done and what is done.
        text: The YAML.
        name: The name of the experiment.
        folder: The folder that paths in the text are relative to.
        allow_code: Whether code that the text names may run.
        path: The file.
    """
    from gdsim.config import loads
    from gdsim.interactive.export import progress_to

    prepare_process()
    progress = partial(progress_to, connection)
    load = partial(loads, text, name=name, file=f"{name}.yaml", folder=folder, allow_code=allow_code)
    if path.suffix == ".pptx":
        write_deck(load, path, progress)
        return
    paths = {path.suffix[1:]: path, "npz": path.with_suffix(".npz"), "csv": path.with_suffix(".csv")}
    write(load(), None, paths, partial(run_sweep, None, None), progress)
