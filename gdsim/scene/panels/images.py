"""Panels of small images: how the pixels of an image affect the score of a class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from gdsim.analysis.metrics import last_steps
from gdsim.config import View
from gdsim.errors import InputError, Problem
from gdsim.networks import ImageObjective, NetworkObjective
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.facets import GroupInput
from gdsim.scene.model import Style
from gdsim.scene.panels import PanelKind
from gdsim.scene.panels.curves import training_of
from gdsim.scene.panels.heatmap import of_completed
from gdsim.scene.views import kind_of
from gdsim.scene.views.image import NEARLY_ALL, ImageSequence, color_scale, image_sequences, pixel_rows, still_image
from gdsim.simulation import SaliencyMaps, Trajectory


@dataclass(frozen=True, eq=False)
class ImageRow:
    """The images of one optimizer, one per column, and text under its name such as "says 3 · 98 %"; usually empty."""

    style: Style
    images: tuple[ImageSequence, ...]
    words: str = ""


@dataclass(frozen=True, eq=False)
class ImageGrid:
    """Small images that change with the steps; all images of a column share their limits and colours.

    Attributes:
        image, heading: A constant image to which all rows refer, or None; and its heading, such as "image 7".
        columns: The heading of each column; empty if the columns have none.
    """

    kind: ClassVar[str] = "images"

    caption: str
    rows: tuple[ImageRow, ...]
    image: ImageSequence | None = None
    heading: str = ""
    columns: tuple[str, ...] = ()


def _problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    wanted = view.saliency
    for network in (each.network for each in objectives if isinstance(each, NetworkObjective)):
        try:
            network.data.test_image(wanted.image)
        except InputError as error:
            yield Problem(error.message, ("saliency", "image") if "image" in wanted.model_fields_set else ())
        try:
            network.data.check_class(wanted.target or 0)
        except InputError as error:
            yield Problem(error.message, () if wanted.target is None else ("saliency", "class"))
        if wanted.method == "gradcam" and network.name == "mlp":
            message = "gradcam looks at the last convolution, and an mlp has none; cnn has"
            yield Problem(message, ("saliency", "method"), "unsupported")


def _grid(group: GroupInput) -> ImageGrid:
    if isinstance(group.objective, ImageObjective):
        return _gradients(group.objective, group)
    # The saliency maps of networks, with the image that they explain.
    made, trajectories = [_maps(each) for each in group.trajectories], group.trajectories
    first = made[0]
    kept = [each.steps <= last_steps(one)[0] for one, each in zip(trajectories, made, strict=True)]
    pictures = [each.maps[rows] for each, rows in zip(made, kept, strict=True)]
    scale = color_scale(of_completed(trajectories, pictures), NEARLY_ALL)
    rows = tuple(
        ImageRow(style, (ImageSequence(each.steps[shown], picture, *scale),))
        for style, each, shown, picture in zip(group.styles, made, kept, pictures, strict=True)
    )
    say = group.view.say
    caption = f"{first.method}, {say('class {n}', n=first.target)}"
    return ImageGrid(caption, rows, grays(first.image), say("image {n}", n=first.number))


def _gradients(objective: ImageObjective, group: GroupInput) -> ImageGrid:
    """Return the gradient of the score with respect to the pixels, with the image unless the view shows it."""
    before: Sequence[tuple[ImageSequence, ...]] = [()] * len(group.trajectories)
    if kind_of(objective, group.view).projects:
        before = [(each,) for each in image_sequences(objective, group.trajectories)]
    slopes = [pixel_rows(objective, each, -each.gradients) for each in group.trajectories]
    scale = color_scale([pictures for _, pictures in slopes], NEARLY_ALL)
    rows = zip(group.styles, before, slopes, strict=True)
    return ImageGrid(
        "∇ score", tuple(ImageRow(style, (*shown, ImageSequence(*each, *scale))) for style, shown, each in rows)
    )


def _maps(trajectory: Trajectory) -> SaliencyMaps:
    maps = training_of(trajectory).maps
    if maps is None:
        message = f"the maps of {trajectory.label} were not made; gdsim render with view.panels makes them"
        raise InputError(message, ("view", "panels"), code="missing")
    return maps


def grays(image: FloatArray) -> ImageSequence:
    """Return an image (rows, columns) in greys from 0 to 1, or a wider range if its values exceed it."""
    return still_image(image, np.array([image.min(initial=0.0), image.max(initial=1.0)]))


PANELS = (PanelKind("saliency", _grid, "pixels", _problems),)
