"""The commands that print what is known (list, show, grad, source, embed, schema), and check a config."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gdsim.cli import common
from gdsim.cli.completion import names_from, names_of
from gdsim.cli.console import print_columns, print_lines, print_notes
from gdsim.errors import InputError, did_you_mean, printable
from gdsim.web.embed import FORMS

if TYPE_CHECKING:
    from gdsim.config import View
    from gdsim.config.signatures import Signature
    from gdsim.objectives import Gradient, Objective
    from gdsim.scene.model import Scene


LISTS = "objectives|networks|data|optimizers|schedules|themes"


class NumbersCommand(common.SettingsCommand):
    """A command whose `--at` and `--bounds` take any number of numbers, also negative ones: `--at 1.2 -0.4`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Join the numbers of an option to one argument before parsing."""
        joined: list[str] = []
        for word in args:
            if len(joined) > 1 and joined[-2] in ("--at", "--bounds") and _is_number(word):
                joined[-1] += f" {word}"
            else:
                joined.append(word)
        return super().parse_args(ctx, joined)


def _is_number(word: str) -> bool:
    with suppress(ValueError):
        float(word)
        return True
    return False


def _numbers(text: str, option: str) -> list[float]:
    """Return the numbers of an option, separated by spaces or commas."""
    parts = text.replace(",", " ").split()
    if wrong := [part for part in parts if not _is_number(part)]:
        raise InputError(f"'{wrong[0]}' is not a number", (option,), code="wrong-type")
    return [float(part) for part in parts]


def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(metavar=LISTS, help="What to list; all if omitted.", autocompletion=names_of(LISTS.split("|"))),
    ] = None,
) -> None:
    """List the names that a config can use."""
    from gdsim import networks, objectives
    from gdsim.config import signatures
    from gdsim.themes import THEMES, names

    def with_arguments(classes: Mapping[str, Signature]) -> list[tuple[str, str]]:
        return [(name, str(each)) for name, each in sorted(classes.items())]

    kinds: dict[str, Callable[[], Sequence[Sequence[str]]]] = {
        "objectives": lambda: [
            (name, _dimensions(name), objectives.objective(name).title) for name in objectives.names()
        ],
        "networks": lambda: [*networks.NETWORKS.items()],
        "data": lambda: [*networks.DATA.items()],
        "optimizers": lambda: [
            *with_arguments(signatures.optimizers()),
            *((name, f"{each}  (not of torch.optim)") for name, each in signatures.minimizers().items()),
        ],
        "schedules": lambda: with_arguments(signatures.schedules()),
        "themes": lambda: [
            (name, THEMES[name].summary if name in THEMES else "a style sheet of matplotlib") for name in names()
        ],
    }
    if kind is not None and kind not in kinds:
        hint = did_you_mean(kind, kinds) or f"; there are {', '.join(kinds)}"
        raise InputError(f"there is no list of '{kind}'{hint}", code="unknown-name")
    for title in [kind] if kind else kinds:
        if kind is None:
            print(f"{title}:")
        print_columns(kinds[title](), indent="" if kind else "  ")


def _dimensions(name: str) -> str:
    """Return how many dimensions a catalogue function takes: `1`, `2` or `any`."""
    from gdsim.objectives import objective

    try:
        objective(name, dim=3)
    except InputError:
        return str(objective(name).dim)
    return "any"


Source = Annotated[
    str,
    typer.Argument(
        metavar="OBJECTIVE",
        help="A name from gdsim list, an expression, or a file of samples.",
        autocompletion=names_from("gdsim.objectives"),
    ),
]
Dim = Annotated[int | None, typer.Option(help="Number of dimensions, if the function takes any.")]
Bounds = Annotated[
    str | None, typer.Option("--bounds", metavar="LOW HIGH …", help="The view, two numbers per dimension: -5 2.")
]


Kind = Annotated[
    str | None,
    typer.Option(
        "--kind",
        metavar="KIND",
        help="The kind of view, such as surface; what fits by default.",
        autocompletion=names_from("gdsim.scene.views", "view_kinds"),
    ),
]
ThemeName = Annotated[
    str,
    typer.Option(
        "--theme",
        metavar="NAME",
        help="The picture's theme, a name from gdsim list.",
        autocompletion=names_from("gdsim.themes"),
    ),
]


def show(
    source: Source,
    dim: Dim = None,
    bounds: Bounds = None,
    at: Annotated[str | None, typer.Option("--at", metavar="X …", help="A point whose gradient is drawn.")] = None,
    kind: Kind = None,
    theme: ThemeName = "light",
    out: common.Out = Path("outputs"),
    overwrite: common.Overwrite = True,
) -> None:
    """Print what is known of a function, and draw it, with its gradient at a point if you like."""
    objective, gradient = _objective_at(source, dim, bounds, at)
    print_lines([_present(objective, gradient, kind, theme, out, overwrite)])


def _present(
    objective: Objective, gradient: Gradient | None, kind: str | None, theme: str, out: Path, overwrite: bool
) -> Path:
    """Print what is known of a function or its gradient, draw it, and return the path of the picture."""
    from gdsim.config import View
    from gdsim.movie import make_provenance, save_scene
    from gdsim.scene.build import preview_scene
    from gdsim.themes import theme as find_theme

    with common.naming_option("--theme"):
        find_theme(theme)
    with common.naming_option("--kind"):
        view = View(kind=kind, theme=theme)
        scene = preview_scene(objective, view=view) if gradient is None else _scene_at(objective, gradient, view)
    # Each expression has a picture of its own.
    name = common.output_name(objective.title) if objective.source == "typed" else objective.name
    path = out / name / f"{name}.png"
    common.check_target(path, overwrite=overwrite)
    print_columns(_facts(objective) if gradient is None else _gradient_facts(gradient))
    with common.writable({str(path): path}):
        save_scene(scene, path, provenance=make_provenance(scene))
    return path


def _scene_at(objective: Objective, gradient: Gradient, view: View) -> Scene:
    """Return the picture of a function with its value and gradient at a point, drawn as a path without a step."""
    from gdsim.api import descend
    from gdsim.scene.build import build_scene

    point, slope = (
        ", ".join(f"{x:.4g}" for x in each).replace("-", "−") for each in (gradient.point, gradient.gradient)
    )
    value = f"{gradient.value:.4g}".replace("-", "−")
    rise = f"f′({point}) = {slope}" if objective.dim == 1 else f"∇f = ({slope})"
    stands = descend(objective, "SGD", start=gradient.point, steps=0, label=f"({point})", lr=0.0)
    title = f"f({point}) = {value}, {rise}" if isfinite(gradient.value) else f"f({point}) is not finite"
    settings = {"panels": [], "vectors": ["gradient", "descent", "step"], "title": title}
    return build_scene([replace(stands, settings="")], view=view.model_copy(update=settings))


def _facts(objective: Objective) -> list[tuple[str, str]]:
    def points(title: str, points: Iterable[Any]) -> list[tuple[str, str]]:
        return [(title if i == 0 else "", f"({', '.join(f'{x:.9g}' for x in each)})") for i, each in enumerate(points)]

    return [
        ("name", objective.name),
        ("title", objective.title),
        *([("formula", objective.formula)] if objective.formula else []),
        ("dimensions", str(objective.dim)),
        ("view", " × ".join(f"[{low:g}, {high:g}]" for low, high in objective.bounds)),
        *points("start", [objective.start]),
        ("minimum", "not known" if objective.minimum is None else f"{objective.minimum:.12g}"),
        *points("at", objective.minima),
        *points("also low at", objective.local_minima),
        *[(name, f"{value:g}") for name, value in objective.parameters.items()],
        ("source", objective.source),
    ]


def grad(
    source: Source,
    at: Annotated[str, typer.Option("--at", metavar="X …", help="The point, a number per dimension: 1.2 -0.4.")],
    bounds: Bounds = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts, and draw nothing.")] = False,
    kind: Kind = None,
    theme: ThemeName = "light",
    out: common.Out = Path("outputs"),
    overwrite: common.Overwrite = True,
) -> None:
    """Print a function's value and gradient at a point, and draw them.

    The gradient comes by autograd, with a central difference as a check.
    """
    import numpy as np

    objective, gradient = _objective_at(source, None, bounds, at)
    if as_json:
        # JSON has no numbers that are not finite.
        parts = {
            key: np.array(np.where(np.isfinite(part), part, None)).tolist() for key, part in vars(gradient).items()
        }
        print(json.dumps({"objective": source, **parts}))
        return
    print_notes([str(_present(objective, gradient, kind, theme, out, overwrite))])


def _gradient_facts(gradient: Gradient) -> list[tuple[str, str]]:
    import numpy as np

    def numbers(values: Iterable[float], digits: int = 9) -> str:
        written = [f"{x:.{digits}g}" for x in values]
        return written[0] if len(written) == 1 else f"({', '.join(written)})"

    rows = [("at", numbers(gradient.point)), ("value", f"{gradient.value:.12g}")]
    if not isfinite(gradient.value):
        return [*rows, ("", "the function has no finite value here, and so no gradient")]
    if not np.isfinite(gradient.gradient).all():
        return [*rows, ("gradient", numbers(gradient.gradient)), ("", "the function has no finite slope here")]
    check = "as a check" if gradient.agrees else "which DIFFERS: a jump, a kink, or too coarse a step"
    return [
        *rows,
        ("gradient", f"{numbers(gradient.gradient)}  by autograd, uphill"),
        ("", f"{numbers(gradient.central_difference)}  by central difference, {check}"),
        ("steepest descent", f"{numbers(gradient.steepest_descent, 6)}  the direction against the gradient"),
    ]


def _objective_at(
    source: str, dim: int | None, bounds: str | None, at: str | None
) -> tuple[Objective, Gradient | None]:
    """Return the objective of an argument, and its gradient at a point if that is given.

    Without `dim`, an objective that takes any number of dimensions has that of the point.
    """
    from gdsim.objectives import grad, names, objective

    given = None if bounds is None else _numbers(bounds, "--bounds")
    if given is not None and len(given) % 2:
        raise InputError(f"takes two numbers per dimension, low and high, not {len(given)} in all", ("--bounds",))
    pairs = None if given is None else [given[i : i + 2] for i in range(0, len(given), 2)]
    point = None if at is None else _numbers(at, "--at")
    if dim is None and point is not None and source in names() and _dimensions(source) == "any":
        dim = len(point)
    found = objective(source, bounds=pairs, **({} if dim is None else {"dim": dim}))
    return found, None if point is None else grad(found, point)


def source(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture, page or recording of gdsim.")],
) -> None:
    """Print the YAML that FILE was made from."""
    from gdsim.config.yaml_text import parse
    from gdsim.encode import source as provenance_of
    from gdsim.encode import yaml_of

    text, made = yaml_of(file), provenance_of(file)
    parse(text, str(file))  # refuses control characters, which could change the terminal
    origin = "; ".join([f"{file}: {made.title}", *map(" ".join, made.versions.items())])
    print(printable(origin), file=sys.stderr)
    if sys.stdout.isatty():
        text = "\n".join(map(printable, text.split("\n")))
    print(text, end="" if text.endswith("\n") else "\n")


def embed(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A picture or page of gdsim.")],
    form: Annotated[
        str,
        typer.Option("--for", metavar="FORM", help=f"One of {', '.join(FORMS)}.", autocompletion=names_of(FORMS)),
    ] = "markdown",
) -> None:
    """Print the lines that show FILE in a document.

    They have its alt text, its size, and for an animation a poster for print: the .png beside it. Its path is relative
    to the current folder, so call this in the folder of the document.
    """
    from gdsim.web.embed import snippet

    print(snippet(file, form), end="")


def validate(
    configs: common.Configs,
    changes: common.Set = None,
    allow_code: common.AllowCode = False,
) -> None:
    """Check each CONFIG as a run would, without running it."""
    common.load_all(configs, changes or (), allow_code)
    for path in configs:
        print_lines([f"{path}: ok"])


def print_schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from gdsim.config import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
