"""The picture of a surface, held by its pixels to geometry of its own."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.path import Path

from gdsim.render.canvas import Canvas
from gdsim.render.display_list import START, Moment
from gdsim.render.layout import Box, Layout
from gdsim.render.views import view_renderer
from gdsim.scene.camera import SurfaceCamera
from gdsim.scene.levels import choose_levels
from gdsim.scene.model import Arrows, Facet, Scene
from gdsim.scene.views.surface import SurfaceModel
from gdsim.themes import THEMES

LIGHT = THEMES["light"]
RED_TO_BLUE = replace(LIGHT, field=("#ff0000", "#0000ff"))
BOX, EM = Box(20, 30, 400, 320), 11.0
NO_MINIMA = np.empty((0, 3))


def wave(x, y):
    return (np.sin(np.sqrt((0.75 * x) ** 2 + y**2 + 0.01)) + 1) / 2


def slope(x, y):
    return (x + 5) / 10 + 0 * y


def facet(
    heights=wave,
    values=None,
    view=((-5, 5), (-5, 5)),
    camera=(30.0, -60.0, 0.0),
    caption="f(x, y)",
    minima=NO_MINIMA,
    arrows=None,
    n=61,
) -> Facet:
    bounds = np.array(view, float)
    x, y = (np.linspace(low, high, n) for low, high in bounds)
    grid = np.meshgrid(x, y)
    up = heights(*grid)
    shown = up if values is None else values(*grid)
    relief = SurfaceModel(
        x=x,
        y=y,
        values=shown,
        heights=up,
        levels=choose_levels(shown, None, "f"),
        lines=np.linspace(0, 1, 12)[1:-1],
        ticks=np.array([0.0, 0.5, 1.0]),
        labels=("0", "0.5", "1"),
        caption=caption,
        camera=SurfaceCamera(bounds, *camera),
    )
    return Facet(None, bounds, ("x", "y"), relief, arrows, minima, ())


class Seen:
    """A surface in a box of a picture, asked by the camera's azimuth in degrees."""

    def __init__(self, shown=None, theme=LIGHT, box=BOX, em=EM, **given) -> None:
        self.facet = shown or facet(**given)
        words = {"title": "", "alt_text": ""}
        scene = Scene(**words, theme=theme, size=(int(box.right) + 20, int(box.top) + 20))
        self.canvas = Canvas(scene, Layout(em, box, None, (0, 0), (), None, None, ticks=True))
        self.viewport = view_renderer("surface").draw(self.canvas, self.facet, box, (True, True))

    def moment(self, azimuth: float) -> Moment:
        camera = self.facet.model.camera
        assert camera.orbit or azimuth == camera.azimuth
        if not camera.orbit:
            return Moment(0.0, 0.0)
        turn, parts = np.sign(camera.orbit), 2**20
        part = bisect_left(range(parts), turn * azimuth, key=lambda part: turn * camera.azimuth_at(part / parts))
        return Moment(0.0, part / parts)

    def pixels(self, points, azimuth):
        return self.viewport.pixels(points, self.moment(azimuth))

    def shadow(self, points, azimuth):
        return self.viewport.pixels(points[..., :2], self.moment(azimuth))

    def picture(self, azimuth, scale):
        return self.viewport.picture(self.moment(azimuth), scale)

    def words(self, azimuth) -> list[tuple[str, np.ndarray]]:
        """The text at the axes, and what each covers: left, bottom, right and top in pixels."""
        texts, renderer = self.viewport.labels(self.moment(azimuth), loose=True), self.canvas.agg.get_renderer()
        return [(text.get_text(), text.get_window_extent(renderer).extents) for text in texts]


def pixel(picture, spots, scale=1):
    """The pixels of a picture at places of the page, (n, 2)."""
    column = ((spots[:, 0] - BOX.x) * scale).astype(int)
    row = ((BOX.top - spots[:, 1]) * scale).astype(int)
    return picture[row, column, :3].astype(float)


def hexed(color):
    return np.array([round(255 * part) for part in to_rgb(color)])


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_a_picture_covers_its_box(scale):
    picture = Seen().picture(-60.0, scale)
    assert picture.shape == (320 * scale, 400 * scale, 4)
    assert picture.dtype == np.uint8
    assert (picture[..., 3] == 255).all()
    assert (picture[0, 0, :3] == hexed(LIGHT.page)).all()


