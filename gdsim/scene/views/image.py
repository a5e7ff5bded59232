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

NEARLY_ALL = 0.995
"""Quantile of the numbers of an image that limits its colour scale; with outliers included, all others would look pale.
"""


Colors = Literal["gray", "signed", "unsigned"]


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


def still_image(pixels: FloatArray, low: float, high: float, colors: Colors = "gray") -> ImageSequence:
    """Return an image (rows, columns) that does not change; `low` and `high` are at the ends of its colour scale."""
    return ImageSequence(np.zeros(1, np.int64), pixels[None], np.array([low, high]), colors)


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
    low, high = (float(edge) for edge in (objective.bounds[:, 0].min(), objective.bounds[:, 1].max()))
    if pixels.size:
        low = min(low, float(np.quantile(pixels, 1 - NEARLY_ALL)))
        high = max(high, float(np.quantile(pixels, NEARLY_ALL)))
    limits = np.array([low, high])
    return tuple(ImageSequence(*each, limits, "gray") for each in zip(steps, pictures, strict=True))


def facets(group: GroupInput) -> tuple[Facet, ...]:
    """Return one facet per optimizer, or one with the initial image if there are no trajectories."""
    objective = cast("ImageObjective", group.objective)
    if not group.trajectories:
        low, high = objective.bounds[:, 0].min(), objective.bounds[:, 1].max()
        return (image_facet(still_image(objective.start.reshape(objective.shape), low, high)),)
    sequences = image_sequences(objective, group.trajectories)
    return tuple(image_facet(each, style) for each, style in zip(sequences, group.styles, strict=True))


KIND = ViewKind(lambda objective: 3 * (objective.kind == "image"), facets, projects=False)
