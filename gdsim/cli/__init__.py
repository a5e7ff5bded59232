"""The command line: the only room that prints, shows progress, or exits."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

import gdsim
from gdsim.cli.comparing import Wanted, compare_all
from gdsim.cli.preparing import (
    check_targets,
    composed,
    draw,
    folder_of,
    format_change,
    load_all,
    notes,
    redrawn,
    targets_of,
)
from gdsim.cli.telling import (
    arguments,
    dimensions,
    facts,
    gradient_facts,
    print_columns,
    print_paths,
    progress_bars,
    summarise,
    tell,
)
from gdsim.config import FORMATS
from gdsim.errors import GdsimError, InputError, did_you_mean

# What is heavy (torch 2 s, matplotlib 1 s) is imported where it is used, so that help and mistakes come at once.
if TYPE_CHECKING:
    from gdsim.objectives import Objective
    from gdsim.scene import Scene

__all__ = ["app", "main"]


class _Commands(TyperGroup):
    """The commands, with every failure told in plain lines on stderr and by the exit status."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
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


class _WithNumbers(TyperCommand):
    """A command whose `--at` and `--bounds` take as many numbers as follow, negative ones too: `--at 1.2 -0.4`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
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


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def main() -> None:
    """Run the command line."""
    with suppress(ValueError):  # which is raised when this is not the main thread
        signal.signal(signal.SIGTERM, _interrupt)
    app(prog_name="gdsim")


def _interrupt(*_: object) -> NoReturn:
    """Let a request to end clean up as an interrupt from the keyboard does."""
    raise KeyboardInterrupt


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"gdsim {gdsim.__version__}")
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
    Path, typer.Option("--out", metavar="DIR", help="The folder for results; each config gets its own below.")
]
Format = Annotated[
    str | None,
    typer.Option("--format", metavar="LIST", help=f"Instead of the config's own: {', '.join(FORMATS)}."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress and no summary.")]
Overwrite = Annotated[bool, typer.Option("--overwrite/--no-overwrite", help="Whether older results may be replaced.")]


@app.command()
def run(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="YAML files.")],
    changes: Set = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Simulate and draw each CONFIG; print the paths written."""
    experiments = load_all(configs, [*(changes or ()), *format_change(formats)], allow_code)
    targets = [targets_of(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    check_targets(targets, overwrite)
    from gdsim.comparison import compare, write_csv
    from gdsim.descent import simulate
    from gdsim.trajectory import save

    for experiment, paths in zip(experiments, targets, strict=True):
        with folder_of(paths), progress_bars(experiment.name, "simulating and drawing", quiet) as progress:
            trajectories = simulate(experiment, track=progress("simulating"))
            scene = composed(experiment, trajectories)
            save(paths["npz"], trajectories, experiment)
            table = compare(trajectories)
            write_csv(table, paths["csv"])
            drawn = draw(scene, paths, progress)
        if not quiet:
            summarise(experiment.name, table, [scene.alt_text, *notes(experiment), *drawn])
        print_paths(paths)


@app.command()
def compare(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG...", help="YAML files.")],
    objectives: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Instead of the config's: names, or all in two dimensions whose minimum is known.",
        ),
    ] = None,
    starts: Annotated[
        int | None, typer.Option(metavar="N", help="So many random starts instead of the config's.")
    ] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="LIST", help="Tune these for each optimizer: lr, or lr,momentum.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(metavar="N", help="How many values are tried when tuning; 41 when left out.")
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="NAME=LOW:HIGH", help="Where to tune, as in lr=1e-4:1; may be repeated."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as CSV.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as Markdown.")] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="Write a page to read it on, and Markdown beside it."),
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="Write the config with what tuning found.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from where an interrupted comparison was.")] = False,
    changes: Set = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Compare the optimizers of each CONFIG, tuned alike if you like; print a table.

    A class that cannot run is a row with its reason; a misspelt class or argument stops everything, with its place.
    """
    wanted = Wanted(
        objectives=objectives,
        starts=starts,
        tune=tune,
        budget=budget,
        ranges=ranges or (),
        csv=csv,
        json=as_json,
        markdown=markdown,
        report=report,
        write=write,
        resume=resume,
        quiet=quiet,
    )
    compare_all(configs, wanted, changes or (), allow_code)


@app.command()
def render(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="FILE.npz...", help="Trajectories that a run has written.")
    ],
    changes: SetView = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating."""
    from gdsim.trajectory import read

    changes = [*(changes or ()), *format_change(formats)]
    recorded = [read(recording, allow_code=allow_code) for recording in recordings]
    experiments = [redrawn(*each, changes, allow_code) for each in zip(recorded, recordings, strict=True)]
    targets = [targets_of(out, each, each.output.formats) for each in experiments]
    check_targets(targets, overwrite)
    for experiment, (_, trajectories), paths in zip(experiments, recorded, targets, strict=True):
        with folder_of(paths), progress_bars(experiment.name, "drawing", quiet) as progress:
            words = draw(composed(experiment, trajectories), paths, progress)
        if not quiet:
            tell(words)
        print_paths(paths)


