"""`gdsim compare`: compare the optimizers of each config, print its table, and write the files asked for."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

import gdsim
from gdsim.cli.common import all_of, check_view, load_one, notes, places_of, write_text
from gdsim.cli.console import grid, progress_bars, tell
from gdsim.cli.options import AllowCode, Quiet, Set
from gdsim.errors import ConfigError, GdsimError, InputError, printable

if TYPE_CHECKING:
    from gdsim.analysis import Matrix, Study, Tuning
    from gdsim.config import Experiment

__all__ = ["compare"]

WIDEST = 1000
"""The width of a table that is not printed on a terminal: no column is left out."""

OPTIONS = ("objectives", "starts", "tune", "budget", "range")
"""The keys of errors that are names of options."""


def compare(
    configs: Annotated[list[Path], typer.Argument(metavar="CONFIG", help="YAML files.")],
    objectives: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Instead of the config's: names, or all in two dimensions whose minimum is known."
        ),
    ] = None,
    starts: Annotated[int | None, typer.Option(metavar="N", help="N random starts instead of the config's.")] = None,
    tune: Annotated[
        str | None, typer.Option(metavar="LIST", help="Tune these for each optimizer: lr, or lr,momentum.")
    ] = None,
    budget: Annotated[
        int | None, typer.Option(metavar="N", help="How many values are tried when tuning; 41 by default.")
    ] = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="NAME=LOW:HIGH", help="Where to tune, as in lr=1e-4:1; may be repeated."),
    ] = None,
    csv: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the table as CSV.")] = None,
    as_json: Annotated[Path | None, typer.Option("--json", metavar="FILE", help="Write it as JSON.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as Markdown.")] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="Write a page to read it on, and Markdown beside it.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="Write the config with what tuning found.")
    ] = None,
    changes: Set = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
) -> None:
    """Compare the optimizers of each CONFIG, tuned with an equal budget if you like; print a table.

    A class that cannot run is a row with its reason; a misspelt class or argument stops everything, with its place.
    """
    given = {"--csv": csv, "--json": as_json, "--markdown": markdown, "--report": report, "--write": write}
    given["--report's Markdown"] = report and report.with_suffix(".md")
    targets = {option: path for option, path in given.items() if path is not None}
    names = None if objectives is None else objectives.replace(",", " ").split()
    tuning = _tuning(tune, budget, ranges or (), writes=write is not None)
    _check_targets(targets, configs)
    if write is not None and names is not None and (len(names) > 1 or "all" in names):
        raise _several_objectives("several")

    def load(path: Path) -> Experiment:
        experiment = load_one(path, changes or (), {}, allow_code)
        if report is not None:
            check_view(experiment)
        return experiment

    experiments = all_of(load, configs)
    if write is not None and names is None and len(experiments[0].objectives) > 1:
        raise _several_objectives(str(len(experiments[0].objectives)))
    from gdsim.analysis import plan_study

    with _naming_option():
        plans = [plan_study(each, objectives=names, starts=starts, tuning=tuning) for each in experiments]
    if write is not None:
        _yaml_beside(plans[0].experiments[0], write)
    doing = "comparing" if tuning is None else "tuning and comparing"
    with places_of({f"{option}: {path}": path for option, path in targets.items()}):
        for experiment, plan in zip(experiments, plans, strict=True):
            with progress_bars(experiment.name, doing, quiet) as progress:
                study = plan.run(progress=progress(doing))
            _print(experiment.name, study)
            if not quiet:
                tell(notes(experiment))
            for path in _write(experiment, study, targets):
                print(path)
            sys.stdout.flush()


def _tuning(tune: str | None, budget: int | None, ranges: Sequence[str], *, writes: bool) -> Tuning | None:
    """Return what `--tune`, `--budget` and `--range` ask for."""
    if tune is None:
        for option, is_given in (("--budget", budget is not None), ("--range", bool(ranges))):
            if is_given:
                raise InputError(f"{option} goes with --tune, such as --tune lr", code="conflict")
        if writes:
            raise InputError("--write writes what tuning finds; add --tune, such as --tune lr", code="conflict")
        return None
    from gdsim.analysis import Tuning, parse_range

    with _naming_option():
        names = tuple(tune.replace(",", " ").split())
        return Tuning(names, **({} if budget is None else {"budget": budget}), ranges=dict(map(parse_range, ranges)))


@contextmanager
def _naming_option() -> Iterator[None]:
    """Put the option before a message about its value."""
    try:
        yield
    except ConfigError:
        raise
    except InputError as error:
        if error.key and error.key[0] in OPTIONS:
            raise InputError(error.message, (f"--{error.key[0]}",), code=error.code) from error
        raise


def _check_targets(targets: Mapping[str, Path], configs: Sequence[Path]) -> None:
    """Check before any work that all files to write differ from each other and from the configs."""
    first: dict[Path, str] = {}
    for option, path in targets.items():
        if len(configs) > 1:
            message = f"{option} goes with one config, not {len(configs)}: compare them one by one"
            raise InputError(message, code="conflict")
        if path.is_dir():
            raise InputError(f"{option}: {path} is a folder; name a file in it")
        if _is_same(path, configs[0]):
            raise InputError(f"{option}: {path} is the config; name another file", code="conflict")
        if (before := first.setdefault(path.resolve(), option)) != option:
            raise InputError(f"{before} and {option} both name {path}; give each a file of its own", code="conflict")
        if any(path.resolve() in other.resolve().parents for other in [*configs, *targets.values()]):
            message = f"{option}: {path} must be a folder, as another file goes into it; name another file"
            raise InputError(message, code="conflict")
    for option, suffixes in (("--write", (".yaml", ".yml")), ("--report", (".html", ".htm"))):
        if option in targets and targets[option].suffix.lower() not in suffixes:
            raise InputError(f"{option}: {targets[option]}: give it a name that ends in {suffixes[0]}")


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _several_objectives(count: str) -> InputError:
    message = f"--write goes with one objective, not {count}: each is tuned by itself, and a config holds one tuning"
    return InputError(message, code="conflict")


def _print(name: str, study: Study) -> None:
    """Print the table, and the matrices if there are several objectives."""
    from gdsim.analysis import ranks, solved_shares

    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=WIDEST, highlight=False)
    console.print(grid(study.table, name, console.width))
    console.print(Text(study.table.caption))
    if study.curves and len({row.objective for row in study.table}) > 1:
        shares = solved_shares(study.table)
        for matrix in (ranks(study.table), *[shares] * any(map(any, shares.words()))):
            console.print()
            console.print(_matrix(matrix))


def _matrix(matrix: Matrix) -> RichTable:
    table = RichTable(title=Text(matrix.caption), title_justify="left", title_style="bold", header_style="")
    table.add_column("objective", overflow="fold")
    for label in matrix.optimizers:
        table.add_column(Text(label), justify="right", overflow="fold")
    for title, words in zip(matrix.objectives, matrix.words(), strict=True):
        table.add_row(Text(title), *map(Text, words))
    return table


def _write(experiment: Experiment, study: Study, targets: Mapping[str, Path]) -> Iterator[Path]:
    """Write the files asked for, and yield their paths."""
    table = study.table
    for option, text in (("--csv", table.to_csv), ("--json", table.to_json), ("--markdown", table.to_markdown)):
        if option in targets:
            yield write_text(targets[option], text())
    for option in ("--write", "--report"):
        if option in targets and not study.experiments:
            raise GdsimError(f"{option}: {targets[option]} is not written, as none of the optimizers can run")
    if "--write" in targets:
        yield write_text(targets["--write"], _tuned_config(experiment, study, targets["--write"]))
    if "--report" in targets:
        from gdsim.web.report import write_report

        yield from write_report(study, targets["--report"])


def _tuned_config(experiment: Experiment, study: Study, path: Path) -> str:
    """Return the config with the tuned values, and in comments how they were found."""
    comments = [f"{experiment.name}, tuned by gdsim {gdsim.__version__} on {study.table.rows[0].objective}."]
    comments += [f"{row.optimizer}: {row.tuned}." for row in study.table if row.tuned]
    comments += [f"{row.optimizer} is left out: it cannot run ({row.reason})." for row in study.table if row.reason]
    comments.append(study.table.caption)
    lines = (indent(fill(printable(" ".join(each.split())), 98), "# ") for each in comments)
    return "\n".join([*lines, _yaml_beside(study.experiments[0], path)])


def _yaml_beside(experiment: Experiment, path: Path) -> str:
    """Return the YAML of an experiment with its paths relative to the file to write."""
    from gdsim.analysis import yaml_for_folder

    try:
        return yaml_for_folder(experiment, path.parent)
    except InputError as error:
        raise error.below("--write") from error
