"""The commands that tell what is known, and the small ones around a config."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from gdsim.cli.common import by_option, check_targets, folder_of, load_all
from gdsim.cli.console import arguments, dimensions, facts, gradient_facts, print_columns
from gdsim.cli.options import AllowCode, Out, Overwrite, Set
from gdsim.errors import InputError, did_you_mean
from gdsim.web.embed import FORMS

# What is heavy (torch 2 s, matplotlib 1 s) is imported where it is used, so that help and mistakes come at once.
if TYPE_CHECKING:
    from gdsim.objectives import Objective
    from gdsim.scene import Scene

__all__ = ["WithNumbers", "embed", "grad", "init", "list_names", "print_schema", "show", "source", "validate"]


class WithNumbers(TyperCommand):
    """A command whose `--at` and `--bounds` take as many numbers as follow, negative ones too: `--at 1.2 -0.4`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the numbers of an option to one word before they are read."""
        joined: list[str] = []
        known = {name for option in self.params for name in option.opts} | {"--help"}
        for word in args:
            if len(joined) > 1 and joined[-2] in ("--at", "--bounds") and _is_number(word):
                joined[-1] += f" {word}"
            elif word.startswith("-") and not word.startswith("--") and word not in known and not joined:
                # A formula may begin with a minus sign; a blank before it says that it is no option.
                joined.append(f" {word}")
            else:
                joined.append(word)
        return super().parse_args(ctx, joined)


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def _numbers(words: str, option: str) -> list[float]:
    """The numbers of an option, between spaces or commas."""
    parts = words.replace(",", " ").split()
    for part in parts:
        if not _is_number(part):
            raise InputError(f"{option}: '{part}' is no number")
    return [float(part) for part in parts]


def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(
            metavar="objectives|networks|data|optimizers|schedules|themes", help="What to list; all when left out."
        ),
    ] = None,
) -> None:
    """List the names that a config can use."""
    from gdsim import networks, objectives
    from gdsim.config import signatures
    from gdsim.themes import THEMES, names

    kinds: dict[str, Callable[[], Sequence[Sequence[str]]]] = {
        "objectives": lambda: [
            (name, dimensions(name), objectives.objective(name).title) for name in objectives.names()
        ],
        "networks": lambda: [*networks.NETWORKS.items()],
        "data": lambda: [*networks.DATA.items()],
        "optimizers": lambda: [(name, arguments(each)) for name, each in sorted(signatures.optimizers().items())],
        "schedules": lambda: [(name, arguments(each)) for name, each in sorted(signatures.schedules().items())],
        "themes": lambda: [
            (name, THEMES[name].summary if name in THEMES else "a style sheet of matplotlib") for name in names()
        ],
    }
    if kind is not None and kind not in kinds:
        offer = did_you_mean(kind, kinds) or f"; there are {', '.join(kinds)}"
        raise InputError(f"there is no list of '{kind}'{offer}")
    for title in [kind] if kind else kinds:
        if kind is None:
            print(f"{title}:")
        print_columns(kinds[title](), indent="" if kind else "  ")


Source = Annotated[
    str, typer.Argument(metavar="OBJECTIVE", help="A name from gdsim list, an expression, or a file of samples.")
]
Dim = Annotated[int | None, typer.Option(help="Number of dimensions, where the function leaves it open.")]
Bounds = Annotated[
    str | None, typer.Option("--bounds", metavar="LOW HIGH …", help="The view, two numbers a dimension: -5 2.")
]


def show(
    source: Source,
    dim: Dim = None,
    bounds: Bounds = None,
    kind: Annotated[
        Literal["contour", "surface", "curve"] | None, typer.Option(help="How it is seen; what fits when left out.")
    ] = None,
    theme: Annotated[str, typer.Option(metavar="NAME", help="The picture's look, a name from gdsim list.")] = "light",
    out: Out = Path("outputs"),
    overwrite: Overwrite = True,
) -> None:
    """Print what is known of a function, and draw it."""
    chosen = _objective(source, dim, bounds)
    scene = _portrait(chosen, kind, theme)
    print_columns(facts(chosen))
    name = chosen.name if chosen.name.isidentifier() else "objective"
    path = out / name / f"{name}.png"
    check_targets([{"png": path}], overwrite)
    from gdsim.encode import write
    from gdsim.render import frames

    with folder_of({"png": path}):
        write(frames(scene), path, fps=1, hold=0)
    print(path)


def _portrait(objective: Objective, kind: Literal["contour", "surface", "curve"] | None, theme: str) -> Scene:
    """The scene of an objective alone, as the options of the command line want it."""
    from gdsim.config import View
    from gdsim.scene import preview_scene
    from gdsim.themes import theme as look

    with by_option("--theme"):
        look(theme)
    with by_option("--kind"):
        return preview_scene(objective, view=View(kind=kind, theme=theme))


def grad(
    source: Source,
    at: Annotated[str, typer.Option("--at", metavar="X …", help="The point, a number a dimension: 1.2 -0.4.")],
    bounds: Bounds = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Print a function's value and gradient at a point.

    The gradient comes by autograd, with a central difference as a check.
    """
    import numpy as np

    from gdsim.objectives import grad as gradient_at

    point = _numbers(at, "--at")
    chosen = _objective(source, None, bounds, len(point))
    found = gradient_at(chosen, point)
    if as_json:
        # JSON has no word for what is not finite.
        given = {key: np.array(np.where(np.isfinite(part), part, None)).tolist() for key, part in vars(found).items()}
        print(json.dumps({"objective": source, **given}))
    else:
        print_columns(gradient_facts(found))


