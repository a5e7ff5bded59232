"""Build a scene of saliency maps of trained networks: one row per optimizer, one column per map."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gdsim.errors import InputError
from gdsim.networks.attribution import LAYER
from gdsim.scene.build import styles
from gdsim.scene.model import Group, Scene, Style
from gdsim.scene.panels.heatmap import completed
from gdsim.scene.panels.images import ImageGrid, ImageRow, grays
from gdsim.scene.views.image import ImageSequence, image_facet
from gdsim.simulation import Explanation, Trajectory
from gdsim.themes import Theme

__all__ = ["build_saliency_scene"]

HEADINGS: Mapping[str, str] = {
    "gradient": "input gradient",
    "saliency": "saliency",
    "smoothgrad": "SmoothGrad",
    "integrated": "integrated gradients",
    "gradcam": "Grad-CAM",
}

MAX_ROWS = 64
"""Maximum number of rows of a picture."""

Explained = tuple[Sequence[Trajectory], Sequence[Explanation]]
"""The trajectories of a network, and one explanation for each."""


def build_saliency_scene(networks: Sequence[Explained], *, title: str, theme: Theme, size: tuple[int, int]) -> Scene:
    """Build the scene.

    Args:
        networks: The trajectories of each network, with their explanations.
        title: The picture's title; empty for the default.
        theme: The theme of the picture.
        size: Width and height in pixels; the height is increased if there are many rows.

    Raises:
        InputError: There are more rows than a picture can have.
    """
    count = sum(len(explained) for _, explained in networks)
    if count > MAX_ROWS:
        message = f"{count} trained networks are more than the {MAX_ROWS} rows of a picture"
        raise InputError(message, ("optimizers",), code="too-large")
    own = [
        # The distance from the plane is irrelevant here.
        [replace(style, settings=_settings(each), aside="") for style, each in zip(given, trajectories, strict=True)]
        for given, (trajectories, _) in zip(styles([each for each, _ in networks], theme.paths), networks, strict=True)
    ]
    # A row needs 4.2 ems for three lines of text, and each network 11 more; an em is 2.32 % of the shorter side.
    needed = 0.0232 * theme.type * (4.2 * count + 11 * len(networks))
    height = size[1] if needed * min(size) <= size[1] else 2 * math.ceil(needed * size[0] / 2)
    titles, limits = [trajectories[0].objective.title for trajectories, _ in networks], _limits(networks)
    names = titles if len(titles) > 1 else [""]
    explained = [each for _, each in networks]
    default = titles[0] if len(titles) == 1 else f"What the networks see in image {explained[0][0].number}"
    groups = tuple(_group(*each, limits) for each in zip(names, explained, own, strict=True))
    return Scene(
        title=title or default,
        formula="",
        formula_for_title=False,
        subtitles=(),
        alt_text=" ".join(_alt_text(*each) for each in zip(titles, explained, groups, strict=True)),
        theme=theme,
        size=(size[0], height),
        styles=tuple(style for group in own for style in group),
        groups=groups,
    )


def _settings(trajectory: Trajectory) -> str:
    if trajectory.stops[0].failed:
        return f"{trajectory.stops[0].value} at step {trajectory.stopped_at(0)}"
    return trajectory.settings


def _group(name: str, explained: Sequence[Explanation], own: Sequence[Style], limits: Mapping[str, float]) -> Group:
    first = explained[0]
    signed = {method: any((each.maps[method] < 0).any() for each in explained) for method in first.maps}

    def images(each: Explanation) -> Iterator[ImageSequence]:
        for method, values in each.maps.items():
            ends, steps = np.array([-signed[method] * limits[method], limits[method]]), np.zeros(1, np.int64)
            yield ImageSequence(steps, values[None], ends, "signed" if signed[method] else "unsigned")

    columns = tuple(HEADINGS.get(each, f"gradient at {each.removeprefix(LAYER)}") for each in first.maps)
    rows = (ImageRow(style, tuple(images(each)), _says(each)) for style, each in zip(own, explained, strict=True))
    grid = ImageGrid(f"class {first.target}", tuple(rows), columns=columns)
    facet = image_facet(grays(first.image), heading=f"image {first.number} · label {first.label}")
    return Group(name, (facet,), (grid,))


def _limits(networks: Sequence[Explained]) -> dict[str, float]:
    """Return the largest absolute number of each method over all maps, so that optimizers can be compared."""
    pairs = [pair for trajectories, explained in networks for pair in zip(trajectories, explained, strict=True)]
    ran = completed([trajectory for trajectory, _ in pairs])
    limits: dict[str, float] = {}
    for each in (found for trajectory, found in pairs if trajectory in ran):
        for method, values in each.maps.items():
            finite = np.abs(values[np.isfinite(values)])
            limits[method] = max(limits.get(method, 0.0), float(finite.max(initial=0.0)))
    return {method: limit or 1.0 for method, limit in limits.items()}


def _says(explained: Explanation) -> str:
    if explained.predicted is None:
        return "says nothing: its scores are not finite"
    # Rounded down, so that 99.97 % does not become 100 %.
    sure = "" if explained.probability is None else f" · {np.floor(1000 * explained.probability) / 10:g} %"
    wrong = "" if explained.predicted == explained.label else f", not {explained.label}"
    return f"says {explained.predicted}{sure}{wrong}"


def _alt_text(title: str, explained: Sequence[Explanation], group: Group) -> str:
    first, (grid,) = explained[0], group.panels
    said = "; ".join(f"{row.style.label} {row.words.replace(' · ', ' with ')}" for row in grid.rows)
    return (
        f"Saliency of image {first.number}, label {first.label}, for class {first.target} in {title}: "
        f"{', '.join(grid.columns)}. {said}."
    )
