"""What `gdsim compare` does: study each config, print its table, and write what was asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from textwrap import fill, indent
from typing import TYPE_CHECKING

import rich.table
from rich.console import Console
from rich.text import Text

import gdsim
from gdsim.cli.common import all_of, check_view, load_one, notes, places_of
from gdsim.cli.console import grid, progress_bars, tell
from gdsim.errors import ConfigError, GdsimError, InputError, printable

if TYPE_CHECKING:
    from gdsim.analysis import Finished, Matrix, Study, Tuning
    from gdsim.config import Experiment

__all__ = ["Wanted", "compare_all"]

WIDEST = 1000
"""Where the table is read by no terminal, nothing of it is left out."""


@dataclass(frozen=True)
class Wanted:
    """What the options of `gdsim compare` ask for; None where one is not given."""

    objectives: str | None
    starts: int | None
    tune: str | None
    budget: int | None
    ranges: Sequence[str]
    csv: Path | None
    json: Path | None
    markdown: Path | None
    report: Path | None
    write: Path | None
    resume: bool
    quiet: bool

    def files(self) -> dict[str, Path]:
        """Return the files to write, by option; the report is two."""
        named = {"--csv": self.csv, "--json": self.json, "--markdown": self.markdown, "--report": self.report}
        named |= {"--write": self.write}
        beside = {} if self.report is None else {"--report's Markdown": self.report.with_suffix(".md")}
        return {option: path for option, path in named.items() if path is not None} | beside


def compare_all(configs: Sequence[Path], wanted: Wanted, changes: Sequence[str], allow_code: bool) -> None:
    """Compare the optimizers of each config."""
    names, tuning = _objectives(wanted), _tuning(wanted)
    _check_files(wanted, configs, several=names is not None and (len(names) > 1 or "all" in names))
    experiments = _load(configs, changes, allow_code, with_view=wanted.report is not None)
    if wanted.write and names is None and len(experiments[0].objectives) > 1:
        raise InputError(_one_objective(len(experiments[0].objectives)))
    if len({each.name for each in experiments}) < len(experiments):
        raise InputError("two configs have the same name, by which --resume knows them; compare them one by one")
    for experiment in experiments:
        _check(experiment, names, tuning, wanted)
    with places_of({f"{option}: {path}": path for option, path in wanted.files().items()}):
        for experiment in experiments:
            _compare(experiment, names, tuning, wanted)


def _load(configs: Sequence[Path], changes: Sequence[str], allow_code: bool, *, with_view: bool) -> list[Experiment]:
    """Load every config, and tell the mistakes of all together; a class that cannot run is none of them."""

    def loaded(path: Path) -> Experiment:
        experiment = load_one(path, changes, {}, allow_code)
        if with_view:
            check_view(experiment)
        return experiment

    return all_of(loaded, configs)


def _check(experiment: Experiment, names: Sequence[str] | None, tuning: Tuning | None, wanted: Wanted) -> None:
    """Raise what is wrong with what is to be compared, and with writing it, before any work is done."""
    from gdsim.analysis import check

    trains = names is None and any(spec.to_train() is not None for spec in experiment.objectives)
    if wanted.starts is not None and trains:
        raise InputError(
            "--starts: a network begins from its own weights, which the seed gives it: leave --starts away"
        )
    with _by_option():
        parts = check(experiment, objectives=names, starts=wanted.starts, tuning=tuning)
    if wanted.write is not None:
        _moved(parts[0], wanted.write)


def _compare(experiment: Experiment, names: Sequence[str] | None, tuning: Tuning | None, wanted: Wanted) -> None:
    from gdsim.analysis import Finished, study

    kept = _kept(experiment.name)
    finished = Finished(kept, resume=wanted.resume)
    doing = "tuning and comparing" if tuning is not None else "comparing"
    with _for_later(finished, kept):
        with progress_bars(experiment.name, doing, wanted.quiet) as progress, _by_option():
            found = study(
                experiment,
                objectives=names,
                starts=wanted.starts,
                tuning=tuning,
                progress=progress(doing),
                finished=finished,
            )
        _print(experiment.name, found)
        if not wanted.quiet:
            tell(notes(experiment))
        for path in _written(experiment, found, wanted):
            print(path)
        sys.stdout.flush()
    finished.forget()
    if finished.trouble:
        tell([f"Nothing could be kept for --resume: {finished.trouble}"])


def _kept(name: str) -> Path:
    """Where is kept what is finished of a config."""
    return Path("outputs") / name / f"{name}.study.jsonl"


@contextmanager
def _for_later(finished: Finished, kept: Path) -> Iterator[None]:
    """Say where to go on from when something comes between."""
    try:
        yield
    except (KeyboardInterrupt, GdsimError):
        if len(finished) and not finished.trouble:
            tell([f"What is finished is kept in {kept}; the same command with --resume goes on from there."])
        raise


@contextmanager
def _by_option() -> Iterator[None]:
    """Put the option before a mistake in what it was given."""
    try:
        yield
    except ConfigError:
        raise
    except InputError as error:
        if error.key and error.key[0] in OPTIONS:
            raise InputError(error.message, (f"--{error.key[0]}",), code=error.code) from error
        raise


OPTIONS = ("objectives", "starts", "tune", "budget", "range")


def _objectives(wanted: Wanted) -> list[str] | None:
    return None if wanted.objectives is None else wanted.objectives.replace(",", " ").split()


def _tuning(wanted: Wanted) -> Tuning | None:
    """What `--tune`, `--budget` and `--range` ask for."""
    if wanted.tune is None:
        for option, given in (("--budget", wanted.budget is not None), ("--range", bool(wanted.ranges))):
            if given:
                raise InputError(f"{option} goes with --tune, such as --tune lr")
        if wanted.write is not None:
            raise InputError("--write writes what tuning finds; add --tune, such as --tune lr")
        return None
    from gdsim.analysis import Tuning, parsed_range

    with _by_option():
        ranges = dict(parsed_range(each) for each in wanted.ranges)
        names = tuple(wanted.tune.replace(",", " ").split())
        budget = {} if wanted.budget is None else {"budget": wanted.budget}
        return Tuning(names, ranges=ranges, **budget)


def _check_files(wanted: Wanted, configs: Sequence[Path], *, several: bool) -> None:
    """See to it, before any work is done, that every file is another one, and none of those that are read."""
    read = dict.fromkeys(configs, "is the config")
    read |= {_kept(path.stem): "is what --resume goes on from" for path in configs}
    places: dict[Path, str] = {}
    for option, path in wanted.files().items():
        if len(configs) > 1:
            raise InputError(f"{option} goes with one config, not {len(configs)}: compare them one by one")
        if path.is_dir():
            raise InputError(f"{option}: {path} is a folder; name a file in it")
        for other, what in read.items():
            if _is_same(path, other):
                raise InputError(f"{option}: {path} {what}; name another file")
        if (before := places.setdefault(path.resolve(), option)) != option:
            raise InputError(f"{before} and {option} both name {path}; give each a file of its own")
        if any(path.resolve() in other.resolve().parents for other in [*read, *wanted.files().values()]):
            raise InputError(f"{option}: {path} must be a folder, as another file goes into it; name another file")
    if wanted.write is not None and several:
        raise InputError(_one_objective(None))
    if wanted.write is not None and wanted.write.suffix not in (".yaml", ".yml"):
        raise InputError(f"--write: {wanted.write}: give it a name that ends in .yaml")
    if wanted.report is not None and wanted.report.suffix.lower() not in (".html", ".htm"):
        raise InputError(f"--report: {wanted.report}: give it a name that ends in .html")


def _is_same(one: Path, other: Path) -> bool:
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def _one_objective(count: int | None) -> str:
    found = "several" if count is None else str(count)
    return f"--write goes with one objective, not {found}: each is tuned by itself, and a config holds one tuning"


def _print(name: str, study: Study) -> None:
    """Print the table, and the matrices where there are several objectives, on stdout."""
    from gdsim.analysis import ranks, solved_shares

    console = Console(highlight=False)
    console = console if console.is_terminal else Console(width=WIDEST, highlight=False)
    console.print(grid(study.table, name, console.width))
    console.print(Text(study.table.caption))
    if len(study.curves) and len({row.objective for row in study.table}) > 1:
        shares = solved_shares(study.table)
        for matrix in (ranks(study.table), *[shares] * any(map(any, shares.words()))):
            console.print()
            console.print(_matrix(matrix))


def _matrix(matrix: Matrix) -> rich.table.Table:
    made = rich.table.Table(title=Text(matrix.caption), title_justify="left", title_style="bold", header_style="")
    made.add_column("objective", overflow="fold")
    for label in matrix.optimizers:
        made.add_column(Text(label), justify="right", overflow="fold")
    for title, words in zip(matrix.objectives, matrix.words(), strict=True):
        made.add_row(Text(title), *map(Text, words))
    return made


def _written(experiment: Experiment, study: Study, wanted: Wanted) -> Iterator[Path]:
    """Write what was asked for, and yield each path."""
    texts: list[tuple[Path | None, Callable[[], str]]] = [
        (wanted.csv, study.table.to_csv),
        (wanted.json, study.table.to_json),
        (wanted.markdown, study.table.to_markdown),
        (wanted.write, partial(_tuned_config, experiment, study, wanted)),
    ]
    for path, text in texts:
        if path is not None:
            yield _text_file(path, text())
    if wanted.report is not None:
        if not study.experiments:
            raise GdsimError(f"--report: {wanted.report} is not written, as none of the optimizers can run")
        from gdsim.web.report import write_report

        yield from write_report(study, wanted.report)


def _text_file(path: Path, text: str) -> Path:
    from gdsim.files import atomic_write

    with atomic_write(path) as partial_file:
        partial_file.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="")
    return path


def _tuned_config(experiment: Experiment, study: Study, wanted: Wanted) -> str:
    """The config with what tuning found, and how it was found in comments."""
    if not study.experiments or wanted.write is None:
        raise GdsimError("--write: there is nothing to write, as none of the optimizers can run")
    yaml = _moved(study.experiments[0], wanted.write)
    told = [f"{experiment.name}, tuned by gdsim {gdsim.__version__} on {study.table.rows[0].objective}."]
    told += [f"{row.optimizer}: {row.tuned}." for row in study.table if row.tuned]
    told += [f"{row.optimizer} is left out: it cannot run ({row.reason})." for row in study.table if row.reason]
    told.append(study.table.caption)
    comments = (indent(fill(printable(" ".join(each.split())), 98), "# ") for each in told)
    return "\n".join(comments) + f"\n{yaml}"


def _moved(experiment: Experiment, path: Path) -> str:
    """The YAML of an experiment as it reads at another place."""
    from gdsim.analysis import moved

    try:
        return moved(experiment, path.parent)
    except InputError as error:
        raise error.below("--write") from error
