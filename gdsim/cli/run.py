"""`gdsim run` and `gdsim render`: simulate configs and draw them, and draw recordings again."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with
from gdsim.cli.console import print_lines, print_notes, print_summary, progress_bars
from gdsim.cli.workers import run_sweep
from gdsim.config import formats as known_formats
from gdsim.errors import GdsimError, InputError
from gdsim.files import YAML_SUFFIXES
from gdsim.processes import CAN_FORK, CallOutcome, core_count, map_in_processes, outcome, prepare_process
from gdsim.themes import check_theme

if TYPE_CHECKING:
    from gdsim.analysis import Table
    from gdsim.config import Experiment
    from gdsim.scene.model import Scene
    from gdsim.simulation import Trajectory
    from gdsim.sweeps import SweepResult

LARGE_GIF = 5_000_000  # bytes, as much as the preset for slides allows

_Run: TypeAlias = "tuple[Experiment, Sequence[Trajectory] | SweepResult | None]"
_RunSweep: TypeAlias = "Callable[..., SweepResult]"
_Paths: TypeAlias = Mapping[str, Path]


def run(
    configs: common.Configs,
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: common.Format = None,
    theme: common.ThemeName = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
    opened: Annotated[bool, typer.Option("--open", help="Open the first file of each run, such as its GIF.")] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="For a sweep: processes that run it; default: all cores.")
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="For a sweep: the Dask scheduler that runs it, or local; needs gdsim[cluster]."
        ),
    ] = None,
) -> None:
    """Simulate and draw each CONFIG; print the paths written."""
    targets = draw(configs, changes, out, formats, theme, allow_code, quiet, overwrite, workers, dask)
    _next_step(targets, [path for path in configs if path.suffix in YAML_SUFFIXES], opened, quiet)


def draw(
    configs: Sequence[Path],
    changes: Sequence[str] | None,
    out: Path,
    formats: str | None,
    theme: str | None,
    allow_code: bool,
    quiet: bool,
    overwrite: bool = True,
    workers: int | None = None,
    dask: str | None = None,
) -> list[dict[str, Path]]:
    """Simulate and draw configs, with the options of `run`, and return the files written for each by suffix."""
    changes = _with_theme(changes, theme)
    experiments = common.load_all(configs, changes, allow_code, _format_override(formats))
    targets = [_output_paths(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    # A config that only a picture contains must not be replaced by a changed one.
    inputs = [*(path for each in experiments for path in common.source_files(each)), *(configs if changes else ())]
    loads = [partial(_load, path, changes, allow_code, _format_override(formats)) for path in configs]
    if not quiet:
        print_notes(note for each in experiments for note in _notes_before(each))
    with common.writable(_checked(targets, inputs, overwrite)):
        runner = partial(run_sweep, dask, workers if len(configs) == 1 else workers or 1)
        _process([(each, None) for each in experiments], targets, loads, quiet, runner)
    return targets


def render(
    recordings: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE.npz", help="Trajectories that a run has written.", autocompletion=files_with([".npz"])
        ),
    ],
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: common.Format = None,
    theme: common.ThemeName = None,
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating.

    --set changes the view, the pace and the output.
    """
    changes = _with_theme(changes, theme)
    loads = [partial(common.load_run, path, changes, allow_code, _format_override(formats)) for path in recordings]
    runs = [load() for load in loads]
    for path, (_, trajectories) in zip(recordings, runs, strict=True):
        if trajectories is None:
            message = f"{path}: is not a recording (.npz): gdsim run simulates it and draws it"
            raise InputError(message, code="unsupported")
    targets = [_output_paths(out, experiment, experiment.output.formats) for experiment, _ in runs]
    with common.writable(_checked(targets, (), overwrite)):
        _process(runs, targets, loads, quiet, partial(run_sweep, None, 1))
    _next_step(targets, (), False, quiet)


def _load(path: Path, changes: Sequence[str], allow_code: bool, transient: Mapping[str, str]) -> _Run:
    """Load a config to simulate, even if it is that of a recording."""
    return common.load_one(path, changes, allow_code, transient), None


def _notes_before(experiment: Experiment) -> list[str]:
    """Return what the user should know before a sweep, or another long computation, runs."""
    notes: Iterable[str] = ()
    if experiment.sweep is not None:
        from gdsim.sweeps.plan import Plan

        notes = Plan.of(experiment).notes()
    elif "sharpness" in experiment.view.panels:
        from gdsim.simulation.experiments import spectrum_notes

        notes = spectrum_notes(experiment)
    return [f"{experiment.name}: {note}" for note in notes]


def _with_theme(changes: Sequence[str] | None, theme: str | None) -> list[str]:
    if theme is None:
        return [*(changes or ())]
    with common.naming_option("--theme"):
        check_theme(theme)
    return [*(changes or ()), f"view.theme={theme}"]


def _format_override(formats: str | None) -> dict[str, str]:
    """Return the override that `--format gif,mp4` stands for, with its name in errors."""
    if formats is None:
        return {}
    return {f"output.formats=[{', '.join(common.parse_formats(formats, known_formats()))}]": f"--format {formats}"}


