"""`gdsim compare`: compare the optimizers of each config, print its table, and write the files asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING, Annotated

import typer

import gdsim
from gdsim.cli import common
from gdsim.cli.completion import names_from
from gdsim.cli.console import print_lines, print_notes, print_study, progress_bars
from gdsim.errors import GdsimError, InputError, collect, printable
from gdsim.files import YAML_SUFFIXES

if TYPE_CHECKING:
    from gdsim.analysis import Matrix, Study, StudyPlan, Tuning
    from gdsim.config import Experiment


def compare(
    configs: common.Configs,
    objectives: Annotated[
        str | None,
        typer.Option(
            metavar="LIST",
            help="Instead of the config's: names, or all in two dimensions whose minimum is known.",
            autocompletion=names_from("gdsim.objectives"),
        ),
    ] = None,
    starts: Annotated[int | None, typer.Option(metavar="N", help="N random starts instead of the config's.")] = None,
    tune: Annotated[
        str | None,
        typer.Option(
            metavar="LIST", help="Tune these for each optimizer: lr, or lr,momentum, which needs gdsim[tune]."
        ),
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
    changes: common.Set = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
) -> None:
    """Compare the optimizers of each CONFIG, tuned with an equal budget if you like; print a table.

    A class that cannot run is a row with its reason; a misspelt class or argument stops everything, with its place.
    """
    given = {"--csv": csv, "--json": as_json, "--markdown": markdown, "--report": report, "--write": write}
    if report is not None and report.name:
        given["--report's Markdown"] = report.with_suffix(".md")
    targets = {option: path for option, path in given.items() if path is not None}
    tuning = _tuning(tune, budget, ranges or (), writes=write is not None)
    _check_targets(targets, configs)
    experiments = collect(lambda path: common.load_one(path, changes or (), allow_code), configs)
    if report is not None:
        collect(common.check_view, experiments)
    plans = _plans(experiments, objectives, starts, tuning, write)
    activity = "comparing" if tuning is None else "tuning and comparing"
    with common.writable({f"{option}: {path}": path for option, path in targets.items()}):
        for experiment, plan in zip(experiments, plans, strict=True):
            with progress_bars(experiment.name, activity, quiet) as progress:
                study = plan.run(progress=progress(activity))
            print_study(experiment.name, study, _matrices(study))
            if not quiet:
                print_notes(common.notes(experiment, ()))
            print_lines(_write(experiment, study, targets))


def _tuning(tune: str | None, budget: int | None, ranges: Sequence[str], *, writes: bool) -> Tuning | None:
    """Return what `--tune`, `--budget` and `--range` ask for."""
    if tune is None:
        for option, is_given in (("--budget", budget is not None), ("--range", bool(ranges)), ("--write", writes)):
            if is_given:
                raise InputError("goes with --tune, such as --tune lr", (option,), code="conflict")
        return None
    from gdsim.analysis import Tuning, parse_range

    with common.naming_option():
        names = tuple(tune.replace(",", " ").split())
        return Tuning(names, **({} if budget is None else {"budget": budget}), ranges=dict(map(parse_range, ranges)))


def _plans(
    experiments: Sequence[Experiment],
    objectives: str | None,
    starts: int | None,
    tuning: Tuning | None,
    write: Path | None,
) -> list[StudyPlan]:
    """Check everything that can be checked before any work."""
    from gdsim.analysis import plan_study

    names = None if objectives is None else objectives.replace(",", " ").split()
    with common.naming_option():
        plans = [plan_study(each, objectives=names, starts=starts, tuning=tuning) for each in experiments]
    if write is not None:
        if (count := len(plans[0].experiments)) > 1:
            message = f"goes with one objective, not {count}: each is tuned by itself, and a config has one tuning"
            raise InputError(message, ("--write",), code="conflict")
        experiment = plans[0].experiments[0]
        beside = [path for path in common.source_files(experiment) if path.exists()]
        if beside and write.parent.resolve() != experiment.folder.resolve():
            message = f"{experiment.name} reads {beside[0].name}: write to a file in {experiment.folder}"
            raise InputError(message, ("--write",), code="unsupported")
    return plans


def _check_targets(targets: Mapping[str, Path], configs: Sequence[Path]) -> None:
    """Check before any work that all files to write differ from each other and from the configs."""
    suffixes = {"--write": YAML_SUFFIXES, "--report": (".html", ".htm")}
    first: dict[Path, str] = {}
    for option, path in targets.items():
        if len(configs) > 1:
            message = f"goes with one config, not {len(configs)}: compare them one by one"
            raise InputError(message, (option,), code="conflict")
        common.check_target(path, key=option, suffixes=suffixes.get(option, ()), inputs=configs)
        if (before := first.setdefault(path.resolve(), option)) != option:
            raise InputError(f"{before} and {option} both name {path}; give each a file of its own", code="conflict")


def _matrices(study: Study) -> list[Matrix]:
    """Return the ranks and the shares solved if there are several objectives."""
    from gdsim.analysis import ranks, solved_shares

    if not study.curves or len({row.objective for row in study.table}) == 1:
        return []
    shares = solved_shares(study.table)
    return [ranks(study.table), *([shares] if any(map(any, shares.words())) else [])]


def _write(experiment: Experiment, study: Study, targets: Mapping[str, Path]) -> Iterator[Path]:
    table = study.table
    for option, text in (("--csv", table.to_csv), ("--json", table.to_json), ("--markdown", table.to_markdown)):
        if option in targets:
            yield common.write_text(targets[option], text())
    for option in ("--write", "--report"):
        if option in targets and not study.experiments:
            raise GdsimError(f"{option}: {targets[option]} is not written, as none of the optimizers can run")
    if "--write" in targets:
        yield common.write_text(targets["--write"], _tuned_config(experiment, study))
    if "--report" in targets:
        from gdsim.web.report import write_report

        yield from write_report(study, targets["--report"])


def _tuned_config(experiment: Experiment, study: Study) -> str:
    """Return the config with the tuned values, and in comments how they were found."""
    comments = [f"{experiment.name}, tuned by gdsim {gdsim.__version__} on {study.table.rows[0].objective}."]
    comments += [f"{row.optimizer}: {row.tuned}." for row in study.table if row.tuned]
    comments += [f"{row.optimizer} is left out: it cannot run ({row.reason})." for row in study.table if row.reason]
    comments.append(study.table.caption)
    lines = (indent(fill(printable(" ".join(each.split())), 98), "# ") for each in comments)
    return "\n".join([*lines, study.experiments[0].yaml])
