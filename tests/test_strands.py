"""Paths that run side by side, and heads that fan out where they coincide."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import gdsim
from gdsim.config import View
from gdsim.render.painter import only
from gdsim.render.strands import fan, fanned, side_by_side
from gdsim.render.trail import Trail, TrailStyle

STYLE = TrailStyle("#0072b2", "#ffffff", 1.0, 3.0, (), "o", 16.0)
BOUNDS = np.array([[0.0, 500.0], [0.0, 500.0]])
CLOSE = 4.0  # the distance of two strands: a width and a casing


def trail(points, index=0, count=1) -> Trail:
    points = np.array(points, np.float64).reshape(-1, 1, 2)
    return Trail(index, STYLE, np.arange(len(points), dtype=float), points, fan=fan(index, count, STYLE.head_size))


@pytest.mark.parametrize("count", range(2, 11))
def test_heads_in_one_place_are_all_seen_and_around_it(count):
    trails = [trail([[100, 100], [100, 100]], i, count) for i in range(count)]
    places = np.concatenate(fanned(trails, 0.5))
    np.testing.assert_allclose(places.mean(0), [100, 100], atol=1e-9)
    apart = np.linalg.norm(places[:, None] - places, axis=-1) + 1e3 * np.eye(count)
    assert apart.min() >= min(0.8, 2 * np.sin(np.pi / count)) * STYLE.head_size
    assert np.linalg.norm(places - [100, 100], axis=-1).max() <= 1.4 * STYLE.head_size + 1e-9


@given(st.floats(0, 1), st.floats(0, 0.05))
def test_heads_that_meet_move_aside_without_a_jump(time, later):
    trails = [trail([[100, 100], [200, 100]], 0, 2), trail([[200, 110], [100, 110]], 1, 2)]
    one, other = np.array(fanned(trails, time)), np.array(fanned(trails, min(time + later, 1)))
    # Each head moves 100 pixels per unit of time, and aside by at most its size while the distance shrinks by as much.
    assert np.linalg.norm(other - one, axis=-1).max() <= 100 * later * 2.2 + 1e-9


def test_heads_that_are_apart_or_alone_are_where_the_path_is():
    apart = [trail([[100, 100], [200, 100]], 0, 2), trail([[100, 117], [200, 400]], 1, 2)]
    np.testing.assert_array_equal(fanned(apart, 0.0), [each.at(0.0) for each in apart])
    same = [replace(each, fan=(0.0, 0.0)) for each in (apart[0], apart[0])]
    np.testing.assert_array_equal(fanned(same, 0.0), [each.at(0.0) for each in same])


@pytest.mark.parametrize("angle", np.linspace(0, np.pi, 7))
def test_equal_paths_are_side_by_side(angle):
    way = np.array([np.cos(angle), np.sin(angle)])
    points = 250 + np.linspace(-200, 200, 41)[:, None] * way
    first, *others = side_by_side([trail(points), trail(points[::-1]), trail(points[::2])], BOUNDS)
    np.testing.assert_array_equal(first.points[:, 0], points)
    sides = []
    for each in others:
        moved = (each.points[3:-3, 0] - 250) @ [-way[1], way[0]]
        np.testing.assert_allclose(np.abs(moved), CLOSE, atol=1e-6)
        sides.append(np.sign(moved[0]))
    assert sides[0] == -sides[1]


def test_paths_that_cross_or_are_apart_stay_where_they_are():
    line = np.stack([np.linspace(50, 450, 41), np.full(41, 250.0)], -1)
    trails = [trail(line), trail(line[:, ::-1]), trail(line + np.array([0.0, 9.0]))]
    for before, after in zip(trails, side_by_side(trails, BOUNDS), strict=True):
        np.testing.assert_allclose(after.points, before.points, atol=0.5)


def test_a_path_that_joins_another_moves_aside_smoothly():
    line = np.stack([np.linspace(50, 450, 201), np.full(201, 250.0)], -1)
    joins = line.copy()
    joins[:100, 1] += np.linspace(150, 0, 100)
    _, after = side_by_side([trail(line), trail(joins)], BOUNDS)
    moved = np.linalg.norm(after.points[:, 0] - joins, axis=-1)
    assert moved[:80].max() < 1e-9
    np.testing.assert_allclose(moved[120:], CLOSE, atol=1e-6)
    assert np.abs(np.diff(moved)).max() < 0.5


def test_gaps_and_paths_outside_the_view_are_no_trouble():
    points = np.stack([np.linspace(-1e7, 1e7, 30), np.full(30, 250.0)], -1)
    points[10:12] = np.nan
    trails = side_by_side([trail(points), trail(points), trail(points[:1]), trail(points + 1e6)], BOUNDS)
    assert [np.isnan(each.points).sum() for each in trails] == [4, 4, 0, 4]


def paths_of(count, kind):
    """The trails of almost the same path, of several optimizers from one start."""
    settings = {f"SGD {i}": {"class": "SGD", "lr": 0.001 + 1e-6 * i} for i in range(count)}
    trajectories = gdsim.simulate("himmelblau", settings, start=[-0.5, 4.2], steps=30)
    frames = gdsim.frames(gdsim.build_scene(trajectories, view=View(kind=kind, panels=[])))
    return [each for each in only(frames.layers[0].primitives, Trail) if each.path is not None]


def test_ten_heads_at_a_common_start_fan_out():
    trails = paths_of(10, "contour")
    heads = np.concatenate(fanned(trails, 0.0))
    apart = np.linalg.norm(heads[:, None] - heads, axis=-1) + 1e3 * np.eye(10)
    assert apart.min() > 0.8 * trails[0].style.head_size


def test_paths_on_a_surface_run_side_by_side():
    one, other = paths_of(2, "surface")
    middle = one.points[len(one.points) // 2, 0]
    assert np.linalg.norm(middle - other.points[:, 0], axis=-1).min() > 0.7 * one.style.width
