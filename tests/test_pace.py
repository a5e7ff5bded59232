"""The clock of an animation: what each frame shows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import gdsim
from gdsim.config import Animation, View
from gdsim.scene.build import build_scene

CONFIGS = Path(__file__).parent.parent / "configs"
HIMMELBLAU = gdsim.objective("himmelblau")
SIDE = 600
"""The side of a view in pixels."""


def scene(paths, view=None, **animation):
    return build_scene(paths, view=view, animation=Animation(**animation))


def race():
    settings = {"SGD": {"lr": 0.01}, "Momentum": {"class": "SGD", "lr": 0.01, "momentum": 0.9}, "Adam": {"lr": 0.3}}
    return gdsim.simulate(HIMMELBLAU, settings, start=[-0.5, 4.2], steps=150)


def jumps(trajectories, frame_steps):
    """Return the longest move of any head from each frame to the next, in pixels, by plain interpolation."""
    low, high = trajectories[0].objective.bounds.T
    longest = np.zeros(len(frame_steps) - 1)
    for each in trajectories:
        pixels = SIDE * (each.points[:, 0] - low) / (high - low)
        heads = np.stack([np.interp(frame_steps, np.arange(len(pixels)), side) for side in pixels.T], -1)
        longest = np.maximum(longest, np.linalg.norm(np.diff(heads, axis=0), axis=-1))
    return longest


def test_no_head_jumps_and_none_waits_for_the_end():
    paths = race()
    even, distance = (jumps(paths, scene(paths, seconds=8, pace=pace).frame_steps) for pace in ("even", "distance"))
    assert even.max() > 60
    assert (even < 1).mean() > 0.4
    assert distance.max() < 20
    assert (distance[np.flatnonzero(distance)[0] :] < 1).mean() < 0.1


def test_the_first_frame_stands_for_a_moment():
    steps = scene(race(), seconds=8, fps=25).frame_steps
    assert 0.6 <= np.count_nonzero(steps == 0) / 25 <= 0.8
    short = scene(race(), seconds=1, fps=10).frame_steps
    assert np.count_nonzero(short == 0) <= 2


def test_few_steps_slow_down_at_each_iterate_and_never_stop():
    paths = [gdsim.descend(HIMMELBLAU, "SGD", start=[-0.5, 4.2], steps=8, lr=0.01)]
    steps = scene(paths, seconds=4, fps=25).frame_steps
    moves = jumps(paths, np.arange(9))
    for iterate in np.flatnonzero(moves > 20):
        assert np.count_nonzero(abs(steps - iterate) < 0.06) >= 2
        share = steps[(steps >= iterate) & (steps <= iterate + 1)] - iterate
        speeds = np.diff(share)
        assert speeds[len(speeds) // 2] > 2 * max(speeds[0], speeds[-1])
    assert (jumps(paths, steps)[steps[:-1] > 0] < 1).mean() < 0.1


@pytest.mark.parametrize(
    "name",
    [
        "function_cubic",
        "function_parabola",
        "view_own_theme",
        "compare_side_by_side",
        "quickstart",
        "momentum_ravine",
        "rate_divergence",
    ],
)
def test_heads_of_shipped_configs_neither_jump_nor_stand_still(name):
    experiment = gdsim.config.load(CONFIGS / f"{name}.yaml")
    animated = gdsim.animate(experiment).scene
    layers = [layer for layer in gdsim.frames(animated).layers if layer.facet is not None]
    trails = [(each, layer) for layer in layers for each in layer.primitives if getattr(each, "path", None) is not None]
    heads = np.array(
        [
            np.concatenate([np.clip(trail.at(step), *layer.viewport.bounds.T) for trail, layer in trails])
            for step in animated.frame_steps
        ]
    )
    moves = np.linalg.norm(np.diff(heads, axis=0), axis=-1).max(1)
    assert moves.max() <= 40
    assert (moves[animated.frame_steps[1:] > 0] < 1).mean() <= 0.1


def test_many_steps_do_not_rest():
    paths = [gdsim.descend(HIMMELBLAU, "SGD", start=[-0.5, 4.2], steps=400, lr=1e-3)]
    steps = scene(paths, seconds=4, fps=25).frame_steps
    assert (np.diff(steps[steps > 0]) > 0).all()


def test_a_path_that_never_moves_gets_an_even_pace():
    still = [gdsim.descend(HIMMELBLAU, "SGD", start=[3, 2], steps=10, lr=0.01)]
    np.testing.assert_array_equal(scene(still, fps=10, seconds=2).frame_steps, np.arange(20) * 10 / 19)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    st.integers(0, 60),
    st.floats(1e-4, 0.3),
    st.integers(1, 3),
    st.floats(0.2, 6),
    st.integers(5, 50),
    st.integers(0, 99),
)
def test_frames_never_go_back_and_end_at_the_last_step(steps, lr, starts, seconds, fps, seed):
    start = np.random.default_rng(seed).uniform(-5, 5, (starts, 2))
    path = gdsim.descend(HIMMELBLAU, "SGD", start=start, steps=steps, lr=lr)
    shown = scene([path], view=View(panels=[], arrows="none"), seconds=seconds, fps=fps).frame_steps
    assert len(shown) == max(2, round(fps * seconds))
    assert shown[0] == 0
    assert shown[-1] == steps
    assert (np.diff(shown) >= 0).all()
