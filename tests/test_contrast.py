"""Contrast of what is drawn, measured in the pixels of every shipped config: paths stand out, and arrows do not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from scipy.ndimage import maximum_filter, minimum_filter, uniform_filter

import gdsim
from gdsim.objectives import inside
from gdsim.render import Frames
from gdsim.render.display_list import Tangents
from gdsim.render.painter import only
from gdsim.render.strands import fanned
from gdsim.render.trail import Trail
from gdsim.scene.model import Facet, Scene

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))
OTHER = {"light": "dark", "dark": "light"}
COILED = "starts_rastrigin"  # in its other theme, paths coil up until their casings cover all of them near the heads
ENSEMBLE = "noise_ensemble"  # one run is drawn thinly below the mean and the ellipses
# Arrows have the colour of the theme, so that some functions in each theme show what they do.
WITH_ARROWS = (
    "view_heat",
    "view_own_theme",
    "quickstart",
    "function_measured",
    "view_slide",
    "starts_swarm",
    "network_vanishing",
)


def shipped(path: Path) -> Iterator[Scene]:
    """The scene of a config without panels, after few steps and with few examples if a network is trained.

    The first has the config's theme; if that is light or dark, the second has the other. Lines have twice their width,
    because thin ones have no pixels of their pure colours.
    """
    experiment = gdsim.load(path, allow_code=True)
    given = experiment.view.theme
    few = ["view.examples=30", "steps=20"] if any(spec.to_train() for spec in experiment.objectives) else []
    # Arrows on a curve begin at the paths, which they would touch.
    axis = {"arrows_at": "axis"} if experiment.objectives[0].build().dim == 1 else {}
    trajectories = gdsim.simulate(gdsim.load(path, overrides=few, allow_code=True))
    themes = [{"base": given} if isinstance(given, str) else given.given()]
    themes += [{"base": OTHER[name]} for name in OTHER if name == given and path.stem != COILED]
    for theme in themes:
        overrides = [*few, f"view.theme={json.dumps({**theme, 'stroke': 2.0})}"]
        view = gdsim.load(path, overrides=overrides, allow_code=True).view
        view = view.model_copy(update={"panels": [], **axis})
        yield gdsim.build_scene(trajectories, view=view, animation=experiment.animation)


def luminance(frame: np.ndarray) -> np.ndarray:
    """The relative luminance of WCAG 2, plus the 0.05 of its contrast ratio."""
    levels = frame / 255
    linear = np.where(levels <= 0.04045, levels / 12.92, ((levels + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722] + 0.05


def visible(trail: Trail, time: float) -> np.ndarray:
    """The vertices, (n, 2), of a trail up to a time, without hidden and faded ones, in pixels from the lower left."""
    shown = trail.times <= time
    if trail.fade is not None:
        shown &= trail.times > time - trail.fade / 10
    points = trail.points[shown]
    return points.reshape(-1, 2) if trail.hidden is None else points[~trail.hidden[shown]]


def path_contrast(frames: Frames) -> float:
    """The lowest contrast across a path: of its color, its casing and the field, within its width and a pixel."""
    picture, height, moment = frames.poster()[..., :3], frames.size[1], frames.moment(len(frames) - 1)
    lowest = [np.inf]
    for layer in (layer for layer in frames.layers if layer.facet is not None):
        trails = [trail for trail in only(layer.at(moment), Trail) if trail.path is not None]
        heads = fanned(trails, moment.time)
        # On a curve, the tangents at all heads lie on the paths near them.
        tangents = max((each.reach for each in only(layer.at(moment), Tangents)), default=0.0)
        for trail in trails:
            reach = int(np.ceil(trail.style.width / 2 + trail.style.casing_width)) + 1
            points = visible(trail, moment.time)
            points = points[inside(points, layer.viewport.bounds + np.array([reach, -reach]))]
            for each, places in zip(trails, heads, strict=True):
                # A head is larger than the area that is compared.
                apart = np.linalg.norm(points[:, None] - places, axis=-1).min(-1, initial=np.inf)
                points = points[apart > max(each.style.head_size, tangents)]
            x, y = points.T
            rows, columns = np.floor(height - y).astype(int), np.floor(x).astype(int)
            if not len(rows):
                continue
            # The part of the picture that contains the path, because filters of whole pictures take long.
            top, left = max(rows.min() - 2 * reach, 0), max(columns.min() - 2 * reach, 0)
            part = picture[top : rows.max() + 2 * reach + 1, left : columns.max() + 2 * reach + 1]
            rows, columns, side = rows - top, columns - left, 2 * reach + 1
            own = (part == [round(255 * level) for level in to_rgb(trail.style.color)]).all(-1)
            # Where an optimizer's paths lie on each other, they cover more than one path can in any direction. What
            # they cover together has its edges at other vertices.
            most = np.sqrt(2) * trail.style.width / side
            alone = uniform_filter(own.astype(float), side)[rows, columns] <= 1.25 * most
            bright = luminance(part)
            contrast = maximum_filter(bright, side) / minimum_filter(bright, side)
            lowest.append(contrast[rows[alone], columns[alone]].min(initial=np.inf))
    return min(lowest)


def with_short_arrows(facet: Facet) -> Facet:
    arrows = facet.arrows
    # Stream lines meet at a minimum, where they are dark together.
    return (
        facet
        if arrows is None or arrows.form == "stream"
        else replace(facet, arrows=replace(arrows, lengths=1e-6 * arrows.lengths))
    )


def arrow_contrast(frames: Frames) -> float:
    """The highest contrast with the field of arrows that lie on it."""
    # Invisibly short arrows, because the layout has room for the key to arrows only where there are any.
    scene = frames.scene
    short = tuple(replace(group, facets=tuple(map(with_short_arrows, group.facets))) for group in scene.groups)
    both = [frames, gdsim.frames(replace(scene, groups=short))]
    drawn, field = (luminance(each.background[..., :3]) for each in both)
    contrast, height = np.maximum(drawn, field) / np.minimum(drawn, field), scene.size[1]
    highest = [1.0]
    for layer in (layer for layer in frames.layers if layer.facet is not None and layer.facet.model.kind == "contour"):
        (left, right), (bottom, top) = layer.viewport.bounds.round().astype(int).tolist()
        highest.append(contrast[height - top : height - bottom, left:right].max())
    return max(highest)


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_paths_contrast_with_the_field_along_their_length_and_arrows_do_less(path: Path) -> None:
    own, *others = [gdsim.frames(scene) for scene in shipped(path)]
    paths = path_contrast(own)
    assert min([paths, *map(path_contrast, others)]) >= (2.9 if path.stem == ENSEMBLE else 4.5)
    if path.stem in WITH_ARROWS:
        assert arrow_contrast(own) < min(paths, 4.0)
