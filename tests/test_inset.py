"""The inset that magnifies paths which take little of a view."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import gdsim
from gdsim.config import Animation, View
from gdsim.render import Frames
from gdsim.render.display_list import PathLabel
from gdsim.render.painter import only
from gdsim.render.trail import Trail
from gdsim.scene.build import build_scene

RUNS = {
    "SGD": ("SGD", {"lr": 0.004}),
    "Momentum": ("SGD", {"lr": 0.004, "momentum": 0.8}),
    "Adam": ("Adam", {"lr": 0.06}),
    "RMSprop": ("RMSprop", {"lr": 0.02}),
}


def race(objective="styblinski_tang", start=(3.6, 3.4), labels=tuple(RUNS), steps=60, **view):
    paths = [gdsim.descend(objective, RUNS[each][0], start=start, steps=steps, label=each, **RUNS[each][1])
             for each in labels]  # fmt: skip
    return build_scene(paths, view=View(**view), animation=Animation(fps=10, seconds=3))


def views(frames: Frames):
    """The view's layer and that of its inset, if there is one."""
    first = next(i for i, layer in enumerate(frames.layers) if layer.facet is not None)
    return frames.layers[first:]


def head(frame, color, box) -> np.ndarray:
    """The middle of the largest spot of a color in a box of a frame, in pixels from the lower left corner."""
    height, reach = len(frame), 4
    part = frame[height - int(box.top) : height - int(box.y), int(box.x) : int(box.right)]
    mask = (np.abs(part.astype(int) - [round(255 * each) for each in to_rgb(color)]) < 12).all(-1)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(mask, reach), (2 * reach + 1, 2 * reach + 1))
    rows, columns = np.nonzero((full := windows.sum((2, 3))) == full.max())
    return np.array([int(box.x) + columns.mean() + 0.5, int(box.top) - rows.mean() - 0.5])


@pytest.mark.parametrize(("name", "theme"), [("SGD", "light"), ("Adam", "dark")])
def test_the_head_in_the_inset_is_at_the_iterate(name, theme):
    scene = race(labels=(name,), theme=theme, panels=[])
    frames, path = Frames(scene), scene.facets[0].paths[0]
    _, inset = views(frames)
    (low, high), box = scene.facets[0].inset.limits.T, inset.viewport.box
    for index in np.linspace(0, len(frames) - 1, 5).astype(int).tolist():
        frame, time = frames.at(frames.moment(index)), scene.frame_steps[index]
        wanted = [np.interp(time, path.times, path.points[:, 0, axis]) for axis in (0, 1)]
        decoded = low + (head(frame, path.style.color, box) - [box.x, box.y]) / [box.width, box.height] * (high - low)
        assert np.abs(decoded - wanted).max() < 2.5 * (high - low).max() / box.width


@pytest.mark.parametrize(
    ("across", "up", "shown"), [(0.149, 0.1, True), (0.1, 0.149, True), (0.151, 0.1, False), (0.1, 0.151, False)]
)
def test_an_inset_shows_paths_that_take_less_than_15_percent_of_both_sides(across, up, shown):
    path = gdsim.descend("booth", "SGD", start=(-2, 3), steps=40, lr=0.01)
    size = np.ptp(path.points[:, 0], axis=0) / [across, up]
    middle = path.points[:, 0].mean(0)
    bounds = np.stack([middle - 0.4 * size, middle + 0.6 * size], -1)
    objective = gdsim.objective("booth", bounds=bounds.tolist())
    scene = build_scene([gdsim.descend(objective, "SGD", start=(-2, 3), steps=40, lr=0.01)])
    inset = scene.facets[0].inset
    assert (inset is not None) == shown
    if inset is not None:
        points = path.points[:, 0]
        assert ((inset.limits[:, 0] < points) & (points < inset.limits[:, 1])).all()


@pytest.mark.parametrize("objective", ["styblinski_tang", "ackley", "rosenbrock", "himmelblau"])
def test_an_inset_covers_no_path_no_minimum_no_start_and_no_label(objective):
    shown = 0
    for start in [(0.3, 0.2), (-1.4, 1.8), (1.2, -0.6), (1.9, 2.8)]:
        scene = race(objective, start, steps=15, panels=[], size=[800, 800])
        frames = Frames(scene)
        view, *inset = views(frames)
        if not inset:
            continue
        shown += 1
        low, high = inset[0].viewport.bounds.T
        trails = [trail for trail in only(view.primitives, Trail) if trail.path is not None]
        times = np.linspace(0, 15, 1500)
        spots = [np.concatenate([trail.at(time) for time in times]) for trail in trails]
        spots.append(view.viewport.pixels(view.facet.minima, frames.moment(0)))
        spots += [label.extent for label in only(view.primitives, PathLabel)]
        margin = 0.5 * frames.canvas.em
        for each in spots:
            assert not ((each > low - margin) & (each < high + margin)).all(-1).any()
        assert (view.viewport.bounds[:, 0] < low).all()
        assert (high < view.viewport.bounds[:, 1]).all()
    assert shown >= (objective != "himmelblau")


def test_the_inset_says_its_scale_and_names_the_paths():
    scene = race(panels=[])
    frames = Frames(scene)
    view, inset = views(frames)
    magnified = [np.ptp(layer.viewport.pixels(limits, frames.moment(0))[:, 0]) for layer, limits in
                 ((view, scene.facets[0].inset.limits.T), (inset, scene.facets[0].inset.limits.T))]  # fmt: skip
    (words,) = (text.get_text() for text in frames.canvas.figure.findobj(Text) if text.get_text().endswith(" ×"))
    assert float(words.removesuffix(" ×")) == pytest.approx(magnified[1] / magnified[0], rel=0.02)
    assert only(inset.primitives, PathLabel)
    assert not only(view.primitives, PathLabel)


@pytest.mark.parametrize("view", [{"size": [640, 360]}, {"layout": "grid"}, {"kind": "surface"}])
def test_small_views_grids_and_surfaces_have_no_inset(view):
    scene = race(labels=("SGD", "Adam"), **view)
    assert len(views(Frames(scene))) == len(scene.facets)
