"""How panels of curves are drawn: the winner's head, the solved band, its dots and labels, and the race track."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import gdsim
from gdsim.config import View
from gdsim.render.display_list import EventMarks, PathLabel
from gdsim.render.painter import only
from gdsim.render.trail import Trail
from gdsim.scene.build import build_scene
from gdsim.themes import THEMES, mix

START = [-0.5, 4.2]


def race(steps=150, **view):
    himmelblau = gdsim.objective("himmelblau")
    settings = {"SGD": {"lr": 0.01}, "Momentum": {"lr": 0.01, "momentum": 0.9}, "Slow": {"lr": 0.0005}}
    paths = [
        gdsim.descend(himmelblau, "SGD", start=START, steps=steps, label=label, **own)
        for label, own in settings.items()
    ]
    return build_scene(paths, view=View(panels=["loss"], **view)), paths


def pixels(color):
    return np.array([round(255 * part) for part in to_rgb(color)])


def near(frame, x, y, color, size=2):
    """How many pixels around a place are of a color."""
    row, column = round(frame.shape[0] - y), round(x)
    part = frame[row - size : row + size, column - size : column + size, :3]
    return int((np.abs(part.astype(int) - pixels(color)).max(-1) <= 8).sum())


@pytest.mark.parametrize("view", [{}, {"theme": "dark", "size": [640, 360]}, {"theme": "slide", "size": [720, 720]}])
def test_the_winner_stays_visible_though_its_value_is_a_rounding_error(view):
    scene, (sgd, *_) = race(**view)
    assert float(sgd.values[-1, 0]) < 1e-20
    frames = gdsim.frames(scene)
    layer = frames.layers[0]
    trails = only(layer.primitives, Trail)
    winner = next(trail for trail in trails if trail.optimizer == 0 and trail.style.head_size)
    halfway = gdsim.frames(scene).moment(len(frames) // 2)
    x, y = winner.at(halfway.time)[0]
    (left, right), (low, high) = layer.viewport.bounds
    radius = winner.style.head_size / 2
    assert left <= x - radius < x + radius <= right
    assert low <= y - radius < y + radius <= high
    assert near(frames.at(halfway), x, y, scene.styles[0].color) >= 6


@pytest.mark.parametrize("view", [{}, {"theme": "slide", "size": [720, 720]}])
def test_heads_on_the_vertical_axis_leave_its_tick_labels_free(view):
    scene, _ = race(**view)
    frames = gdsim.frames(scene)
    layer, agg = frames.layers[0], frames.canvas.agg.get_renderer()
    left = min(each.at(0.0)[0, 0] - each.style.head_size / 2 for each in only(layer.primitives, Trail))
    extents = [label.get_window_extent(agg) for label in layer.viewport.axes.get_yticklabels() if label.get_text()]
    assert len(extents) > 1
    assert max(each.x1 for each in extents) <= left + 1


def test_a_dot_with_its_step_marks_where_a_path_is_solved():
    scene, paths = race()
    frames = gdsim.frames(scene)
    marks = only(frames.layers[0].primitives, EventMarks)
    # The slow one is not solved.
    assert [each.optimizer for each in marks] == [0, 1]
    labels = only(frames.layers[0].primitives, PathLabel)
    for each, label, path in zip(marks, labels, paths, strict=False):
        values = path.values[:, 0].tolist()
        step = 1 + max(k for k, value in enumerate(values) if value > 1e-3 * values[0])
        assert each.times.tolist() == [step]
        assert label.text.get_text() == f"{path.label}: step {step}"
        assert step <= label.begin < label.end
        x, y = each.points[0]
        before, after = (frames.at(gdsim.frames(scene).moment(i)) for i in (0, -1 + len(frames)))
        assert near(after, x, y, scene.styles[each.optimizer].color) == 16
        assert near(before, x, y, scene.styles[each.optimizer].color) < 16


@pytest.mark.parametrize("size", [(1280, 720), (640, 360), (720, 720), (420, 600)])
def test_labels_in_a_panel_cover_nothing_and_stay_in_it(size):
    scene, _ = race(size=list(size))
    frames = gdsim.frames(scene)
    layer = frames.layers[0]
    extents = [
        each.text.get_window_extent(frames.canvas.agg.get_renderer()) for each in only(layer.primitives, PathLabel)
    ]
    band = [text for text in frames.canvas.figure.findobj(Text) if text.get_text().startswith("solved")]
    extents += [text.get_window_extent(frames.canvas.agg.get_renderer()) for text in band]
    assert len(band) == 1
    for i, one in enumerate(extents):
        assert layer.viewport.bounds[0, 0] <= one.x0 < one.x1 <= layer.viewport.bounds[0, 1]
        assert layer.viewport.bounds[1, 0] <= one.y0 < one.y1 <= layer.viewport.bounds[1, 1]
        for other in extents[i + 1 :]:
            across = min(one.x1, other.x1) - max(one.x0, other.x0)
            assert across < 1 or min(one.y1, other.y1) - max(one.y0, other.y0) < 3


def test_a_curve_that_leaves_the_panel_stops_at_its_frame_with_a_mark():
    rosenbrock = gdsim.objective("rosenbrock")
    slow, fast = (gdsim.descend(rosenbrock, "SGD", start=[-1.5, 2], steps=60, lr=lr) for lr in (0.001, 0.02))
    frames = gdsim.frames(build_scene([slow, fast], view=View(panels=["loss"])))
    layer, panel = frames.layers[0], frames.scene.groups[0].panels[0]
    (mark,) = only(layer.primitives, EventMarks)
    assert (mark.optimizer, mark.marker) == (1, "^")
    values = fast.values[: fast.stopped_at(0) + 1, 0].tolist()
    inside = max(k for k, value in enumerate(values) if value <= panel.limits[1])
    assert inside < mark.times[0] < inside + 1
    (left, right), (_, high) = layer.viewport.bounds
    assert mark.extent[1, 1] <= high + 0.1 * mark.size
    assert left < mark.points[0, 0] < right
    trail = only(layer.primitives, Trail)[1]
    assert (trail.points[inside + 1 :, 0, 1] > high).all()


@pytest.mark.parametrize("size", [(1280, 720), (640, 360)])
def test_names_of_curves_are_nearest_to_their_own_curve_and_appear_with_it(size):
    bowl = gdsim.objective("x**2/2 + 3*y**2")
    rates = {"First": 0.3, "Second": 0.19, "Third": 0.1, "Fourth": 0.02}
    paths = [gdsim.descend(bowl, "SGD", start=[-4, 3], steps=80, label=name, lr=lr) for name, lr in rates.items()]
    layer = gdsim.frames(build_scene(paths, view=View(panels=["gradient_norm"], size=list(size)))).layers[0]
    trails, labels = only(layer.primitives, Trail), only(layer.primitives, PathLabel)
    assert [each.text.get_text() for each in labels] == list(rates)
    for label in labels:
        middle, half = label.extent.mean(0), np.ptp(label.extent, axis=0) / 2
        times = np.linspace(0, 80, 4001)
        lines = [np.concatenate([each.at(time) for time in times]) for each in trails]
        distances = [np.linalg.norm(np.maximum(abs(line - middle) - half, 0), axis=-1) for line in lines]
        nearest = [each.min() for each in distances]
        assert np.argmin(nearest) == label.optimizer
        assert 0 < min(nearest) < layer.viewport.canvas.em
        reached = times[distances[label.optimizer] < layer.viewport.canvas.em]
        assert reached[0] - 1 <= label.begin <= reached[-1] + 2


@pytest.mark.parametrize("config", ["momentum_ravine", "compare_fair", "compare_side_by_side"])
def test_every_step_in_a_panel_has_its_name_and_every_curve_is_named_once(config):
    frames = gdsim.frames(gdsim.animate(f"configs/{config}.yaml").scene)
    names = [style.label for style in frames.scene.styles]
    labels = [label for layer in frames.layers if layer.facet is None for label in only(layer.primitives, PathLabel)]
    steps = [label for label in labels if "step" in label.text.get_text()]
    assert len(steps) >= 2
    for label in steps:
        assert label.text.get_text().startswith(f"{names[label.optimizer]}:")
    assert sorted(label.optimizer for label in labels) == list(range(len(names)))


def test_names_are_in_panels_over_settings_from_the_first_frame_on():
    experiment = gdsim.load("configs/rate_tolerance.yaml", overrides=["sweep.points=12"])
    frames = gdsim.frames(gdsim.animate(experiment).scene)
    box = next(layer.viewport.box for layer in frames.layers if layer.facet is None)
    agg = frames.canvas.agg.get_renderer()
    texts = frames.canvas.figure.findobj(Text)
    named = [(text.get_text(), text.get_window_extent(agg)) for text in texts]
    inside = {words for words, one in named if one.x0 >= box.x and box.y <= one.y0 < one.y1 <= box.top}
    assert {"SGD", "Momentum", "RMSprop", "Adagrad"} <= inside


@pytest.mark.parametrize("theme", ["light", "dark", "slide"])
def test_the_complete_curves_are_faintly_there_from_the_first_frame_on(theme):
    scene, _ = race(theme=theme)
    frames, look = gdsim.frames(scene), THEMES[theme]
    first, trails = frames.at(frames.moment(0)), only(frames.layers[0].primitives, Trail)
    slow = next(trail for trail in trails if trail.optimizer == 2 and trail.style.head_size)
    for step in (40, 90, 140):
        x, y = slow.at(float(step))[0]
        assert near(first, x, y, mix(look.panel, scene.styles[2].color, 0.15)) >= 4
        assert near(first, x, y, scene.styles[2].color) == 0