def test_pictures_are_the_same_again_and_stay_what_they_were():
    view = Seen(camera=(30.0, -60.0, 360.0))
    first = view.picture(-60.0, 1)
    kept = first.copy()
    assert (view.picture(10.0, 1) != first).any()
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(view.picture(-60.0, 1), kept)


@pytest.mark.parametrize("azimuth", [-90.0, -60.0, -2.0, 40.0, 90.0, 133.0, 180.0, 260.0])
@pytest.mark.parametrize("elevation", [15.0, 30.0, 70.0, 90.0])
def test_what_is_near_covers_what_is_far(azimuth, elevation):
    # Steep and unlike in its parts, so that a wrong order shows.
    def hills(x, y):
        return 0.5 + 0.5 * np.sin(1.3 * x) * np.cos(1.1 * y)

    shown = facet(hills, values=slope, camera=(elevation, azimuth, 0.0))
    view = Seen(shown, theme=RED_TO_BLUE)
    expected, rim = nearest_values(view, shown, hills, azimuth)
    picture = view.picture(azimuth, 1)[..., :3].astype(float)
    known = np.isfinite(expected) & ~rim
    measured = picture[..., 2] / np.maximum(picture[..., 0] + picture[..., 2], 1)
    assert known.sum() > 5000
    # The lines on the surface and its light change a colour a little; a part in the wrong place changes it a lot.
    assert np.mean(np.abs(measured - expected)[known] > 0.2) < 0.01


def nearest_values(view, shown, heights, azimuth, n=900):
    """What a fine mesh of points over a surface leaves on the pixels, the nearest on top; and where it is uncertain."""
    x, y = np.meshgrid(*(np.linspace(low, high, n) for low, high in shown.limits))
    place = np.stack([x, y, heights(x, y)], -1).reshape(-1, 3)
    spots = view.pixels(place, azimuth)
    camera = shown.model.camera
    distance = np.linalg.norm(camera.place(place[:, :2], place[:, 2]) - camera.eye(azimuth), axis=1)
    column, row = (spots[:, 0] - BOX.x).astype(int), (BOX.top - spots[:, 1]).astype(int)
    order = np.argsort(-distance)
    values = np.full((320, 400), np.nan)
    values[row[order], column[order]] = slope(place[order, 0], place[order, 1])
    neighbours = np.stack([np.roll(values, (i, j), (0, 1)) for i in (-1, 0, 1) for j in (-1, 0, 1)])
    with np.errstate(invalid="ignore"):
        rim = ~(np.ptp(neighbours, axis=0) < 0.1)
    return values, rim


def test_an_even_surface_has_one_colour_and_no_seams():
    view = Seen(heights=lambda x, _: 0.3 + 0 * x, values=lambda x, _: 0 * x, camera=(30.0, -60.0, 360.0))
    corners = np.array([[-5, -5, 0.3], [5, -5, 0.3], [5, 5, 0.3], [-5, 5, 0.3]], float)
    for azimuth in (-60.0, -33.0, 5.0):
        picture = view.picture(azimuth, 1)
        outline = Path(view.pixels(corners, azimuth))
        rows, columns = np.indices(picture.shape[:2])
        middles = np.stack([BOX.x + columns + 0.5, BOX.top - rows - 0.5], -1).reshape(-1, 2)
        inner = outline.contains_points(middles, radius=-3).reshape(rows.shape) | outline.contains_points(
            middles, radius=3
        ).reshape(rows.shape)
        inner &= outline.contains_points(middles).reshape(rows.shape)
        colors, counts = np.unique(picture[inner][:, :3], axis=0, return_counts=True)
        assert counts.max() > 0.55 * counts.sum()
        # Nowhere does the page or the plane shine through.
        assert (colors[:, 0] < 235).all()