@app.command("list")
def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[objectives|optimizers|schedules|themes]", help="What to list; all when left out."),
    ] = None,
) -> None:
    """List the names that a config can use."""
    from gdsim import objectives, signatures
    from gdsim.themes import THEMES, names

    kinds: dict[str, Callable[[], Sequence[Sequence[str]]]] = {
        "objectives": lambda: [
            (name, dimensions(name), objectives.objective(name).title) for name in objectives.names()
        ],
        "optimizers": lambda: [(name, arguments(each)) for name, each in sorted(signatures.optimizers().items())],
        "schedules": lambda: [(name, arguments(each)) for name, each in sorted(signatures.schedules().items())],
        "themes": lambda: [
            (name, THEMES[name].summary if name in THEMES else "a style sheet of matplotlib") for name in names()
        ],
    }
    if kind is not None and kind not in kinds:
        raise InputError(f"there is no list of '{kind}'{did_you_mean(kind, kinds)}; there are {', '.join(kinds)}")
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


@app.command(cls=_WithNumbers)
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
    """Print what is known of a function and draw it with its gradient arrows."""
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
    from gdsim.scene import portray
    from gdsim.themes import theme as look

    try:
        look(theme)
    except InputError as error:
        raise InputError(f"--theme: {error}") from error
    try:
        return portray(objective, view=View(kind=kind, theme=theme))
    except InputError as error:
        raise InputError(f"--kind: {error}") from error


@app.command(cls=_WithNumbers)
def grad(
    source: Source,
    at: Annotated[str, typer.Option("--at", metavar="X …", help="The point, a number a dimension: 1.2 -0.4.")],
    bounds: Bounds = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")] = False,
) -> None:
    """Print a function's value and gradient at a point, and how they were obtained."""
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


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The YAML file to write.")],
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented config that runs, to begin from."""
    from gdsim.files import whole_file

    if file.suffix not in (".yaml", ".yml"):
        raise InputError(f"{file}: give it a name that ends in .yaml")
    if file.exists() and not overwrite:
        raise InputError(f"{file} exists; name another file, or add --overwrite")
    text = files("gdsim").joinpath("starter.yaml").read_text(encoding="utf-8")
    with whole_file(file) as partial:
        partial.write_text(text, encoding="utf-8")
    print(file)


@app.command()
def validate(
    configs: Annotated[list[Path], typer.Argument(metavar="FILE...", help="YAML files.")],
    changes: Set = None,
    allow_code: AllowCode = False,
) -> None:
    """Check each FILE as a run would, without running it."""
    load_all(configs, changes or (), allow_code)
    for path in configs:
        print(f"{path}: ok")


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from gdsim.config import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))
