"""The commands that make files: simulate, compare, draw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gdsim.cli.common import (
    check_targets,
    composed,
    computed,
    draw_all,
    folder_of,
    format_change,
    load_all,
    named_files,
    notes,
    redrawn,
    targets_of,
    write_text,
)
from gdsim.cli.console import print_paths, progress_bars, summarise, tell
from gdsim.cli.options import AllowCode, Format, Out, Overwrite, Quiet, Set, SetView
from gdsim.cli.slides import make_deck
from gdsim.errors import InputError

__all__ = ["render", "run", "slides"]


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
    experiments = load_all(configs, changes or (), format_change(formats), allow_code)
    targets = [targets_of(out, each, [*each.output.formats, "npz", "csv"]) for each in experiments]
    inputs = [path for each in experiments for path in named_files(each)]
    check_targets(targets, overwrite, configs if changes else (), inputs)
    from gdsim.analysis import compare
    from gdsim.simulation import evaluate_landscapes, run_optimizers, save

    for experiment, paths in zip(experiments, targets, strict=True):
        with folder_of(paths), progress_bars(experiment.name, "simulating and drawing", quiet) as progress:
            simulated = run_optimizers(experiment, progress=progress("simulating"))
            trajectories = evaluate_landscapes(experiment, simulated, progress=progress("computing what is seen"))
            scene = composed(experiment, trajectories)
            save(paths["npz"], trajectories, experiment)
            table = compare(trajectories)
            write_text(paths["csv"], table.to_csv())
            drawn = draw_all(experiment, scene, paths, progress)
        if not quiet:
            summarise(experiment.name, table, [scene.alt_text, *notes(experiment, trajectories), *drawn])
        print_paths(paths)


def render(
    recordings: Annotated[list[Path], typer.Argument(metavar="FILE.npz", help="Trajectories that a run has written.")],
    changes: SetView = None,
    out: Out = Path("outputs"),
    formats: Format = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Draw recorded trajectories again, without simulating."""
    from gdsim.encode.reading import image_size
    from gdsim.simulation import evaluate_landscapes, read

    transient_overrides = format_change(formats)
    for recording in recordings:
        if image_size(recording) is not None:
            raise InputError(f"{recording}: is a picture: gdsim run draws it again, gdsim render a recording (.npz)")
    recorded = [read(recording, allow_code=allow_code) for recording in recordings]
    experiments = [
        redrawn(*each, changes or (), transient_overrides, allow_code)
        for each in zip(recorded, recordings, strict=True)
    ]
    targets = [targets_of(out, each, each.output.formats) for each in experiments]
    check_targets(targets, overwrite)
    for experiment, (_, trajectories), paths in zip(experiments, recorded, targets, strict=True):
        with folder_of(paths), progress_bars(experiment.name, "drawing", quiet) as progress:
            seen = evaluate_landscapes(experiment, trajectories, progress=progress("computing what is seen"))
            words = draw_all(experiment, composed(experiment, seen), paths, progress)
        if not quiet:
            tell([*computed(seen), *words])
        print_paths(paths)


def slides(
    sources: Annotated[
        list[Path],
        typer.Argument(metavar="CONFIG|FILE", help="YAML files, recordings (.npz), or pictures that a run has made."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE.pptx", help="The deck to write.")],
    video: Annotated[bool, typer.Option("--video", help="Embed videos (MP4) instead of GIFs.")] = False,
    theme: Annotated[
        str | None, typer.Option(metavar="NAME", help="The look of the deck and of what is drawn for it.")
    ] = None,
    template: Annotated[
        Path | None, typer.Option(metavar="FILE.pptx", help="A deck whose size, fonts and layouts are taken.")
    ] = None,
    changes: Set = None,
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Make a PowerPoint deck: a slide a picture, its YAML in the notes, and a table of figures."""
    make_deck(
        sources,
        out,
        video=video,
        theme=theme,
        template=template,
        changes=changes or (),
        allow_code=allow_code,
        quiet=quiet,
        overwrite=overwrite,
    )
