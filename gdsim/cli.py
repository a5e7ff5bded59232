"""The command line: the only file that prints, shows progress, or exits."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from typer.core import TyperGroup

import gdsim
from gdsim.errors import ConfigError, GdsimError, InputError, did_you_mean

# What is heavy (torch 2 s, matplotlib 1 s) is imported where it is used, so that help and mistakes come at once.
if TYPE_CHECKING:
    from gdsim.comparison import Row
    from gdsim.config import Experiment
    from gdsim.scene import Scene

__all__ = ["app", "main"]

S = TypeVar("S")
T = TypeVar("T")

FORMATS = ("gif", "mp4", "webm", "webp", "apng", "png", "svg", "pdf")
POSTERS = ("png", "svg", "pdf")


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
        except BrokenPipeError as error:
            # Whoever read our output has gone; Python must not fail once more on flushing it.
            sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115
            raise typer.Exit(1) from error


app = typer.Typer(cls=_Commands, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)


def main() -> None:
    """Run the command line."""
    app(prog_name="gdsim")


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
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Simulate and draw each CONFIG; print the paths written."""
    experiments = _load_all(configs, [*(changes or ()), *_format_change(formats)])
    targets = [_targets(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    _check_targets(targets, overwrite)
    from gdsim.comparison import compare, write_csv
    from gdsim.descent import simulate
    from gdsim.trajectory import save

    for experiment, paths in zip(experiments, targets, strict=True):
        with _progress(experiment.name, quiet) as progress:
            trajectories = simulate(experiment, track=progress("simulating"))
            scene = _compose(experiment, trajectories)
            save(paths["npz"], trajectories, experiment)
            rows = compare(trajectories)
            write_csv(rows, paths["csv"])
            _draw(scene, paths, progress)
        if not quiet:
            _summarise(experiment.name, rows, scene.alt_text)
        _print_paths(paths)


@app.command()
def render(
    recordings: Annotated[
        list[Path], typer.Argument(metavar="FILE.npz...", help="Trajectories that a run has written.")
    ],
    changes: Set = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating; --set may change the view, the pace and the formats."""
    from gdsim.trajectory import read

    for recording in recordings:
        recorded, trajectories = read(recording)
        experiment = _redrawn(recorded, [*(changes or ()), *_format_change(formats)], recording)
        paths = _targets(out, experiment, experiment.output.formats)
        _check_targets([paths], overwrite)
        with _progress(experiment.name, quiet) as progress:
            _draw(_compose(experiment, trajectories), paths, progress)
        _print_paths(paths)


@app.command("list")
def list_names(
    kind: Annotated[
        str | None,
        typer.Argument(metavar="[objectives|optimizers|schedules|themes]", help="What to list; all when left out."),
    ] = None,
) -> None:
    """List the names that a config can use."""
    from gdsim import objectives, signatures
    from gdsim.themes import THEMES

    kinds: dict[str, Callable[[], Sequence[Sequence[str]]]] = {
        "objectives": lambda: [
            (name, _dimensions(name), objectives.objective(name).title) for name in objectives.names()
        ],
        "optimizers": lambda: [(name, _arguments(each)) for name, each in sorted(signatures.optimizers().items())],
        "schedules": lambda: [(name, _arguments(each)) for name, each in sorted(signatures.schedules().items())],
        "themes": lambda: [(name, theme.summary) for name, theme in THEMES.items()],
    }
    if kind is not None and kind not in kinds:
        raise InputError(f"there is no list of '{kind}'{did_you_mean(kind, kinds)}; there are {', '.join(kinds)}")
    for title in [kind] if kind else kinds:
        if kind is None:
            print(f"{title}:")
        _print_columns(kinds[title](), indent="" if kind else "  ")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="OBJECTIVE", help="A name from: gdsim list objectives")],
    dim: Annotated[int | None, typer.Option(help="Number of dimensions, where the function leaves it open.")] = None,
    theme: Annotated[Literal["light", "dark"], typer.Option(help="The picture's colours.")] = "light",
    out: Out = Path("outputs"),
    overwrite: Overwrite = True,
) -> None:
    """Print an objective's facts and draw it with its gradient arrows."""
    from gdsim.objectives import objective

    chosen = objective(name, dim=dim)
    _print_columns(_facts(chosen))
    if chosen.dim > 2:
        print(f"no picture: {chosen.dim} dimensions do not fit a plane", file=sys.stderr)
        return
    path = out / chosen.name / f"{chosen.name}.png"
    _check_targets([{"png": path}], overwrite)
    from gdsim.config import View
    from gdsim.encode import write
    from gdsim.render import frames
    from gdsim.scene import portray

    write(frames(portray(chosen, view=View(theme=theme))), path, fps=1, hold=0)
    print(path)


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
) -> None:
    """Check each FILE as a run would, without running it."""
    _load_all(configs, changes or ())
    for path in configs:
        print(f"{path}: ok")


@app.command("schema")
def print_schema() -> None:
    """Print the JSON Schema of a config, for editors."""
    from gdsim.config import schema

    print(json.dumps(schema(), indent=2, ensure_ascii=False))


def _load_all(paths: Sequence[Path], changes: Sequence[str]) -> list[Experiment]:
    """Load and check every file, and tell the mistakes of all of them together."""
    from gdsim.config import load

    experiments = _all(lambda path: load(path, overrides=changes), paths)
    from gdsim.descent import check

    _all(check, experiments)
    _all(_check_view, experiments)
    return experiments


def _check_view(experiment: Experiment) -> None:
    from gdsim.scene import section

    try:
        section(experiment.objective.build(), experiment.view)
    except InputError as error:
        raise experiment.locate(error) from error


def _all(verb: Callable[[S], T], subjects: Iterable[S]) -> list[T]:
    """Do the same to all, and tell the mistakes of all together, each once."""
    done, problems = [], []
    for subject in subjects:
        try:
            done.append(verb(subject))
        except InputError as error:
            problems += str(error).splitlines()
    if problems:
        raise ConfigError(dict.fromkeys(problems))
    return done


def _format_change(formats: str | None) -> list[str]:
    """The change that `--format gif,mp4` stands for."""
    if formats is None:
        return []
    wanted = [name.strip().lower().removeprefix(".") for name in formats.split(",")]
    for name in wanted:
        if name not in FORMATS:
            raise InputError(
                f"--format: unknown format '{name}'{did_you_mean(name, FORMATS)}; known are {', '.join(FORMATS)}"
            )
    return [f"output.formats=[{', '.join(dict.fromkeys(wanted))}]"]


def _targets(out: Path, experiment: Experiment, suffixes: Iterable[str]) -> dict[str, Path]:
    return {suffix: out / experiment.name / f"{experiment.name}.{suffix}" for suffix in suffixes}


def _check_targets(targets: Sequence[dict[str, Path]], overwrite: bool) -> None:
    """See to it, before any work is done, that every result has a place of its own that can be written to."""
    paths = [path for each in targets for path in each.values()]
    for path in paths:
        if paths.count(path) > 1:
            raise InputError(f"two configs would write {path}; rename one, or run them with different --out")
        if path.exists() and not overwrite:
            raise InputError(f"{path} exists; leave out --no-overwrite, or name another folder with --out")
    for folder in {path.parent for path in paths}:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GdsimError(f"{folder}: cannot be made: {error.strerror}") from error


def _redrawn(recorded: Experiment, changes: Sequence[str], recording: Path) -> Experiment:
    """The recorded experiment with another view, pace or output."""
    from gdsim.config import loads

    experiment = loads(recorded.yaml, name=recorded.name, file=str(recording), overrides=changes)
    for key in ("objective", "start", "steps", "seed", "optimizers"):
        if getattr(experiment, key) != getattr(recorded, key):
            raise InputError(f"--set {key}: the trajectories are recorded; to change {key}, use gdsim run")
    return experiment


def _compose(experiment: Experiment, trajectories: Any) -> Scene:
    from gdsim.scene import compose

    try:
        return compose(trajectories, view=experiment.view, animation=experiment.animation)
    except InputError as error:
        raise experiment.locate(error) from error


def _draw(scene: Scene, paths: dict[str, Path], progress: Any) -> None:
    from gdsim.encode import write
    from gdsim.render import frames

    drawn = frames(scene)
    for name, path in paths.items():
        if name in FORMATS:
            write(drawn, path, fps=scene.fps, hold=scene.hold, track=progress(f"drawing {path.name}"))


@contextmanager
def _progress(name: str, quiet: bool) -> Iterator[Any]:
    """Give a maker of trackers: `progress("simulating")` returns what wraps an iterable that has a length."""
    console = Console(stderr=True, quiet=quiet)
    if quiet or not console.is_terminal:
        if not quiet:
            print(f"{name}: simulating and drawing", file=sys.stderr)
        yield lambda _: iter
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bars:

        def progress(words: str) -> Any:
            def track(iterable: Iterable[T]) -> Iterable[T]:
                return bars.track(iterable, description=f"{name}: {words}")

            return track

        yield progress


def _summarise(name: str, rows: Sequence[Row], words: str) -> None:
    console = Console(stderr=True)
    if not console.is_terminal:
        console = Console(stderr=True, width=140)
    table = Table(title=name, title_justify="left", title_style="bold", header_style="")
    for heading in ("optimizer", "settings"):
        table.add_column(heading, overflow="fold")
    for heading in ("final value", "best value", "steps to tolerance", "distance to minimum"):
        table.add_column(heading, justify="right")
    table.add_column("stopped")
    for row in rows:
        table.add_row(
            row.optimizer,
            row.settings,
            f"{row.final_value:.6g}",
            f"{row.best_value:.6g}",
            "never" if row.steps_to_tolerance is None else str(row.steps_to_tolerance),
            "" if row.distance_to_minimum is None else f"{row.distance_to_minimum:.3g}",
            row.stopped,
        )
    console.print(table)
    console.print(words, markup=False, highlight=False)


def _print_paths(paths: dict[str, Path]) -> None:
    for path in paths.values():
        print(path)
    sys.stdout.flush()


def _print_columns(rows: Sequence[Sequence[str]], indent: str = "") -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        print(indent + "  ".join([*cells, row[-1]]).rstrip())


def _arguments(signature: Any) -> str:
    return ", ".join(f"{name}={default}" if default else name for name, default in signature.arguments.items())


def _dimensions(name: str) -> str:
    """How many dimensions an objective of the catalogue takes: `1`, `2` or `any`."""
    from gdsim.objectives import objective

    try:
        objective(name, dim=3)
    except InputError:
        return str(objective(name).dim)
    return "any"


def _facts(objective: Any) -> list[tuple[str, str]]:
    def point(coordinates: Any) -> str:
        return "(" + ", ".join(f"{x:.9g}" for x in coordinates) + ")"

    facts = [
        ("name", objective.name),
        ("title", objective.title),
        ("formula", objective.formula),
        ("dimensions", str(objective.dim)),
        ("view", " × ".join(f"[{low:g}, {high:g}]" for low, high in objective.bounds)),
        ("start", point(objective.start)),
        ("minimum", "none" if objective.minimum is None else f"{objective.minimum:.12g}"),
    ]
    facts += [("at" if i == 0 else "", point(each)) for i, each in enumerate(objective.minima)]
    facts += [("also low at" if i == 0 else "", point(each)) for i, each in enumerate(objective.local_minima)]
    facts += [(name, f"{value:g}") for name, value in objective.parameters.items()]
    return [*facts, ("source", objective.source)]