def _objective(source: str, dim: int | None, bounds: str | None, wanted: int | None = None) -> Objective:
    """The objective that a word of the command line means, in `wanted` dimensions if it leaves the choice."""
    from gdsim.objectives import names, objective

    given = None if bounds is None else _numbers(bounds, "--bounds")
    if given is not None and len(given) % 2:
        raise InputError(f"--bounds: takes two numbers a dimension, low and high, not {len(given)} in all")
    pairs = None if given is None else [given[i : i + 2] for i in range(0, len(given), 2)]
    if wanted is not None and source in names() and dimensions(source) == "any":
        dim = wanted
    return objective(source, bounds=pairs, **({} if dim is None else {"dim": dim}))


def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented config that runs, to begin from."""
    from gdsim.files import atomic_write

    if file.suffix not in (".yaml", ".yml"):
        raise InputError(f"{file}: give it a name that ends in .yaml")
    if file.exists() and not overwrite:
        raise InputError(f"{file} exists; name another file, or add --overwrite")
    text = files("gdsim").joinpath("starter.yaml").read_text(encoding="utf-8")
    with atomic_write(file) as partial:
        partial.write_text(text, encoding="utf-8")
    print(file)


def validate(
    configs: Annotated[list[Path], typer.Argument(metavar="FILE", help="YAML files, or pictures that a run has made.")],
    changes: Set = None,
    allow_code: AllowCode = False,
) -> None:
    """Check each FILE as a run would, without running it."""
    load_all(configs, changes or (), {}, allow_code)
    for path in configs:
        print(f"{path}: ok")


def print_schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from gdsim.config import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))


def source(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture, page or recording of gdsim.")],
) -> None:
    """Print the YAML that FILE was made from."""
    from gdsim.config.yaml_text import parse
    from gdsim.encode.reading import source as source_of
    from gdsim.encode.reading import yaml_of
    from gdsim.errors import printable

    text, made = yaml_of(file), source_of(file)
    parse(text, str(file))  # which lets nothing through that would steer a terminal
    words = "; ".join([f"{file}: {made.title}", *map(" ".join, made.versions.items())])
    print(printable(words), file=sys.stderr)
    print(text, end="" if text.endswith("\n") else "\n")


def embed(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture or page of gdsim.")],
    form: Annotated[str, typer.Option("--for", metavar="FORM", help=f"One of {', '.join(FORMS)}.")] = "markdown",
) -> None:
    """Print the lines that show FILE in a document.

    They have its alt text, its size, and where it moves a poster for print: the .png beside it. Its path is written as
    it is from the current folder, so call this where the document is.
    """
    from gdsim.web.embed import snippet

    print(snippet(file, form), end="")
