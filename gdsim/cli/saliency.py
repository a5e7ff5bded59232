"""`gdsim saliency`: draw which pixels of an image trained networks respond to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdsim.cli import common
from gdsim.cli.completion import files_with, names_of
from gdsim.cli.console import print_lines, print_notes, progress_bars
from gdsim.errors import ConfigError, InputError, Problem
from gdsim.files import YAML_SUFFIXES

if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.networks import Network
    from gdsim.simulation import Explanation, Training, Trajectory
    from gdsim.themes import Theme

FORMATS = ("png", "svg", "pdf")

Method = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A map beside the gradient and its saliency: smoothgrad, integrated, gradcam, or layer:conv1, the "
        "gradient in a layer; by default that in the last convolution, else in the first layer.",
    ),
]


def saliency(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="CONFIG|RUN.npz",
            help="A YAML file, or what a run has recorded.",
            autocompletion=files_with([*YAML_SUFFIXES, ".npz"]),
        ),
    ],
    image: Annotated[
        int | None, typer.Option(metavar="N", help="Which image of the test data, from 0; by default the config's.")
    ] = None,
    target: Annotated[
        int | None, typer.Option("--class", metavar="N", help="The class whose score is explained; the image's own.")
    ] = None,
    method: Method = None,
    theme: common.ThemeName = None,
    changes: common.Set = None,
    out: common.Out = Path("outputs"),
    formats: Annotated[
        str,
        typer.Option(
            "--format", metavar="LIST", help=f"Some of {', '.join(FORMATS)}.", autocompletion=names_of(FORMATS)
        ),
    ] = "png",
    allow_code: common.AllowCode = False,
    quiet: common.Quiet = False,
    overwrite: common.Overwrite = True,
) -> None:
    """Draw what trained networks see in an image: the gradient in its pixels, and saliency.

    A CONFIG's networks are trained first; those of a recording (.npz) are not trained again.
    """
    suffixes = common.parse_formats(formats, FORMATS)
    options = {"image": image, "class": target}
    transient = {f"view.saliency.{key}={n}": f"--{key} {n}" for key, n in options.items() if n is not None}
    experiment, trajectories = common.load_run(source, changes or (), allow_code, transient)
    networks = _networks(experiment, source)
    look = common.theme_of(experiment, theme)
    for index, network in networks.items():
        _explain(experiment, index, network, None, method)  # raises all mistakes before any training
    paths = {each: out / experiment.name / f"{experiment.name}_saliency.{each}" for each in suffixes}
    for path in paths.values():
        common.check_target(path, overwrite=overwrite)
    activity = "training and drawing" if trajectories is None else "drawing"
    with common.writable({str(path): path for path in paths.values()}):
        with progress_bars(experiment.name, activity, quiet) as progress:
            if trajectories is None:
                from gdsim.simulation.experiments import run_optimizers

                trajectories = run_optimizers(experiment, progress=progress("training"))
            warnings = _draw(experiment, networks, trajectories, method, look, [*paths.values()])
        if not quiet:
            print_notes(warnings)
        print_lines(paths.values())


def _networks(experiment: Experiment, source: Path) -> dict[int, Network]:
    """Return the networks that are trained, by the index of their objective."""
    trained = {index: spec.to_train() for index, spec in enumerate(experiment.objectives)}
    networks = {index: network for index, network in trained.items() if network is not None}
    if not networks:
        message = f"{source}: trains no network; saliency needs objective: {{network: mlp, data: digits}}"
        raise InputError(message, code="unsupported")
    return networks


def _explain(
    experiment: Experiment, index: int, network: Network, training: Training | None, method: str | None
) -> Explanation:
    """Return the maps of a network with its trained weights, or with its initial ones."""
    from gdsim.simulation.saliency import explain

    chosen, data = experiment.view.saliency, network.data
    with experiment.located(index):
        try:
            return explain(
                network, training, number=chosen.image, target=chosen.target, method=method, seed=experiment.seed
            )
        except InputError as error:
            if error.key[:1] == ("method",):
                raise ConfigError([Problem(error.message, ("--method",), error.code)]) from error
            if data.image is None or data.classes is None or not len(data.x_test):
                raise InputError(error.message, ("data",), code=error.code) from error
            raise error.below("view", "saliency") from error


def _draw(
    experiment: Experiment,
    networks: Mapping[int, Network],
    trajectories: Sequence[Trajectory],
    method: str | None,
    theme: Theme,
    paths: Sequence[Path],
) -> list[str]:
    """Write the picture in every format, and return its alt text and warnings."""
    from gdsim.encode import write
    from gdsim.metadata import Provenance, versions
    from gdsim.render import frames
    from gdsim.scene.saliency import build_saliency_scene
    from gdsim.simulation import NetworkTrajectory

    count = len(experiment.optimizers)
    explained = []
    for index, network in networks.items():
        chosen = trajectories[index * count : (index + 1) * count]
        own = [each for each in chosen if isinstance(each, NetworkTrajectory)]
        explained.append((own, [_explain(experiment, index, network, each.training, method) for each in own]))
    view, size = experiment.view, (experiment.view.size[0], experiment.view.size[1])
    with experiment.located():
        scene = build_saliency_scene(explained, title=view.title, theme=theme, size=size, say=view.say)
    provenance = Provenance(scene.title, scene.alt_text, experiment.yaml, experiment.seed, versions())
    picture = frames(scene)
    for path in paths:
        write(picture, path, fps=1, hold=0, provenance=provenance)
    return [scene.alt_text, *_blank(explained), *common.frame_warnings(picture)]


def _blank(explained: Sequence[tuple[Sequence[Trajectory], Sequence[Explanation]]]) -> list[str]:
    """Return why maps are 0 everywhere, a sentence per reason."""
    from gdsim.simulation import blank_maps

    names: dict[str, list[str]] = {"gradient": [], "gradcam": []}
    for trajectories, maps in explained:
        for trajectory, each in zip(trajectories, maps, strict=True):
            name = f"{trajectory.label} on {trajectory.objective.title}" if len(explained) > 1 else trajectory.label
            empty = next((method for method in names if method in each.maps and not each.maps[method].any()), None)
            if empty is not None:
                names[empty].append(name)
    return [blank_maps(method, labels) for method, labels in names.items() if labels]
