"""The options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["AllowCode", "Format", "Out", "Overwrite", "Quiet", "Set", "SetView"]

Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change one value, as in optimizers.Adam.lr=0.1; may be repeated."),
]
SetView = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Change the view, the pace or the output, as in view.theme=dark."),
]
AllowCode = Annotated[
    bool, typer.Option("--allow-code", help="Let a Python file that a config names run; it can do all that you can.")
]
Out = Annotated[
    Path, typer.Option("--out", "-o", metavar="DIR", help="The folder for results; each config gets its own below.")
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="LIST", help="Instead of the config's own, such as gif,mp4,png."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")]
Overwrite = Annotated[bool, typer.Option("--overwrite/--no-overwrite", help="Whether older results may be replaced.")]
