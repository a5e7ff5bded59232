"""Names at the paths: where they are, when they appear, and what the legend then says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

import gdsim
from gdsim.config import Animation, View
from gdsim.render import Frames
from gdsim.render.display_list import PathLabel
from gdsim.render.painter import only
from gdsim.render.trail import Trail
from gdsim.scene.build import build_scene

RUNS = {
    "SGD": {"lr": 0.01},
    "Momentum": {"optimizer": "SGD", "lr": 0.01, "momentum": 0.9},
    "Adam": {"optimizer": "Adam", "lr": 0.3},
}


def race(objective="himmelblau", start=(-0.5, 4.2), runs=RUNS, **view):
    trajectories = [
        gdsim.descend(objective, each.get("optimizer", label), start=start, steps=150, label=label,
                      **{key: value for key, value in each.items() if key != "optimizer"})
        for label, each in runs.items()
    ]  # fmt: skip
    animation = Animation(fps=10, seconds=4, trail=view.pop("trail", "whole"))
    return build_scene(trajectories, view=View(**view), animation=animation)


def labels(frames: Frames) -> list[PathLabel]:
    return [label for layer in frames.layers if layer.facet for label in only(layer.primitives, PathLabel)]


def written(frames: Frames) -> list[str]:
    return [text.get_text() for text in frames.canvas.figure.findobj(Text)]


def along(trail: Trail) -> np.ndarray:
    """Closely spaced points along a trail, (n, 2)."""
    times = np.linspace(0, trail.times[-1], 6001)
    places = np.stack([np.interp(times, trail.times, trail.points[:, 0, axis]) for axis in (0, 1)], -1)
    return places[np.isfinite(places).all(-1)]


SCENES = {
    "contour": {},
    "small": {"size": [640, 360]},
    "square": {"size": [720, 720], "theme": "dark"},
    "surface": {"kind": "surface", "theme": "dark"},
    "another": {"objective": "booth", "start": (-7, 8)},
}


@pytest.mark.parametrize("name", SCENES)
def test_labels_cover_no_path_no_minimum_no_start_no_edge_and_no_other_label(name):
    frames = Frames(race(**SCENES[name]))
    (layer,) = (each for each in frames.layers if each.facet is not None)
    found, em = only(layer.primitives, PathLabel), frames.canvas.em
    assert len({label.optimizer for label in found}) == len(found) >= 2
    trails = [trail for trail in only(layer.primitives, Trail) if trail.path is not None]
    minima = layer.viewport.pixels(layer.facet.minima, frames.moment(0))
    starts = np.stack([trail.at(0.0)[0] for trail in trails])
    ends = np.stack([trail.at(150.0)[0] for trail in trails])
    boxes = np.array([label.extent for label in found])
    for label, (low, high) in zip(found, boxes, strict=True):
        size = label.text.get_window_extent(frames.canvas.agg.get_renderer())
        assert (np.array([size.x0, size.y0]) > low - 2).all()
        assert (np.array([size.x1, size.y1]) < high + 2).all()
        assert (layer.viewport.bounds[:, 0] < low).all()
        assert (high < layer.viewport.bounds[:, 1]).all()
        for trail in trails:
            gap = 0.0 if trail.optimizer == label.optimizer else 0.3 * em
            places = along(trail)
            assert not ((places > low - gap) & (places < high + gap)).all(-1).any()
        for spots in (minima, starts, ends):
            assert not ((spots > low - 0.5 * em) & (spots < high + 0.5 * em)).all(-1).any()
    for i, (low, high) in enumerate(boxes):
        others = np.delete(boxes, i, axis=0)
        assert not ((others[:, 1] > low) & (others[:, 0] < high)).all(-1).any()


def test_a_label_appears_when_its_path_has_come_there_and_stays():
    frames = Frames(race())
    trails = {trail.optimizer: trail for layer in frames.layers for trail in only(layer.primitives, Trail)
              if trail.path is not None}  # fmt: skip
    found = labels(frames)
    assert len(found) == 3
    for label in found:
        reached = trails[label.optimizer].points[trails[label.optimizer].times <= label.begin + 1, 0]
        middle, half = label.extent.mean(0), np.ptp(label.extent, axis=0) / 2
        gaps = np.maximum(np.abs(along(trails[label.optimizer]) - middle) - half, 0)
        assert np.linalg.norm(gaps, axis=-1).min() < 1.5 * frames.canvas.em
        assert len(reached)
        times = frames.scene.frame_steps
        alphas = [label.alpha(time) for time in times]
        assert alphas == sorted(alphas)
        assert alphas[-1] == 1
        assert sum(0 < alpha < 1 for alpha in alphas) <= 6
        (left, bottom), (right, top) = label.extent.round().astype(int)
        rows = slice(frames.size[1] - top, frames.size[1] - bottom)
        color = np.array([int(frames.scene.styles[label.optimizer].color[i : i + 2], 16) for i in (1, 3, 5)])
        shown = [
            bool((frame[rows, left:right] == color).all(-1).any())
            for frame in (frames.at(frames.moment(0)), frames.poster())
        ]
        assert shown == [label.begin == 0, True]


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"trail": 10},
        {"kind": "surface", "camera": {"orbit": 40}},
        {"start": np.random.default_rng(0).uniform(-4, 4, (9, 2))},
        {"size": [400, 800]},
    ],
)
def test_the_legend_names_every_path_from_the_first_frame_on_with_its_settings(view):
    words = written(Frames(race(**view)))
    assert set(RUNS) <= set(words)
    assert {"lr 0.01", "lr 0.3"} <= set(words)
    assert any("lr 0.01 · momentum 0.9" in each for each in words)


def test_a_matrix_breaks_settings_between_two_and_cuts_no_name():
    runs = {name: {"lr": 0.001} for name in ("SGD", "Adam")}
    runs["Momentum"] = {"class": "SGD", "lr": 0.001, "momentum": 0.9}
    source = {"objective": ["himmelblau", "rosenbrock", "beale", "booth"], "steps": 5, "optimizers": runs}
    words = written(gdsim.frames(gdsim.animate(source | {"view": {"layout": "grid"}}).scene))
    assert {"SGD", "Adam", "Momentum", "momentum\N{NO-BREAK SPACE}0.9"} <= set(words)
    assert not any("…" in each for each in words)


def test_a_name_of_a_class_is_not_said_twice():
    for view in ({}, {"layout": "grid"}):
        assert not any(words.startswith(("SGD · lr 0.01 ·", "Adam ·")) and "momentum" not in words
                       for words in written(Frames(race(**view))))  # fmt: skip


def test_a_scene_of_one_frame_has_its_labels():
    scene = race()
    frames = Frames(replace(scene, frame_steps=scene.frame_steps[-1:]))
    assert [label.alpha(150.0) for label in labels(frames)] == [1.0] * 3


@pytest.mark.parametrize("size", [[1280, 720], [640, 360], [720, 720]])
def test_settings_in_a_legend_are_under_the_names_where_they_would_be_cut_beside_them(size):
    wide = gdsim.objective("booth", bounds=[[-10, 10], [-4, 9]])
    frames = Frames(race(wide, (-7, 8), size=size))
    assert {"lr 0.01 · momentum 0.9", "SGD · lr 0.01 · momentum 0.9"} & set(written(frames))


def test_settings_that_all_paths_share_are_said_once():
    bowl = gdsim.objective("x**2 + y**2")
    given = {"Constant": {}, "Step": {"schedule": {"class": "StepLR", "step_size": 9}}, "Slow": {"weight_decay": 0.1}}
    given = {label: {"class": "Adam", "lr": 0.2, **own} for label, own in given.items()}
    frames = gdsim.frames(build_scene(gdsim.simulate(bowl, given, start=[1, 1], steps=5)))
    words = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert [each for each in words if "lr 0.2" in each or "Adam" in each] == ["Adam · lr 0.2"]
    assert {"all", "Constant", "Step", "StepLR", "Slow", "weight decay 0.1"} <= set(words)
    # A single class, too.
    one = {label: {"class": "SGD", "lr": rate} for label, rate in (("SGD", 0.1), ("Slow", 0.01), ("Fast", 0.2))}
    frames = gdsim.frames(build_scene(gdsim.simulate(bowl, one, start=[1, 1], steps=5)))
    texts, quiet = frames.canvas.figure.findobj(Text), frames.canvas.theme.quiet
    settings = {text.get_text() for text in texts if text.get_color() == quiet}
    assert {"SGD", "lr 0.1", "lr 0.01", "lr 0.2"} <= settings
    # Equal counts of starts are not settings.
    swarm = Path(__file__).parents[1] / "configs/starts_swarm.yaml"
    texts = gdsim.frames(gdsim.animate(gdsim.load(swarm)).scene).canvas.figure.findobj(Text)
    assert "all" not in [text.get_text() for text in texts]
    # Two entries, and what only some share, are complete.
    frames = gdsim.frames(build_scene(gdsim.simulate(bowl, dict(list(given.items())[:2]), start=[1, 1], steps=5)))
    words = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert "all" not in words
    assert sum("Adam · lr 0.2" in each for each in words) == 2
