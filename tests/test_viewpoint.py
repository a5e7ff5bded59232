"""The camera that is chosen for a surface, held to rays through the function itself."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

import gdsim
from gdsim.config import Camera
from gdsim.render.display_list import DropLines
from gdsim.render.painter import only
from gdsim.scene.camera import GAP
from gdsim.scene.viewpoint import choose_camera

ORBIT = (Path(__file__).parents[1] / "configs/view_orbit.yaml").read_text(encoding="utf-8")
FAST = "optimizers:\n  SGD: {lr: 0.5}\n  Adam: {lr: 0.1}\nview: {kind: surface}\n"
SURFACES = {
    "easom": f"objective: easom\nstart: [2.1, 2.3]\nsteps: 200\n{FAST}",
    "plateau": f"objective: plateau\nsteps: 300\n{FAST}",
    "eggholder": f"objective: eggholder\nstart: [100, 100]\nsteps: 200\n{FAST.replace('0.1', '5')}",
    "orbit": ORBIT,
    "turning": f"objective: easom\nstart: [2.1, 2.3]\nsteps: 200\n{FAST[:-2]}, camera: {{orbit: -40}}}}",
}
BOUNDS = np.array([[-1.0, 1.0], [-1.0, 1.0]])


def seen(function, facet, points, azimuth, steps=400):
    """Which points, (n, 3), no part of the function is in front of."""
    return ~(clearance(function, facet, points, azimuth, steps) < -0.01).any(0)


def clearance(function, facet, points, azimuth, steps=400):
    """How far rays from points, (n, 3), to the camera are above the function, (steps, n); NaN where they are not."""
    model, camera = facet.model, facet.model.camera
    order = np.argsort(model.values, axis=None)
    world = camera.place(points[:, :2], points[:, 2])
    top = camera.place(points[:, :2], np.ones(len(points)))[:, 2]
    ahead = camera.eye(azimuth) - world
    # From just above the point to where the ray is above everything.
    share = (top - world[:, 2] + 0.01) / ahead[:, 2]
    along = np.linspace(0, 1, steps)[1:, None] * share
    spots = world + along[..., None] * ahead
    half, middle = np.diff(camera.bounds)[:, 0] / 2, camera.bounds.mean(1)
    inputs = spots[..., :2] / camera.sides * half + middle
    heights = np.interp(function.values(inputs), model.values.ravel()[order], model.heights.ravel()[order])
    surface = camera.place(inputs, heights)[..., 2]
    within = (np.abs(spots[..., :2]) <= camera.sides).all(-1)
    far = along * np.linalg.norm(ahead, axis=-1) > 0.03
    return np.where(within & far, spots[..., 2] - surface, np.nan)


@pytest.mark.parametrize("name", SURFACES)
def test_most_of_each_path_is_seen_in_the_poster_and_each_minimum_at_some_time(name):
    experiment = gdsim.loads(SURFACES[name])
    trajectories = gdsim.simulate(experiment)
    (facet,) = gdsim.build_scene(trajectories, view=experiment.view, animation=experiment.animation).facets
    function, camera = trajectories[0].objective, facet.model.camera
    for path in facet.paths:
        points = path.points[path.times <= path.ends[0], 0]
        world = camera.place(points[:, :2], points[:, 2])
        lengths = np.linalg.norm(np.diff(world, axis=0), axis=-1)
        clear = seen(function, facet, points, camera.azimuth_at(1.0))
        assert lengths @ (clear[1:] & clear[:-1]) >= 0.8 * lengths.sum()
    times = [seen(function, facet, facet.minima, camera.azimuth_at(share)) for share in np.linspace(0, 1, 9)]
    assert np.any(times, axis=0).all()


def test_most_of_each_path_on_the_plane_is_seen_in_the_poster_of_orbit():
    experiment = gdsim.loads(ORBIT)
    trajectories = gdsim.simulate(experiment)
    (facet,) = gdsim.build_scene(trajectories, view=experiment.view, animation=experiment.animation).facets
    camera = facet.model.camera
    for path in facet.paths:
        points = path.points[:, 0].copy()
        # The height at which the surface would touch the plane.
        points[:, 2] = -GAP / camera.relief
        above = clearance(trajectories[0].objective, facet, points, camera.azimuth_at(1.0))
        hidden = (above < -0.01).any(0) & (above > 0.01).any(0)
        lengths = np.linalg.norm(np.diff(points[:, :2], axis=0), axis=-1)
        assert lengths @ ~(hidden[1:] | hidden[:-1]) >= 0.8 * lengths.sum()


def test_a_path_behind_a_ridge_is_seen_from_its_own_side():
    y = np.meshgrid(np.linspace(-1, 1, 61), np.linspace(-1, 1, 61))[1]
    ridge = np.exp(-(((y + 0.3) / 0.15) ** 2))
    foot = np.exp(-((0.3 / 0.15) ** 2))
    behind, before = (
        np.stack([np.linspace(-0.8, 0.8, 40), np.full(40, at), np.full(40, foot)], -1) for at in (0, -0.6)
    )
    low = Camera(elevation=15)
    azimuths = [choose_camera(low, BOUNDS, ridge, [path], np.empty((0, 3))).azimuth for path in (behind, before)]
    assert np.sin(np.deg2rad(azimuths[0])) > 0 > np.sin(np.deg2rad(azimuths[1]))


@pytest.mark.parametrize("given", [{"azimuth": 120.0}, {"elevation": 12.0}, {"azimuth": 0.0, "elevation": 90.0}])
def test_angles_that_the_user_gives_are_kept(given):
    rng = np.random.default_rng(0)
    heights, path = rng.uniform(size=(61, 61)), rng.uniform(-1, 1, (20, 3))
    camera = choose_camera(Camera(**given), BOUNDS, heights, [path], path[:3])
    assert {key: getattr(camera, key) for key in given} == given


@pytest.mark.parametrize("heights", [np.zeros((61, 61)), np.full((61, 61), np.nan)])
@pytest.mark.parametrize("paths", [[], [np.full((5, 3), np.nan)], [np.zeros((1, 3))]])
def test_a_camera_is_chosen_whatever_there_is_to_see(heights, paths):
    camera = choose_camera(Camera(), BOUNDS, heights, paths, np.empty((0, 3)))
    assert (camera.elevation, camera.azimuth) in [(33.0, -60.0), (33.0, -45.0)]


def test_a_rugged_surface_has_less_relief_than_a_smooth_one():
    x, y = np.meshgrid(np.linspace(-1, 1, 61), np.linspace(-1, 1, 61))
    waves = [0.5 + 0.5 * np.sin(k * x) * np.cos(k * y) for k in (1, 12)]
    smooth, rugged = (choose_camera(Camera(), BOUNDS, heights, [], np.empty((0, 3))) for heights in waves)
    assert rugged.relief < 0.6 * smooth.relief


def test_the_choice_is_cheap():
    heights = np.random.default_rng(0).uniform(size=(121, 121))
    paths = [np.random.default_rng(i).uniform(-1, 1, (2000, 3)) for i in range(4)]
    begin = time.process_time()
    choose_camera(Camera(orbit=90), BOUNDS, heights, paths, np.empty((0, 3)))
    assert time.process_time() - begin < 0.6


def test_a_head_stands_above_its_foot_with_a_shadow_under_it():
    frames = gdsim.frames(gdsim.animate(gdsim.loads(ORBIT)).scene)
    for index in (60, 120):
        moment = frames.moment(index)
        (layer,) = (layer for layer in frames.layers if layer.facet)
        primitives = layer.at(moment)
        drops = only(primitives, DropLines)
        assert len(drops) == 2
        for each in drops:
            (head,), (foot,) = each.trail.at(moment.time), each.foot.at(moment.time)
            assert abs(head[0] - foot[0]) < 0.1 * abs(head[1] - foot[1])
            assert each.shadow > each.trail.style.head_size