def _output_paths(out: Path, experiment: Experiment, suffixes: Iterable[str]) -> dict[str, Path]:
    """Return the files to write for an experiment, by suffix."""
    suffix = out.suffix.lower().removeprefix(".")
    if suffix in known_formats() and not out.is_dir():
        raise InputError(f"{out} must be a folder; choose the kind of file with --format {suffix}", ("--out",))
    return {suffix: out / experiment.name / f"{experiment.name}.{suffix}" for suffix in suffixes}


def _checked(targets: Sequence[Mapping[str, Path]], inputs: Sequence[Path], overwrite: bool) -> dict[str, Path]:
    """Return all files to write by name, after checking each."""
    paths = [path for each in targets for path in each.values()]
    for path in paths:
        if paths.count(path) > 1:
            message = f"two configs would write {path}; rename one, or run them with different --out"
            raise InputError(message, code="conflict")
        common.check_target(path, inputs=inputs, overwrite=overwrite)
    return {str(path): path for path in paths}


def _process(
    runs: Sequence[_Run],
    targets: Sequence[_Paths],
    loads: Sequence[Callable[[], _Run]],
    quiet: bool,
    runner: _RunSweep,
) -> None:
    """Simulate each experiment, unless it is recorded, write its files and print their paths.

    The failure of one is reported, and the others are written all the same.

    Args:
        runs: The experiments, with their trajectories if they are recorded.
        targets: The files of each by suffix.
        loads: What loads each again in a process that does not share memory with this one.
        quiet: Whether only paths and errors are printed.
        runner: `gdsim.cli.workers.run_sweep` with the options of the command.
    """
    activity = "drawing" if runs[0][1] else "simulating and drawing"
    if len(runs) == 1 or core_count() == 1 or sys.platform == "win32":
        outcomes: Iterable[CallOutcome] = _write_in_turn(runs, targets, activity, quiet, runner)
    else:
        outcomes = _write_side_by_side(runs, targets, loads, activity, quiet, runner)
    status = 0
    for (experiment, _), paths, (written, error) in zip(runs, targets, outcomes, strict=True):
        if error is not None:
            print(error, file=sys.stderr)
            status = max(status, error.exit_status)
            continue
        table, notes = written
        if not quiet:
            if table is not None:
                print_summary(experiment.name, table)
            print_notes(notes)
        print_lines(paths.values())
    if status:
        raise typer.Exit(status)


def _write_in_turn(
    runs: Sequence[_Run], targets: Sequence[_Paths], activity: str, quiet: bool, runner: _RunSweep
) -> Iterator[CallOutcome]:
    for (experiment, recorded), paths in zip(runs, targets, strict=True):
        with progress_bars(experiment.name, activity, quiet) as progress:
            found = CallOutcome.of(partial(write, experiment, recorded, paths, runner, progress))
        yield found


def _write_side_by_side(
    runs: Sequence[_Run],
    targets: Sequence[_Paths],
    loads: Sequence[Callable[[], _Run]],
    activity: str,
    quiet: bool,
    runner: _RunSweep,
) -> list[CallOutcome]:
    """Write the files of each run in a process of its own, which is forked after the imports where that is safe."""
    import gdsim.movie  # noqa: F401  # imports what all of them need
    from gdsim.simulation.experiments import can_simulate_after_fork

    forking = CAN_FORK and can_simulate_after_fork()
    tasks: dict[str, tuple[object, ...]] = {
        run[0].name: ((lambda run=run: run) if forking else load, paths, runner)
        for run, load, paths in zip(runs, loads, targets, strict=True)
    }
    outcomes = map_in_processes(_write_in_child, tasks, "fork" if forking else "spawn")
    with progress_bars(f"{len(runs)} configs", activity, quiet) as progress:
        # Printed when all are written, because the progress bar is on the terminal until then.
        found = dict(each for _, each in zip(progress(activity)(tasks), outcomes, strict=True))
    return [found[name] for name in tasks]


def _write_in_child(
    _: object, load: Callable[[], _Run], paths: _Paths, runner: _RunSweep
) -> tuple[Table | None, list[str]]:
    prepare_process()
    return write(*load(), paths, runner, lambda _: iter)


def write(
    experiment: Experiment,
    recorded: Any,
    paths: _Paths,
    runner: _RunSweep,
    progress: Callable[[str], Any],
) -> tuple[Table | None, list[str]]:
    """Simulate an experiment, unless it is recorded, write its files, and return its table and notes."""
    from gdsim.analysis import compare
    from gdsim.simulation import remarks, save

    if experiment.sweep is not None:
        return None, _write_sweep(experiment, recorded, paths, runner, progress)
    trajectories = common.trajectories_of(experiment, recorded, progress)
    scene = common.scene_of(experiment, trajectories)
    if recorded is not None:
        warnings = _draw(experiment, scene, paths, progress)
        return None, [*remarks(trajectories), *warnings, *_file_notes(experiment, paths)]
    save(paths["npz"], trajectories, experiment)
    table = compare(trajectories)
    common.write_text(paths["csv"], table.to_csv())
    warnings = _draw(experiment, scene, paths, progress)
    return table, [
        # The title is a finding, unless the user gave one or there is none.
        *([f"{scene.title}."] if scene.short_titles else []),
        scene.alt_text,
        *common.notes(experiment, trajectories),
        *warnings,
        *_file_notes(experiment, paths),
    ]


