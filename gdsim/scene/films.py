"""Small pictures of numbers that change with the steps: images, and maps of what their pixels do to a class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gdsim.analysis import last_steps
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.heat import that_ran
from gdsim.scene.model import ImageGrid, ImageRow, ImageSequence, Style
from gdsim.simulation import SaliencyMaps, Trajectory

__all__ = ["image_films", "tiles"]

NEARLY_ALL = 0.995
"""Which share of the numbers of a picture its colours tell apart; a few far out would make all others pale."""


def image_films(objective: Objective, trajectories: Sequence[Trajectory]) -> tuple[ImageSequence, ...]:
    """Return the image that each optimizer changes, in greys that all of them share.

    Args:
        objective: What is descended, with an image.
        trajectories: At least one, all over the objective.

    Raises:
        InputError: An optimizer has several starts, and so several images.
    """
    if any(len(each.stops) > 1 for each in trajectories):
        raise InputError("an image is shown of one start; kind: contour shows several", ("view", "kind"))
    steps, pictures = zip(*(_pictures(objective, each, each.points) for each in trajectories), strict=True)
    every = np.concatenate(pictures)
    every = every[np.isfinite(every)]
    low, high = (float(edge) for edge in (objective.bounds[:, 0].min(), objective.bounds[:, 1].max()))
    if every.size:
        low = min(low, float(np.quantile(every, 1 - NEARLY_ALL)))
        high = max(high, float(np.quantile(every, NEARLY_ALL)))
    limits = np.array([low, high])
    return tuple(ImageSequence(*each, limits, "gray") for each in zip(steps, pictures, strict=True))


def tiles(
    objective: Objective, trajectories: Sequence[Trajectory], styles: Sequence[Style], *, images: bool = False
) -> ImageGrid:
    """Return what the pixels of an image do to the score of a class, for each optimizer.

    Args:
        objective: What is descended: a network whose maps were made, or the image itself.
        trajectories: At least one, all over the objective.
        styles: How each is drawn.
        images: Whether an image that the optimizers change stands beside its map; without, it is seen elsewhere.

    Raises:
        InputError: No maps were made.
    """
    if objective.image is not None:
        beside = [(film,) for film in image_films(objective, trajectories)] if images else [()] * len(trajectories)
        slopes = [_pictures(objective, each, -each.gradients) for each in trajectories]
        limits = _limits([pictures for _, pictures in slopes], signed=True)
        films = [(*before, ImageSequence(*each, limits, "signed")) for before, each in zip(beside, slopes, strict=True)]
        return ImageGrid("∇ score", tuple(map(ImageRow, styles, films)))
    made = [_maps(each) for each in trajectories]
    first = made[0]
    kept = [each.steps <= last_steps(one)[0] for one, each in zip(trajectories, made, strict=True)]
    pictures = [each.maps[rows] for each, rows in zip(made, kept, strict=True)]
    signed = any(bool((each < 0).any()) for each in pictures)
    ran = that_ran(trajectories)
    shown = [each for each, one in zip(pictures, trajectories, strict=True) if one in ran]
    limits = _limits(shown, signed=signed)
    maps = (
        (ImageSequence(each.steps[rows], picture, limits, "signed" if signed else "unsigned"),)
        for each, rows, picture in zip(made, kept, pictures, strict=True)
    )
    image = ImageSequence(np.zeros(1, np.int64), first.image[None], _span(first.image), "gray")
    caption, heading = f"{first.method}, class {first.target}", f"image {first.number}"
    return ImageGrid(caption, tuple(map(ImageRow, styles, maps)), image, heading)


def _maps(trajectory: Trajectory) -> SaliencyMaps:
    maps = None if trajectory.training is None else trajectory.training.maps
    if maps is None:
        raise InputError(
            f"the maps of {trajectory.label} were not made; gdsim render with view.panels makes them",
            ("view", "panels"),
        )
    return maps


def _pictures(
    objective: Objective, trajectory: Trajectory, rows: FloatArray
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """The steps of the first start up to its end, and rows (steps + 1, starts, dim) as pictures at these."""
    assert objective.image is not None  # noqa: S101  (for the type checker: only images are asked)
    steps = np.arange(int(last_steps(trajectory)[0]) + 1)
    return steps, rows[steps, 0].reshape(len(steps), *objective.image)


def _limits(pictures: Sequence[FloatArray], *, signed: bool) -> FloatArray:
    """The numbers of the ends of the colours, for all pictures (n, rows, columns) alike."""
    sizes = np.abs(np.concatenate([each.ravel() for each in pictures]))
    sizes = sizes[np.isfinite(sizes)]
    most = float(np.quantile(sizes, NEARLY_ALL)) if sizes.size else 0.0
    most = most or float(sizes.max(initial=0.0)) or 1.0
    return np.array([-most if signed else 0.0, most])


def _span(image: FloatArray) -> FloatArray:
    """From black to white of an image: 0 to 1 where that holds it all."""
    return np.array([min(float(image.min()), 0.0), max(float(image.max()), 1.0)])
