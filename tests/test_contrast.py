"""Contrast of what is drawn, measured in the pixels of every shipped config: paths stand out, and arrows do not."""

from __future__ import annotations

import json
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

# Left out, because they take long: networks and grids that look like vanishing and matrix, and quickstart with streams.
SLOW = ("cnn_saliency", "digits_mlp", "dreamed_digit", "nine", "streamlines")
CONFIGS = sorted(each for each in (Path(__file__).parent.parent / "configs").glob("*.yaml") if each.stem not in SLOW)
# Arrows have the colour of the theme, so that some functions in each theme show what they do.
WITH_ARROWS = ("heat", "own_theme", "quickstart", "rastrigin_starts", "slide", "swarm", "vanishing")


def shipped(path: Path) -> Scene:
    """The scene of a config without panels, after few steps and with few examples if a network is trained.

    Half of the configs with a light theme have the dark one. Lines have twice their width, because thin ones have no
    pixels of their pure colours.
    """
    experiment = gdsim.load(path, allow_code=True)
    theme = experiment.view.theme
    theme = {"base": theme} if isinstance(theme, str) else theme.given()
    if theme == {"base": "light"} and CONFIGS.index(path) % 2:
        theme = {"base": "dark"}
    overrides = [f"view.theme={json.dumps({**theme, 'stroke': 2.0})}"]
    if any(spec.to_train() for spec in experiment.objectives):
        overrides += ["view.examples=30", "steps=20"]
    experiment = gdsim.load(path, overrides=overrides, allow_code=True)
    # Arrows on a curve begin at the paths, which they would touch.
    axis = {"arrows_at": "axis"} if experiment.objectives[0].build().dim == 1 else {}
    view = experiment.view.model_copy(update={"panels": [], **axis})
    return gdsim.build_scene(gdsim.simulate(experiment), view=view, animation=experiment.animation)


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
    poster, lowest, contrasts = luminance(picture), [np.inf], dict[int, np.ndarray]()
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
            own = (picture == [round(255 * part) for part in to_rgb(trail.style.color)]).all(-1)
            # Where an optimizer's paths lie on each other, they cover more than one path can in any direction. What
            # they cover together has its edges at other vertices.
            most = np.sqrt(2) * trail.style.width / (2 * reach + 1)
            alone = uniform_filter(own.astype(float), 2 * reach + 1)[rows, columns] <= 1.25 * most
            rows, columns = rows[alone], columns[alone]
            if reach not in contrasts:
                contrasts[reach] = maximum_filter(poster, 2 * reach + 1) / minimum_filter(poster, 2 * reach + 1)
            lowest.append(contrasts[reach][rows, columns].min(initial=np.inf))
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
    frames = gdsim.frames(shipped(path))
    paths = path_contrast(frames)
    assert paths >= 4.5
    if path.stem in WITH_ARROWS:
        assert arrow_contrast(frames) < min(paths, 4.0)