def test_colours_stay_when_the_camera_turns():
    view = Seen(heights=slope, values=lambda x, _: 0 * x, camera=(50.0, 0.0, 360.0))
    middle = np.array([[0.0, 0.31, 0.5], [-2.0, 2.31, 0.3], [2.3, -2.1, 0.73]])
    shades = []
    for azimuth in (-60.0, 35.0, 170.0, 290.0):
        picture, spots = view.picture(azimuth, 1), view.pixels(middle, azimuth)
        # The brightest around a place is the surface between the lines upon it.
        around = [pixel(picture, spots + np.array([i, j])) for i in range(-3, 4) for j in range(-3, 4)]
        shades.append(np.max(around, axis=0))
    assert np.ptp(shades, axis=(0, 1)).max() <= 1


@pytest.mark.parametrize("name", THEMES)
def test_slopes_differ_by_their_light(name):
    def roof(x, y):
        return 1 - np.abs(x) / 5

    view = Seen(heights=roof, values=lambda x, _: 0 * x, theme=THEMES[name], camera=(70.0, -60.0, 0.0))
    lit, dark = pixel(view.picture(-60.0, 1), view.pixels(np.array([[-2.6, 0.2, 0.48], [2.6, 0.2, 0.48]]), -60.0))
    assert lit.mean() > 1.15 * dark.mean()


def test_a_surface_has_few_colours():
    view = Seen(box=Box(0, 0, 900, 700), em=16.0)
    colors, counts = np.unique(view.picture(-60.0, 1).reshape(-1, 4), axis=0, return_counts=True)
    assert counts[np.argsort(-counts)][:600].sum() > 0.75 * counts.sum()
    assert len(colors) < 20_000


def test_where_the_function_has_no_value_there_is_no_surface():
    def holed(x, y):
        return np.where(np.hypot(x, y) < 2.5, np.nan, 0.5)

    view = Seen(heights=holed, camera=(60.0, -60.0, 0.0))
    picture = view.picture(-60.0, 1)
    hole, whole = (np.array([[0.3, 0.4, 0.5]]), np.array([[3.9, -3.6, 0.5]]))
    assert pixel(picture, view.pixels(hole, -60.0)).min() > 230
    assert pixel(picture, view.pixels(whole, -60.0)).min() < 215
    nothing = Seen(heights=lambda x, _: np.nan * x, values=lambda x, _: np.nan * x)
    assert nothing.picture(-60.0, 1).shape == (320, 400, 4)
    assert {*dict(nothing.words(-60.0))} >= {"x", "y"}


def test_arrows_lie_in_the_plane_and_point_up_the_gradient():
    spots = np.array([[-3.0, -3.0], [3.0, -3.0]])
    arrows = Arrows(
        spots, np.array([[1.0, 0.0], [0.0, 0.0]]), np.array([1.0, 0.0]), np.array([2.0, 2.0]), "quiver", None
    )
    plain, drawn = Seen(values=lambda x, _: 0 * x), Seen(values=lambda x, _: 0 * x, arrows=arrows)
    changed = (plain.picture(-60.0, 1) != drawn.picture(-60.0, 1)).any(-1)
    rows, columns = np.nonzero(changed)
    middle = np.array([BOX.x + columns.mean(), BOX.top - rows.mean()])
    tail, tip = drawn.shadow(np.array([[-3.75, -3.0], [-2.25, -3.0]]), -60.0)
    np.testing.assert_allclose([BOX.x + columns.min(), BOX.x + columns.max()], [tail[0], tip[0]], atol=3)
    # Most of an arrow is its head.
    assert np.linalg.norm(middle - tip) < np.linalg.norm(middle - tail)


def test_minima_are_marked_in_the_plane_and_where_they_are_seen_on_the_surface():
    def ridge(x, y):
        return np.exp(-((y + 1) ** 2))

    minima = np.array([[-2.0, -4.0, 0.0], [2.0, 1.0, 0.0]])
    view = Seen(heights=ridge, camera=(20.0, -90.0, 0.0), minima=minima)
    picture = view.picture(-90.0, 1)
    assert view.viewport.hidden(minima, START).tolist() == [False, True]
    star = hexed(LIGHT.minimum)
    np.testing.assert_allclose(pixel(picture, view.pixels(minima, -90.0))[0], star, atol=3)
    assert np.abs(pixel(picture, view.pixels(minima, -90.0))[1] - star).max() > 30
    np.testing.assert_allclose(pixel(picture, view.shadow(minima, -90.0)), [star, star], atol=3)


