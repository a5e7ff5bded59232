"""The shipped configs: each runs, names its schema, and is worth its words."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

import gdsim
from gdsim.simulation import Stop

CONFIGS = sorted((Path(__file__).parent.parent / "configs").glob("*.yaml"))

SMALL = ["view.size=[480, 270]", "animation.seconds=1", "animation.fps=8"]


def load(name: str, **options) -> gdsim.Experiment:
    return gdsim.load(
        next(path for path in CONFIGS if path.stem == name), allow_code=name == "function_imported", **options
    )


def few_cells(path: Path) -> list[str]:
    """Return an override with which the sweep of a config has few cells; none if it has no sweep."""
    experiment = load(path.stem)
    if experiment.sweep is None:
        return []
    side = 6 if experiment.objectives[0].to_train() else 16
    return ["sweep.points=9" if experiment.sweep.y is None else f"sweep.size=[{side}, {side}]"]


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_names_its_schema_first(path):
    assert path.read_text().startswith("# yaml-language-server: $schema=gdsim.schema.json\n# ")


@pytest.mark.slow
@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_draws_a_gif_and_an_mp4(path, tmp_path):
    # Of a network's plane a few examples show as well whether it draws.
    trains = any(spec.to_train() for spec in load(path.stem).objectives)
    few = ["view.examples=30", "steps=20"] if trains else []
    experiment = load(path.stem, overrides=[*SMALL, *few, *few_cells(path)])
    scene = gdsim.animate(experiment).scene
    frames = gdsim.frames(scene)
    texts = [text for text in frames.canvas.figure.findobj(Text) if text.get_text().strip()]
    assert len({round(text.get_fontsize(), 3) for text in texts}) <= 3
    for suffix in ("gif", "mp4"):
        written = gdsim.write(frames, tmp_path / f"a.{suffix}", fps=scene.fps, hold=scene.hold)
        # Where the camera turns, every pixel changes.
        assert 5_000 < written.stat().st_size < (2_000_000 if path.stem == "view_orbit" else 1_000_000)
    with Image.open(tmp_path / "a.gif") as gif:
        first = np.asarray(gif.convert("RGB"))
        gif.seek(gif.n_frames - 1)
        assert (np.asarray(gif.convert("RGB")) != first).any(-1).sum() > 200


def test_what_their_comments_say_is_so():
    def last(name: str, label: str) -> float:
        return float(next(each for each in gdsim.simulate(load(name)) if each.label == label).values[-1, 0])

    assert last("momentum_ravine", "Momentum") < 1e-6 < last("momentum_ravine", "SGD")
    assert last("momentum_ravine", "Nesterov") < 1e-6
    assert last("compare_rosenbrock", "LBFGS") < 1e-6 < last("compare_rosenbrock", "Adam")
    assert last("momentum_double_well", "Momentum") < 0 < last("momentum_double_well", "SGD")
    assert last("starts_ackley", "SGD") > 5 > 1 > last("starts_ackley", "Adam")
    assert last("rate_divergence", "Right") < 1e-5 < 1 < last("rate_divergence", "Too small")
    stops = {each.label: each.stops for each in gdsim.simulate(load("rate_divergence"))}
    assert stops["Too large"] == (Stop.DIVERGED,)
    assert stops["Right"] != (Stop.DIVERGED,)
    assert last("momentum_saddle_escape", "Adagrad") < -4


def test_what_the_comments_of_networks_say_is_so():
    few = ["steps=20", "view.examples=20"]
    sigmoid, residual = (each.training for each in gdsim.simulate(load("network_vanishing", overrides=few)))
    ratios = sigmoid.layer_gradients[:, :-1] / sigmoid.layer_gradients[:, 1:]
    assert 0.05 < np.median(ratios) < 0.25
    assert np.median(sigmoid.layer_gradients[:, 0] / sigmoid.layer_gradients[:, -1]) < 3e-6
    assert np.median(residual.layer_gradients[:, 0] / residual.layer_gradients[:, -1]) > 0.3
    sgd, adam = gdsim.simulate(load("network_spirals", overrides=["view.examples=20"]))
    assert adam.values[-1, 0] < 0.1 < 0.4 < sgd.values[-1, 0]
    ends = {each.label: each.values[-1, 0] for each in gdsim.simulate(load("network_dream"))}
    assert ends["AdamW"] < ends["SGD"] < -5


def test_plain_sgd_goes_straight_against_the_gradient_and_momentum_strays():
    experiment = load("momentum_angle")
    (group,) = gdsim.build_scene(gdsim.simulate(experiment), view=experiment.view).groups
    straight, astray = (curve.points[:-1, 0, 1] for curve in group.panels[0].curves)
    assert straight.max() < 1e-5
    assert astray[0] < 1e-5
    assert astray.max() > 90


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_it_leaves_little_of_the_page_empty(path):
    """A pixel is empty if it is more than an em from the axes with their labels, from texts, and from symbols."""
    experiment = load(path.stem, overrides=["steps=20", *few_cells(path)])
    if any(spec.to_train() for spec in experiment.objectives):
        pytest.skip("training takes too long; the layout is that of functions")
    scene = gdsim.animate(experiment).scene
    canvas = gdsim.frames(scene).canvas
    figure, renderer, em, (width, height) = canvas.figure, canvas.agg.get_renderer(), canvas.em, scene.size
    others = [each for each in figure.get_children() if each is not figure.patch and each not in figure.axes]
    found = [axes.get_tightbbox(renderer) for axes in figure.axes]
    found += [each.get_window_extent(renderer) for each in others]
    empty = np.ones((height, width), np.bool_)
    for box in found:
        if box.width and box.height and np.isfinite(box.extents).all():
            left, low, right, top = (max(round(side), 0) for side in (box.padded(em).extents))
            empty[low:top, left:right] = False
    assert empty.mean() <= 0.25, f"{100 * empty.mean():.1f} %"
