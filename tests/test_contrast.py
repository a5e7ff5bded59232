"""Contrast of what is drawn, measured in the pixels of every shipped config: paths stand out, and arrows do not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

import gdsim
from gdsim.objectives import inside
from gdsim.render import Frames
from gdsim.render.painter import only
from gdsim.render.trail import Trail
from gdsim.scene.model import Facet, Scene

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))


def shipped(path: Path) -> Iterator[tuple[str, Scene]]:
    """The scene of a config in its own theme and two others, of few examples and steps if a network is trained."""
    experiment = gdsim.load(path, allow_code=True)
    if any(spec.to_train() for spec in experiment.objectives):
        experiment = gdsim.load(path, overrides=["view.examples=60", "steps=40"], allow_code=True)
    trajectories = gdsim.simulate(experiment)
    # At twice the size, where thin lines have pixels of their pure colours.
    size = [2 * side for side in experiment.view.size]
    for theme in ["light", "dark"] + [experiment.view.theme] * (experiment.view.theme not in ("light", "dark")):
        view = experiment.view.model_copy(update={"theme": theme, "size": size})
        yield str(theme), gdsim.build_scene(trajectories, view=view, animation=experiment.animation)


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
    poster, height, moment = luminance(frames.poster()[..., :3]), frames.size[1], frames.moment(len(frames) - 1)
    lowest = [np.inf]
    for layer in (layer for layer in frames.layers if layer.facet is not None):
        trails = [trail for trail in only(layer.at(moment), Trail) if trail.path is not None]
        for trail in trails:
            reach = int(np.ceil(trail.style.width / 2 + trail.style.casing_width)) + 1
            contrast = maximum_filter(poster, 2 * reach + 1) / minimum_filter(poster, 2 * reach + 1)
            points = visible(trail, moment.time)
            points = points[inside(points, layer.viewport.bounds + np.array([reach, -reach]))]
            for each in trails:
                # A head is larger than the area that is compared.
                apart = np.linalg.norm(points[:, None] - each.at(moment.time), axis=-1).min(-1, initial=np.inf)
                points = points[apart > each.style.head_size]
            x, y = points.T
            lowest.append(contrast[np.floor(height - y).astype(int), np.floor(x).astype(int)].min(initial=np.inf))
    return min(lowest)


def with_short_arrows(facet: Facet) -> Facet:
    arrows = facet.arrows
    # Stream lines meet at a minimum, where they are dark together.
    return (
        facet
        if arrows is None or arrows.form == "stream"
        else replace(facet, arrows=replace(arrows, lengths=1e-6 * arrows.lengths))
    )


def arrow_contrast(scene: Scene) -> float:
    """The highest contrast with the field of arrows that lie on it."""
    # Invisibly short arrows, because the layout has room for the key to arrows only where there are any.
    short = tuple(replace(group, facets=tuple(map(with_short_arrows, group.facets))) for group in scene.groups)
    both = [gdsim.frames(each) for each in (scene, replace(scene, groups=short))]
    drawn, field = (luminance(frames.background[..., :3]) for frames in both)
    contrast, height = np.maximum(drawn, field) / np.minimum(drawn, field), scene.size[1]
    highest = [1.0]
    for layer in (layer for layer in both[0].layers if layer.facet is not None and layer.facet.model.kind == "contour"):
        (left, right), (bottom, top) = layer.viewport.bounds.round().astype(int).tolist()
        highest.append(contrast[height - top : height - bottom, left:right].max())
    return max(highest)


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_paths_contrast_with_the_field_along_their_length_and_arrows_do_less(path: Path) -> None:
    for theme, scene in shipped(path):
        paths, arrows = path_contrast(gdsim.frames(scene)), arrow_contrast(scene)
        assert paths >= 4.5, theme
        assert arrows < min(paths, 4.0), theme