def test_shadows_lie_below_their_points_within_the_border_of_the_plane():
    view = Seen(camera=(30.0, 0.0, 360.0))
    place = np.array([[[-5.0, 5.0, 0.2], [1.0, 2.0, 0.9]]])
    for azimuth in (0.0, 77.0, 200.0):
        above, below = view.pixels(place, azimuth), view.shadow(place, azimuth)
        assert above.shape == below.shape == (1, 2, 2)
        assert (above[..., 1] > below[..., 1]).all()
        picture = view.picture(azimuth, 1)
        corners = view.shadow(np.array([[x, y] for x in (-5.0, 5.0) for y in (-5.0, 5.0)]), azimuth)
        front = corners[corners[:, 1].argmin()]
        column, row = int(front[0] - BOX.x), int(BOX.top - front[1])
        assert (picture[row - 3 : row + 3, column - 3 : column + 3, :3].min() < 200).any()


@pytest.mark.parametrize("elevation", [10.0, 30.0, 60.0, 90.0])
@pytest.mark.parametrize(
    ("size", "caption", "view"),
    [
        ((400, 320), "f(x, y)", ((-5, 5), (-5, 5))),
        ((900, 500), "f − f*, logarithmic axis", ((0, 2000), (0, 1000))),
        ((280, 200), "f − f*, logarithmic axis", ((-5, 5), (-5, 5))),
        ((260, 520), "f(x, y)", ((0, 1e-3), (-1, 1))),
    ],
)
def test_labels_overlap_nothing(elevation, size, caption, view):
    box = Box(7, 9, *size)
    given = {"caption": caption, "view": view, "camera": (elevation, 0.0, 360.0)}
    wide = view[0][1] - view[0][0]
    surface = Seen(box=box, heights=lambda x, y: wave(10 * (x - view[0][0]) / wide - 5, 0 * y), **given)
    for azimuth in np.arange(0.0, 360.0, 22.5):
        words, found = zip(*surface.words(azimuth), strict=True)
        found = np.array(found)
        assert {"x", "y"} <= set(words) or elevation < 30
        assert (found[:, :2] >= [box.x - 1, box.y - 1]).all()
        assert (found[:, 2:] <= [box.right + 1, box.top + 1]).all()
        apart = [
            a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] + 1 or b[3] <= a[1] + 1
            for i, a in enumerate(found)
            for b in found[:i]
        ]
        assert all(apart)
        if azimuth % 67.5:  # six pictures, from sides and corners
            continue
        picture = surface.picture(azimuth, 1)
        for left, bottom, right, top in (found - [box.x, box.y, box.x, box.y]).round().astype(int):
            under = picture[max(size[1] - top, 0) : size[1] - bottom, max(left, 0) : right, :3]
            # A corner of a label's box may touch a tick; no label is on the plane or the surface.
            assert np.mean((under != hexed(LIGHT.page)).any(-1)) < 0.12


def test_axes_have_names_and_numbers():
    places = dict(Seen().words(-60.0))
    assert {"x", "y", "f(x, y)", "0", "0.5", "1", "−5", "−2.5", "2.5", "5"} <= {*places}
    assert places["x"][3] < places["f(x, y)"][1]


def test_from_straight_above_there_is_no_value_axis():
    words = {*dict(Seen(camera=(90.0, -60.0, 0.0)).words(-60.0))}
    assert {"x", "y"} <= words
    assert not {"f(x, y)", "0.5"} & words


@pytest.mark.parametrize("orbit", [0.0, 120.0, -360.0])
def test_all_fits_into_the_box_and_fills_it(orbit):
    view = Seen(camera=(30.0, -60.0, orbit))
    assert view.viewport.turning == (orbit != 0)
    x, y = np.meshgrid(np.linspace(-5, 5, 41), np.linspace(-5, 5, 41))
    place = np.stack([x, y, wave(x, y)], -1).reshape(-1, 3)
    spots = np.concatenate(
        [
            np.concatenate([view.pixels(place, azimuth), view.shadow(place, azimuth)])
            for azimuth in -60.0 + orbit * np.linspace(0, 1, 25)
        ]
    )
    assert (spots >= [BOX.x, BOX.y]).all()
    assert (spots <= [BOX.right, BOX.top]).all()
    assert (np.ptp(spots, axis=0) / [BOX.width, BOX.height]).max() > 0.75
