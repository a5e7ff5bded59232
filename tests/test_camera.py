"""The space of a surface and its camera, held to plain geometry."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gdsim.scene.camera import SurfaceCamera as Space
from gdsim.scene.camera import moving_share

SQUARE = np.array([[-5.0, 5.0], [-5.0, 5.0]])
FLAT = np.full((31, 31), 0.5)


def space(view=SQUARE, elevation=30.0, azimuth=-60.0, orbit=0.0) -> Space:
    return Space(np.array(view, float), elevation, azimuth, orbit)


def hills(n=41):
    x, y = np.meshgrid(np.linspace(-5, 5, n), np.linspace(-5, 5, n))
    return (np.sin(np.sqrt((0.75 * x) ** 2 + y**2 + 0.01)) + 1) / 2


def on(there: Space, heights, spots):
    """Places on the surface over grid points, (rows, columns) in grid units."""
    rows, columns = heights.shape
    (left, right), (bottom, top) = there.bounds
    x = left + spots[:, 1] / (columns - 1) * (right - left)
    y = bottom + spots[:, 0] / (rows - 1) * (top - bottom)
    return there.place(np.stack([x, y], -1), heights[spots[:, 0], spots[:, 1]])


def cut(there: Space, heights, world, azimuth):
    """Whether the line from each place to the camera meets one of the triangles of the surface, by ray casting."""
    rows, columns = heights.shape
    spots = np.stack(np.meshgrid(np.linspace(*there.bounds[0], columns), np.linspace(*there.bounds[1], rows)), -1)
    grid = there.place(spots, heights)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    corners = np.concatenate([np.stack(t, -2).reshape(-1, 3, 3) for t in ((a, b, d), (a, d, c))])
    base, one, other = corners[:, 0], corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    found = np.zeros(len(world), bool)
    for i, place in enumerate(world):
        ray = there.eye(azimuth) - place
        across = np.cross(ray, other)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / np.sum(one * across, -1)
            u = np.sum((place - base) * across, -1) * inverse
            back = np.cross(place - base, one)
            v = back @ ray * inverse
            t = np.sum(other * back, -1) * inverse
        found[i] = ((u >= 0) & (v >= 0) & (u + v <= 1) & (t * np.linalg.norm(ray) > 0.03)).any()
    return found


@pytest.mark.parametrize(
    ("view", "sides"),
    [
        ([[-5, 5], [0, 10]], [1, 1]),
        ([[-2, 2], [-1, 1]], [1, 0.5]),
        ([[0, 1], [0, 2.5]], [0.4, 1]),
        ([[0, 1], [0, 2.6]], [1, 1]),
        ([[0, 1000], [0, 1]], [1, 1]),
    ],
)
def test_the_plane_keeps_the_shape_of_the_view_unless_it_is_a_strip(view, sides):
    there = space(view)
    np.testing.assert_allclose(there.sides, sides)
    corners = there.place(np.array(view, float).T)
    np.testing.assert_allclose(corners, [[-sides[0], -sides[1], 0], [sides[0], sides[1], 0]])


def test_heights_stand_straight_above_their_place_and_clear_of_the_plane():
    spot = np.array([1.0, -2.0])
    low, middle, high = space().place(np.tile(spot, (3, 1)), np.array([0.0, 0.5, 1.0]))
    np.testing.assert_allclose(low[:2], [0.2, -0.4])
    np.testing.assert_allclose(high[:2], [0.2, -0.4])
    np.testing.assert_allclose(middle, (low + high) / 2)
    assert 0 < low[2] < high[2]


def test_from_straight_above_the_picture_is_a_map():
    there = space(elevation=90.0, azimuth=-90.0)
    east, north = there.project(there.place(np.array([[5.0, 0.0], [0.0, 5.0]])), -90.0)
    assert east[0] > 0
    assert north[1] > 0
    np.testing.assert_allclose([east[1], north[0]], 0, atol=1e-12)


@given(st.floats(1, 90), st.floats(-360, 360), st.floats(0.01, 0.9))
def test_what_lies_on_one_line_of_sight_is_seen_at_one_place(elevation, azimuth, share):
    there = space(elevation=elevation)
    world = there.place(np.array([[-5.0, -5.0], [5.0, 1.0], [0.0, 0.0]]), np.array([0.0, 1.0, 0.3]))
    nearer = world + share * (there.eye(azimuth) - world)
    np.testing.assert_allclose(there.project(nearer, azimuth), there.project(world, azimuth), atol=1e-9)


@given(st.floats(1, 89), st.floats(-360, 360))
def test_near_things_look_larger_and_up_is_up(elevation, azimuth):
    there = space(elevation=elevation)
    turn = np.deg2rad(azimuth)
    towards, across = np.array([np.cos(turn), np.sin(turn), 0.0]), np.array([-np.sin(turn), np.cos(turn), 0.0])
    near, far = (
        np.ptp(there.project(np.stack([side * towards - across, side * towards + across]), azimuth)[:, 0])
        for side in (1, -1)
    )
    assert near > far > 0.7 * near
    foot, top = there.project(np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), azimuth)
    assert top[1] > foot[1]


@pytest.mark.parametrize("orbit", [30.0, -45.0, 90.0, -360.0])
def test_the_camera_starts_and_stops_gently_and_turns_little_while_paths_move(orbit):
    there, shares = space(azimuth=10.0, orbit=orbit), np.linspace(0, 1, 201)
    turned = np.array([there.azimuth_at(share) for share in shares]) - 10
    assert (turned[0], turned[-1]) == (0, pytest.approx(orbit))
    speed = np.diff(turned) * np.sign(orbit)
    assert (speed >= 0).all()
    assert max(speed[0], speed[-1]) < 0.1 * speed.max()
    moving = moving_share(orbit)
    assert abs(turned[shares <= moving]).max() <= 45 + 1e-9
    assert moving == 1 or abs(orbit) > 45


@pytest.mark.parametrize("orbit", [0.0, 90.0, -360.0])
def test_the_extent_holds_all_that_is_seen_and_no_more(orbit):
    there, heights = space(orbit=orbit), hills()
    extent = there.extent(heights)
    rows, columns = np.indices(heights.shape).reshape(2, -1)
    world = np.concatenate([on(there, heights, np.stack([rows, columns], -1)), there.place(SQUARE.T)])
    seen = np.stack([there.project(world, there.azimuth_at(share)) for share in np.linspace(0, 1, 91)])
    assert (seen.min((0, 1)) >= extent[:, 0] - 1e-3).all()
    assert (seen.max((0, 1)) <= extent[:, 1] + 1e-3).all()
    np.testing.assert_allclose(seen.max((0, 1)), extent[:, 1], atol=0.02)


@pytest.mark.parametrize("elevation", [8.0, 30.0, 60.0])
@pytest.mark.parametrize("azimuth", [-60.0, 0.0, 100.0, 215.0])
def test_the_surface_hides_what_a_ray_from_the_camera_does_not_reach(elevation, azimuth):
    there, heights = space(elevation=elevation), hills()
    rng = np.random.default_rng(0)
    surface = on(there, heights, rng.integers(0, 41, (150, 2)))
    floor = there.place(rng.uniform(-5, 5, (100, 2)))
    for world in (surface, floor):
        expected, hidden = cut(there, heights, world, azimuth), there.hidden(heights, world, azimuth)
        assert not (hidden & ~expected).any()
        # What is left are places whose line of sight no more than brushes the surface.
        deep = expected & cut(there, heights, world + np.array([0, 0, 0.02]), azimuth)
        assert (deep & ~hidden).sum() <= 2


def test_a_ridge_hides_what_stands_behind_it():
    heights = np.zeros((41, 41))
    heights[20] = 1.0
    there = space(elevation=20.0, azimuth=-90.0)
    front, crest, back = (
        there.place(np.array([0.0, y]), np.array(h)) for y, h in ((-3.0, 0.0), (0.0, 1.0), (2.0, 0.0))
    )
    assert there.hidden(heights, np.stack([front, crest, back]), -90.0).tolist() == [False, False, True]
    assert there.hidden(heights, np.stack([front, crest, back]), 90.0).tolist() == [True, False, False]


@settings(max_examples=30)
@given(st.integers(0, 2**31), st.floats(0, 360))
def test_from_straight_above_a_surface_shows_all_of_itself_and_hides_the_plane(seed, azimuth):
    rng = np.random.default_rng(seed)
    heights = (
        0.5
        + 0.2 * np.sin(rng.uniform(1, 3) * np.arange(31) / 5) * np.cos(rng.uniform(1, 3) * np.arange(31) / 5)[:, None]
    )
    there = space(elevation=90.0)
    assert not there.hidden(heights, on(there, heights, rng.integers(0, 31, (200, 2))), azimuth).any()
    assert there.hidden(heights, there.place(rng.uniform(-4.5, 4.5, (200, 2))), azimuth).all()


@given(st.floats(5, 90), st.floats(-360, 360))
def test_an_even_surface_does_not_hide_itself(elevation, azimuth):
    there = space(elevation=elevation)
    rows, columns = np.indices(FLAT.shape).reshape(2, -1)
    assert not there.hidden(FLAT, on(there, FLAT, np.stack([rows, columns], -1)), azimuth).any()


def test_where_there_is_no_surface_nothing_is_hidden():
    there = space(elevation=90.0)
    floor = there.place(np.random.default_rng(1).uniform(-4, 4, (300, 2)))
    assert not there.hidden(np.full((31, 31), np.nan), floor, 0.0).any()
    holed = FLAT.copy()
    holed[:, 15:] = np.nan
    hidden = there.hidden(holed, floor, 0.0)
    assert hidden[floor[:, 0] < -0.15].all()
    assert not hidden[floor[:, 0] > 0.0].any()


def test_a_line_of_sight_may_pass_a_hole_between_two_parts_of_a_surface():
    heights = np.zeros((41, 41))
    heights[20:] = 1.0
    heights[19:21] = np.nan
    there = space(elevation=20.0, azimuth=90.0)
    # Under the upper part on the far side of the hole, and seen through it.
    place = there.place(np.array([[0.0, -0.1]]), np.array([0.45]))
    assert not there.hidden(heights, place - np.array([0, 0.02, 0]), -90.0).any()


def test_places_keep_their_shape_and_those_without_a_height_are_not_hidden():
    there, heights = space(), hills()
    world = np.full((4, 3, 3), np.nan)
    world[0] = there.place(np.zeros((3, 2)))
    hidden = there.hidden(heights, world, -60.0)
    assert hidden.shape == (4, 3)
    assert not hidden[1:].any()
    assert there.hidden(heights, np.empty((0, 3)), -60.0).shape == (0,)