def _write_sweep(
    experiment: Experiment,
    recorded: SweepResult | None,
    paths: _Paths,
    runner: _RunSweep,
    progress: Callable[[str], Any],
) -> list[str]:
    """Run a sweep, unless it is recorded, write its files, and return notes.

    Finished tiles are kept until all files are written, so that the same command continues after an interrupt.
    """
    from gdsim.scene.sweeps import build_sweep_scene
    from gdsim.sweeps.archive import save, to_csv
    from gdsim.sweeps.plan import sweep_of
    from gdsim.sweeps.result import boundary_notes

    result, kept = recorded, next(iter(paths.values())).with_name(f".{experiment.name}.tiles")
    if result is None:
        result = runner(experiment, kept=kept, progress=progress("running"))
        save(paths["npz"], result, experiment)
        common.write_text(paths["csv"], to_csv(result))
    scene = build_sweep_scene(experiment, result)
    warnings = _draw(experiment, scene, paths, progress)
    if recorded is None:
        shutil.rmtree(kept, ignore_errors=True)
    sweep = sweep_of(experiment)
    share = f"{result.agreement:.0%} of the runs that were repeated in plain loops have the same outcome."
    agreement = [share] if result.objective.kind == "network" or sweep.device != "cpu" else []
    dimensions = boundary_notes(result) if result.y is not None and sweep.dimension else []
    return [scene.alt_text, *agreement, *dimensions, *warnings, *_file_notes(experiment, paths)]


def _draw(experiment: Experiment, scene: Scene, paths: _Paths, progress: Callable[[str], Any]) -> list[str]:
    """Draw a scene in every format, and return warnings."""
    from gdsim.encode import formats
    from gdsim.encode.shared import shared
    from gdsim.movie import make_provenance, save_scene
    from gdsim.render import frames
    from gdsim.web.player import notes as page_notes

    output = experiment.output
    drawn = frames(scene, transparent=output.background == "transparent")
    save = partial(save_scene, scene, output=output, provenance=make_provenance(scene, experiment), drawn=drawn)
    chosen = [name for name in known_formats() if name in paths]
    animations = [name for name in chosen if formats()[name].kind == "animation"]
    if not CAN_FORK or len(animations) * core_count() == 1:  # one format on one core gains nothing
        animations = []
    encoders = {
        paths[name].name: lambda progress, path=paths[name]: save(path, progress=progress) for name in animations
    }
    reductions: list[str] = []
    with shared(drawn, encoders, progress(f"drawing {', '.join(encoders)}")) as connections:
        for name in chosen:
            if name not in animations:
                reductions += save(paths[name], progress=progress(f"drawing {paths[name].name}"))
        for name, connection in progress("encoding")(connections.items()):
            reductions += outcome(connection, name).result()
    turning = "The camera turns, so every frame differs everywhere: a GIF is several times as large as an MP4."
    return [
        *common.frame_warnings(drawn),
        *([turning] if scene.turns and "gif" in paths else []),
        *reductions,
        *(page_notes(scene) if "html" in paths else ()),
    ]


def _file_notes(experiment: Experiment, paths: Mapping[str, Path]) -> list[str]:
    """Return the sizes of the files written, how to write a large GIF smaller, and which files are older."""
    from gdsim.encode.size_limit import format_bytes

    sizes = {suffix: path.stat().st_size for suffix, path in paths.items()}
    notes = ["Sizes: " + ", ".join(f"{suffix} {format_bytes(size)}" for suffix, size in sizes.items()) + "."]
    if sizes.get("gif", 0) > LARGE_GIF and experiment.output.max_bytes is None:
        notes.append(
            f"{paths['gif']} is large: --set output.max_bytes=5MB writes it with fewer colours, frames and pixels; "
            "--format mp4 is several times smaller."
        )
    if "npz" in paths:  # a recording is drawn beside the files of its run, which remain valid
        suffixes = [each for each in (*known_formats(), "npz", "csv") if each not in paths]
        older = [path for each in suffixes if (path := paths["npz"].with_suffix(f".{each}")).exists()]
        notes += [f"Older, not written by this run: {', '.join(map(str, older))}."] if older else []
    return notes


def _next_step(targets: Sequence[Mapping[str, Path]], configs: Sequence[Path], opened: bool, quiet: bool) -> None:
    """Open the first file of each run if asked, and say what to do next."""
    pictures = [next(iter(paths.values())) for paths in targets]
    for picture in pictures if opened else ():
        if typer.launch(str(picture.absolute())):  # a relative path may look like an option or an address
            raise GdsimError(f"{picture}: cannot be opened: xdg-open is not installed")
    steps = [] if opened else [f"open {', '.join(map(str, pictures))}"]
    steps += [f"edit {', '.join(map(str, configs))} and run it again"] if configs else []
    if not quiet and steps:
        print_notes([f"Next: {'; '.join(steps)}."])
