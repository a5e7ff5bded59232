"""`gdsim run` and `gdsim render`: simulate configs and draw them, and draw recordings again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gdsim.cli.common import (
    AllowCode,
    Format,
    Out,
    Overwrite,
    Quiet,
    Set,
    format_override,
    frame_warnings,
    load_all,
    notes,
    redrawn,
)
from gdsim.cli.console import print_lines, print_notes, print_summary, progress_bars
from gdsim.cli.paths import check_target, output_paths, source_files, writable, write_text
from gdsim.config import formats as known_formats
from gdsim.errors import InputError

if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.scene import Scene
    from gdsim.simulation import Trajectory


def run(
    configs: Annotated[
        list[Path], typer.Argument(metavar="CONFIG", help="YAML files, or pictures that a run has made.")
    ],
    changes: Set = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Simulate and draw each CONFIG; print the paths written."""
    experiments = load_all(configs, changes or (), allow_code, format_override(formats))
    targets = [output_paths(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    # A config that only a picture contains must not be replaced by a changed one.
    inputs = [*(path for each in experiments for path in source_files(each)), *(configs if changes else ())]
    from gdsim.analysis import compare
    from gdsim.simulation import evaluate_landscapes, run_optimizers, save

    with writable(_checked(targets, inputs, overwrite)):
        for experiment, paths in zip(experiments, targets, strict=True):
            with progress_bars(experiment.name, "simulating and drawing", quiet) as progress:
                trajectories = run_optimizers(experiment, progress=progress("simulating"))
                trajectories = evaluate_landscapes(experiment, trajectories, progress=progress("evaluating the loss"))
                scene = _scene(experiment, trajectories)
                save(paths["npz"], trajectories, experiment)
                table = compare(trajectories)
                write_text(paths["csv"], table.to_csv())
                warnings = _draw(experiment, scene, paths, progress)
            if not quiet:
                print_summary(experiment.name, table)
                print_notes([scene.alt_text, *notes(experiment, trajectories), *warnings])
            print_lines(paths.values())


def render(
    recordings: Annotated[list[Path], typer.Argument(metavar="FILE.npz", help="Trajectories that a run has written.")],
    changes: Set = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating.

    --set changes the view, the pace and the output.
    """
    from gdsim.encode.reading import image_size
    from gdsim.simulation import evaluate_landscapes, read, remarks

    for path in recordings:
        if image_size(path) is not None:
            message = f"{path}: is a picture: gdsim run draws it again, gdsim render a recording (.npz)"
            raise InputError(message, code="unsupported")
    recorded = [read(path, allow_code=allow_code) for path in recordings]
    experiments = [
        redrawn(experiment, path, changes or (), allow_code, format_override(formats))
        for (experiment, _), path in zip(recorded, recordings, strict=True)
    ]
    targets = [output_paths(out, each, each.output.formats) for each in experiments]
    with writable(_checked(targets, (), overwrite)):
        for experiment, (_, trajectories), paths in zip(experiments, recorded, targets, strict=True):
            with progress_bars(experiment.name, "drawing", quiet) as progress:
                shown = evaluate_landscapes(experiment, trajectories, progress=progress("evaluating the loss"))
                warnings = _draw(experiment, _scene(experiment, shown), paths, progress)
            if not quiet:
                print_notes([*remarks(shown), *warnings])
            print_lines(paths.values())


def _checked(targets: Sequence[Mapping[str, Path]], inputs: Sequence[Path], overwrite: bool) -> dict[str, Path]:
    """Return all files to write by name, after checking each."""
    paths = [path for each in targets for path in each.values()]
    for path in paths:
        if paths.count(path) > 1:
            message = f"two configs would write {path}; rename one, or run them with different --out"
            raise InputError(message, code="conflict")
        check_target(path, inputs=inputs, overwrite=overwrite)
    return {str(path): path for path in paths}


def _scene(experiment: Experiment, trajectories: Sequence[Trajectory]) -> Scene:
    from gdsim.scene import build_scene

    with experiment.located():
        return build_scene(trajectories, view=experiment.view, animation=experiment.animation)


def _draw(experiment: Experiment, scene: Scene, paths: Mapping[str, Path], progress: Callable[[str], Any]) -> list[str]:
    """Draw a scene in every format, and return warnings."""
    from gdsim.movie import make_provenance, save_scene
    from gdsim.render import frames
    from gdsim.web.player import notes as page_notes

    provenance, output = make_provenance(scene, experiment), experiment.output
    drawn = frames(scene, transparent=output.background == "transparent")
    reductions: list[str] = []
    for name in known_formats():
        if name in paths:
            wrap = progress(f"drawing {paths[name].name}")
            reductions += save_scene(
                scene, paths[name], output=output, provenance=provenance, drawn=drawn, progress=wrap
            )
    turning = "The camera turns, so every frame differs everywhere: a GIF is several times as large as an MP4."
    return [
        *frame_warnings(drawn),
        *([turning] if scene.turns and "gif" in paths else []),
        *reductions,
        *(page_notes(scene) if "html" in paths else ()),
    ]
