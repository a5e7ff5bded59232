"""Views of the image whose pixels are optimized."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, cast

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import last_steps
from gdsim.errors import InputError
from gdsim.networks import ImageObjective
from gdsim.objectives import FloatArray
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import Facet, Style
from gdsim.scene.views import ViewKind
from gdsim.simulation import Trajectory

NEARLY_ALL = 0.995  # quantile that limits a colour scale; with outliers included, all other numbers would look pale

Colors = Literal["gray", "signed", "unsigned"]
ColorScale = tuple[FloatArray, Colors]


@dataclass(frozen=True, eq=False)
class ImageSequence:
    """A small image that changes with the steps.

    Attributes:
        steps: (n,) the step from which each image is shown, ascending from 0.
        pictures: (n, rows, columns) the numbers, row by row from the top.
        limits: (2,) the numbers at the ends of the colour scale.
        colors: "gray" from black to white for an image; "signed" with two hues for signed numbers; "unsigned" with one
            hue.
    """

    kind: ClassVar[str] = "image"
    turns: ClassVar[bool] = False

    steps: npt.NDArray[np.int64]
    pictures: FloatArray
    limits: FloatArray
    colors: Colors


def image_facet(image: ImageSequence, style: Style | None = None, heading: str = "") -> Facet:
    """Return a facet that shows an image."""
    rows, columns = image.pictures.shape[1:]
    return Facet(style, np.array([[0.0, columns], [0.0, rows]]), ("", ""), image, heading=heading)


def still_image(pixels: FloatArray, limits: FloatArray, colors: Colors = "gray") -> ImageSequence:
    """Return an image (rows, columns) that does not change; `limits` (2,) are the ends of its colour scale."""
    return ImageSequence(np.zeros(1, np.int64), pixels[None], limits, colors)


def color_scale(pictures: Sequence[FloatArray], quantile: float = 1.0) -> ColorScale:
    """Return the limits (2,) and colours common to pictures (…), which reach up to a quantile of the absolute numbers.

    If no number is negative, the scale begins at 0.
    """
    numbers = np.concatenate([each.ravel() for each in pictures])
    sizes = np.abs(numbers[np.isfinite(numbers)])
    most = float(np.quantile(sizes, quantile)) if sizes.size else 0.0
    most = most or float(sizes.max(initial=0.0)) or 1.0
    return (np.array([-most, most]), "signed") if (numbers < 0).any() else (np.array([0.0, most]), "unsigned")


def pixel_rows(
    objective: ImageObjective, trajectory: Trajectory, rows: FloatArray
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the steps of the first start up to its end, and rows (steps + 1, starts, dim) as images at these steps."""
    steps = np.arange(int(last_steps(trajectory)[0]) + 1)
    return steps, rows[steps, 0].reshape(len(steps), *objective.shape)


def image_sequences(objective: ImageObjective, trajectories: Sequence[Trajectory]) -> tuple[ImageSequence, ...]:
    """Return the images of each optimizer's only start, with a common grey scale."""
    if any(len(each.stops) > 1 for each in trajectories):
        message = "an image is shown of one start; kind: contour shows several"
        raise InputError(message, ("view", "kind"), code="unsupported")
    steps, pictures = zip(*(pixel_rows(objective, each, each.points) for each in trajectories), strict=True)
    pixels = np.concatenate(pictures)
    pixels = pixels[np.isfinite(pixels)]
    limits = np.array([objective.bounds.min(), objective.bounds.max()])
    if pixels.size:
        low, high = np.quantile(pixels, [1 - NEARLY_ALL, NEARLY_ALL])
        limits = np.array([min(limits[0], low), max(limits[1], high)])
    return tuple(ImageSequence(*each, limits, "gray") for each in zip(steps, pictures, strict=True))


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return one facet per optimizer, or one with the initial image if there are no trajectories."""
    objective = cast("ImageObjective", group.objective)
    if not group.trajectories:
        limits = np.array([objective.bounds.min(), objective.bounds.max()])
        return (image_facet(still_image(objective.start.reshape(objective.shape), limits)),)
    sequences = image_sequences(objective, group.trajectories)
    return tuple(image_facet(each, style) for each, style in zip(sequences, group.styles, strict=True))


KIND = ViewKind(lambda objective: 3 * (objective.kind == "image"), facets, projects=False)
