"""`gdsim studio`: a page in the browser in which a config is made by hand and eye."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with
from gdsim.errors import GdsimError
from gdsim.files import YAML_SUFFIXES


def studio(
    config: Annotated[
        Path | None,
        typer.Argument(
            metavar="[CONFIG]",
            help="The YAML file to begin with; by default that of gdsim init.",
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
    """Open a page that simulates again while you drag a start or move a slider; print its address."""
    if missing := [name for name in ("starlette", "uvicorn", "websockets") if find_spec(name) is None]:
        raise GdsimError(f"{missing[0]} is not installed; install it with: pip install 'gdsim[studio]'")
    if config is not None:
        common.load_one(config)
    from gdsim.interactive.server import bound_socket, serve

    listener, used = bound_socket(port)
    if used:
        print(f"port {used[0]} is in use; the page is at port {listener.getsockname()[1]}", file=sys.stderr)

    def announce(address: str) -> None:
        print(address, flush=True)
        if opened:
            typer.launch(address)

    serve(config, listener, allow_code=allow_code, ready=announce)
