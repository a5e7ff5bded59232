"""The command that asks trained networks what they see in an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gdsim.cli.common import by_option, check_targets, folder_of, load_all, named_formats, redrawn
from gdsim.cli.console import print_paths, progress_bars, tell
from gdsim.cli.deck_inputs import theme_of
from gdsim.cli.options import AllowCode, Out, Overwrite, Quiet, Set
from gdsim.errors import ConfigError, InputError, Problem, did_you_mean

# What is heavy is imported where it is used, so that mistakes come at once.
if TYPE_CHECKING:
    from gdsim.config import Experiment
    from gdsim.networks import Network
    from gdsim.simulation import Training, Trajectory
    from gdsim.simulation.saliency import Explanation
    from gdsim.themes import Theme

__all__ = ["saliency"]

FORMATS = ("png", "svg", "pdf")


@dataclass(frozen=True)
class Question:
    """What is asked of a network.

    Args:
        image: The number of the image.
        target: The class whose score is explained; None for that of the image.
        method: What stands beside gradient and saliency; None for what fits the network.
        seed: That of the experiment.
        options: The options by which it was asked, each with what it stands for: "image", "class" or "method".
    """

    image: int
    target: int | None
    method: str | None
    seed: int
    options: Mapping[str, str]

    def answered(self, network: Network, training: Training | None) -> Explanation:
        """Ask a network, with its weights from the beginning where there is no training yet."""
        from gdsim.simulation.saliency import explain

        try:
            return explain(network, training, number=self.image, target=self.target, method=self.method, seed=self.seed)
        except InputError as error:
            key = str(error.key[0]) if error.key else ""
            data = network.data
            if key in ("image", "class") and (data.image is None or data.classes is None or not len(data.x_test)):
                raise InputError(error.message, ("data",), code=error.code) from error
            if key in self.options:
                # An option is a place already, so that none in the file is put before it.
                raise ConfigError([Problem(error.message, (self.options[key],), error.code)]) from error
            raise error.below("view", "saliency") from error


def saliency(
    source: Annotated[Path, typer.Argument(metavar="CONFIG|RUN.npz", help="A YAML file, or what a run has recorded.")],
    image: Annotated[
        int | None, typer.Option(metavar="N", help="Which image of the test data, from 0; by default the config's.")
    ] = None,
    target: Annotated[
        int | None, typer.Option("--class", metavar="N", help="The class whose score is explained; the image's own.")
    ] = None,
    method: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="What stands beside the gradient and its saliency: smoothgrad, integrated, gradcam, or layer:conv1, "
            "the gradient in a layer; by default that in the last convolution, else in the first layer.",
        ),
    ] = None,
    theme: Annotated[
        str | None, typer.Option(metavar="NAME", help="The picture's look instead of the config's.")
    ] = None,
    changes: Set = None,
    out: Out = Path("outputs"),
    formats: Annotated[str, typer.Option("--format", metavar="LIST", help=f"Some of {', '.join(FORMATS)}.")] = "png",
    allow_code: AllowCode = False,
    quiet: Quiet = False,
    overwrite: Overwrite = True,
) -> None:
    """Draw what trained networks see in an image: the gradient in its pixels, and saliency.

    A CONFIG's networks are trained first; those of a recording (.npz) are not trained again.
    """
    suffixes = _suffixes(formats)
    experiment, trajectories = _loaded(source, changes or (), allow_code)
    networks = _networks(experiment, source)
    look = _look(experiment, theme)
    question = _question(experiment, image, target, _method(method or ()))
    for index, network in networks.items():
        with experiment.located(index):
            question.answered(network, None)
    paths = {each: out / experiment.name / f"{experiment.name}_saliency.{each}" for each in suffixes}
    check_targets([paths], overwrite)
    doing = "training and drawing" if trajectories is None else "drawing"
    with folder_of(paths), progress_bars(experiment.name, doing, quiet) as progress:
        if trajectories is None:
            from gdsim.simulation import run_optimizers

            trajectories = run_optimizers(experiment, progress=progress("training"))
        words = _draw(experiment, networks, trajectories, question, look, paths)
    if not quiet:
        tell(words)
    print_paths(paths)


def _suffixes(formats: str) -> tuple[str, ...]:
    wanted = named_formats(formats)
    for name in wanted or [""]:
        if name not in FORMATS:
            offer = did_you_mean(name, FORMATS) or f"; there are {', '.join(FORMATS)}"
            raise InputError(f"--format: a picture of maps stands still, and '{name}' is no format of it{offer}")
    return tuple(wanted)


def _method(given: Sequence[str]) -> str | None:
    """The one method that was asked for, if any."""
    if len(given) > 1 or any("," in each for each in given):
        names = [name for each in given for name in each.replace(",", " ").split()]
        first = f", such as {names[0]}" if names else ""
        raise InputError(f"--method: takes one method at a time{first}, not {len(names)}")
    return given[0] if given else None


def _loaded(source: Path, changes: Sequence[str], allow_code: bool) -> tuple[Experiment, Sequence[Trajectory] | None]:
    """The experiment of a file, and what was recorded of it, if anything."""
    from gdsim.encode.reading import image_size, is_output

    written = source.suffix.lower() != ".npz" and not is_output(source)
    if written or image_size(source) is not None or source.suffix.lower() in (".html", ".htm"):
        return load_all([source], changes, {}, allow_code)[0], None
    from gdsim.simulation import read

    recorded = read(source, allow_code=allow_code)
    return redrawn(recorded, source, changes, {}, allow_code), recorded[1]


def _networks(experiment: Experiment, source: Path) -> dict[int, Network]:
    """The networks whose weights are trained, each by the index of its objective."""
    trained = {index: spec.to_train() for index, spec in enumerate(experiment.objectives)}
    networks = {index: network for index, network in trained.items() if network is not None}
    if not networks:
        what = "trains no network: saliency goes with objective: {network: mlp, data: digits}"
        raise InputError(f"{source}: {what}")
    return networks


def _look(experiment: Experiment, name: str | None) -> Theme:
    from gdsim.themes import theme

    if name is None:
        return theme_of(experiment)
    with by_option("--theme"):
        return theme(name)


def _question(experiment: Experiment, image: int | None, target: int | None, method: str | None) -> Question:
    given = experiment.view.saliency
    options = {"image": image, "class": target, "method": method}
    return Question(
        image=given.image if image is None else image,
        target=given.target if target is None else target,
        method=method,
        seed=experiment.seed,
        options={name: f"--{name}" for name, value in options.items() if value is not None},
    )


def _draw(
    experiment: Experiment,
    networks: Mapping[int, Network],
    trajectories: Sequence[Trajectory],
    question: Question,
    look: Theme,
    paths: Mapping[str, Path],
) -> list[str]:
    """Write the picture in every format, and return what is to be said about it."""
    from gdsim.encode import write
    from gdsim.metadata import Provenance, versions
    from gdsim.render.mosaic import MosaicPicture
    from gdsim.scene.mosaic import assemble

    count = len(experiment.optimizers)
    answered = []
    for index, network in networks.items():
        own = trajectories[index * count : (index + 1) * count]
        answered.append((own, [question.answered(network, each.training) for each in own]))
    with experiment.located():
        scene = assemble(answered, title=experiment.view.title or "", theme=look, size=_size(experiment))
    made = Provenance(scene.title, scene.alt_text, experiment.yaml, experiment.seed, versions())
    picture = MosaicPicture(scene)
    for path in paths.values():
        write(picture, path, fps=1, hold=0, provenance=made)
    missing = [f"The font has no sign for {picture.missing}: each is drawn as a box."] if picture.missing else []
    return [scene.alt_text, *_blank(answered), *missing]


def _blank(answered: Sequence[tuple[Sequence[Trajectory], Sequence[Explanation]]]) -> list[str]:
    """Why a map is 0 everywhere, a sentence for each reason."""
    from gdsim.simulation.remarks import blank

    still, unspoken = [], []
    for trajectories, explained in answered:
        for trajectory, found in zip(trajectories, explained, strict=True):
            name = f"{trajectory.label} on {trajectory.objective.title}" if len(answered) > 1 else trajectory.label
            if not found.maps["gradient"].any():
                still.append(name)
            elif "gradcam" in found.maps and not found.maps["gradcam"].any():
                unspoken.append(name)
    told = (("gradient", still), ("gradcam", unspoken))
    return [blank(method, names) for method, names in told if names]


def _size(experiment: Experiment) -> tuple[int, int]:
    width, height = experiment.view.size
    return width, height
