"""What moves: frames drawn on to are those drawn fresh, and dashes, veils and arrows are where they belong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb

import gdsim
from gdsim.config import Animation, View
from gdsim.render import Frames
from gdsim.render.trail import Ink, Trail, reached, settled
from gdsim.render.viewport import Moment
from gdsim.scene import build_scene

PERIOD = 16.0
INK = Ink("#0072b2", "#ffffff", 0.6, 2.0, (6.0, 2.0), "o", 8.0)


class Notebook:
    """A pen that writes down what it should draw."""

    def __init__(self):
        self.strokes, self.marks, self.fills = [], [], []

    def stroke(self, lines, *_, shown=None, dash=None, alpha=1.0):
        if shown is None or shown.any():
            self.strokes.append((np.array(lines), shown, dash, alpha))

    def mark(self, spots, _shape, size, _color, _edge, _edge_width, alpha=1.0):
        self.marks.append((spots[np.isfinite(spots).all(-1)], size, alpha))

    def fill(self, shapes, color, *_):
        self.fills.append((shapes, color))


def trail(spots, *, ink=INK, frames=50, **rest) -> Trail:
    times, ends = np.arange(len(spots), dtype=float), np.full(spots.shape[1], len(spots) - 1)
    return Trail(spots, times, ends, ink, frames=frames, **rest)


def psnr(a, b) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def count(frame, color: str) -> int:
    return int((frame == [round(255 * part) for part in to_rgb(color)]).all(-1).sum())


def around(frame, x: float, y: float, reach: int = 2):
    row, column = int(frame.shape[0] - y), int(x)
    return frame[row - reach : row + reach + 1, column - reach : column + reach + 1]


SMALL = [480, 270]
LOOKS = {
    "contour": ("himmelblau", [-0.5, 4.2], {}, {}),
    "fading": ("himmelblau", [-0.5, 4.2], {}, {"trail": 15}),
    "surface": ("himmelblau", [-4, 4], {"kind": "surface", "camera": {"azimuth": 120, "elevation": 15}}, {}),
    "fading surface": ("himmelblau", [-4, 4], {"kind": "surface", "camera": {"elevation": 12}}, {"trail": 25}),
    "turning surface": ("himmelblau", [-4, 4], {"kind": "surface", "camera": {"orbit": 60}}, {}),
    "surface of many": ("himmelblau", None, {"kind": "surface"}, {}),
    "vectors": ("himmelblau", [-0.5, 4.2], {"vectors": True}, {"trail": 15}),
    "vectors on a surface": ("himmelblau", [-0.5, 4.2], {"kind": "surface", "vectors": True}, {}),
    "curve": ("double_well", [1.6], {"vectors": True}, {}),
    "gaps": ("sqrt(x**2 - 1)", [2.9], {}, {}),
    "fading gaps": ("sqrt(x**2 - 1)", [2.9], {}, {"trail": 5}),
}


def look(name: str):
    title, start, view, animation = LOOKS[name]
    objective = gdsim.objective(title, bounds=(-3, 3)) if "sqrt" in title else gdsim.objective(title)
    start = np.random.default_rng(0).uniform(-4, 4, (12, 2)) if start is None else start
    # Several optimizers, so that there are dashes.
    rates = (1.9, 2.7, 3.0) if "sqrt" in title else (0.002, 0.01, 0.013)
    paths = [gdsim.descend(objective, "SGD", start=start, steps=90, lr=lr, momentum=0.4, label=f"{lr}") for lr in rates]
    return build_scene(paths, view=View(size=SMALL, **view), animation=Animation(fps=25, seconds=2, **animation))


@pytest.mark.parametrize("name", LOOKS)
def test_a_frame_drawn_on_to_is_the_one_drawn_fresh(name):
    frames = Frames(look(name))
    for index, frame in enumerate(frames):
        if index % 7 == 0 or index == len(frames) - 1:
            np.testing.assert_array_equal(frame, frames._picture().at(frames._moment(index)), err_msg=str(index))


@pytest.mark.parametrize("name", [name for name in LOOKS if "many" not in name])
def test_what_is_kept_is_what_is_drawn_in_one_go(name):
    scene = look(name)
    facet = scene.facets[0]
    # One path alone: where two cross, which lies on top depends on when they were kept.
    alone = replace(
        scene, groups=(replace(scene.groups[0], facets=(replace(facet, paths=facet.paths[1:2]),), panels=()),)
    )
    frames = Frames(alone)
    *_, last = frames
    whole = frames._picture()
    for _, _, each in whole._trails:
        each.chunk = 10**9
    assert psnr(last, whole.at(frames._moment(len(frames) - 1))) > 44


@st.composite
def wandering(draw):
    """A path of one start, with gaps and with much that is too small to be seen."""
    seed, steps = draw(st.integers(0, 2**32 - 1)), draw(st.integers(20, 120))
    rng = np.random.default_rng(seed)
    moves = rng.normal(size=(steps, 1, 2)) * rng.choice([0.1, 2.0, 9.0], (steps, 1, 1))
    spots = 200 + np.cumsum(moves, axis=0)
    for _ in range(draw(st.integers(0, 3))):
        first = int(rng.integers(0, steps))
        spots[first : first + int(rng.integers(1, 9))] = np.nan
    return spots


def come(spots, place) -> float:
    """How far a path has come where it passes a place, gaps not counted."""
    nearest, so_far = (np.inf, 0.0), 0.0
    for here, there in zip(spots[:-1, 0], spots[1:, 0], strict=True):
        move = there - here
        length = float(np.linalg.norm(move))
        if np.isfinite(length) and length > 0:
            share = np.clip((place - here) @ move / length**2, 0, 1)
            nearest = min(nearest, (float(np.linalg.norm(here + share * move - place)), so_far + share * length))
            so_far += length
    return nearest[1]


def straight(steps=160):
    """A straight line, where every place is passed once, with a gap."""
    spots = np.stack([np.linspace(0, 400, steps), np.full(steps, 100.0)], -1)[:, None]
    spots[60:70] = np.nan
    return spots


@pytest.mark.parametrize("veiled", [False, True])
@pytest.mark.parametrize("fade", [None, 37])
def test_dashes_stand_still_whatever_was_kept_broken_off_or_hidden(fade, veiled):
    spots = straight()
    hidden = ((np.arange(len(spots)) // 23) % 3 == 1)[:, None] if veiled else None
    path = trail(spots, fade=fade, veiled=hidden)
    for time in np.arange(0.0, len(spots) - 1, 2.7):
        while (whole := path.whole(time)) is not None:
            path.keep(whole)
        pen = Notebook()
        path.draw_path(pen, time)
        for lines, _, dash, _ in pen.strokes:
            if dash is not None:
                off = (dash[0] * 100 / 72 - come(spots, lines[0, 0]) + PERIOD / 2) % PERIOD - PERIOD / 2
                assert abs(off) < 1e-6


@settings(max_examples=30, deadline=None)
@given(wandering(), st.integers(2, 60))
def test_a_kept_path_and_its_rest_are_the_whole_path(spots, frames):
    path, whole = trail(spots, frames=frames, ink=replace(INK, dash=())), trail(spots, ink=replace(INK, dash=()))
    end, kept = float(len(spots) - 1), 0

    def drawn(each, time) -> set:
        pen = Notebook()
        each.draw_path(pen, time)
        return {
            (*line[i], *line[i + 1])
            for lines, shown, _, _ in pen.strokes
            for line in lines.tolist()
            for i in range(len(line) - 1)
            if (shown is None or shown[0, i]) and line[i] != line[i + 1]
        }

    pieces = set()
    while (until := path.whole(end)) is not None:
        pieces |= drawn(path, until)
        path.keep(until)
        kept += 1
    assert pieces | drawn(path, end) == drawn(whole, end)
    assert kept <= len(spots)


def test_a_fading_path_is_in_plain_sight_at_every_time_or_veiled_never_both():
    spots = straight()
    hidden = (np.arange(len(spots)) > 100)[:, None]
    path = trail(spots, fade=30, veiled=hidden, ink=replace(INK, dash=()))
    for time in (20.0, 99.5, 104.3, 110.0, 150.0):
        pen = Notebook()
        path.draw_path(pen, time)
        for lines, shown, _, alpha in pen.strokes:
            middles = ((lines[:, 1:] + lines[:, :-1]) / 2)[
                np.ones(lines[:, 1:].shape[:2], bool) if shown is None else shown
            ]
            faint = middles[:, 0] > 100 / 159 * 400 + 1e-9
            assert faint.all() or not faint.any()
            assert alpha <= (0.45 if faint.any() else 1.0)


@pytest.mark.parametrize("fade", [None, 500])
def test_hidden_dots_are_left_out_and_a_hidden_head_is_faint(fade):
    spots = straight()
    hidden = (np.arange(len(spots)) > 100)[:, None]
    path = trail(spots, veiled=hidden, fade=fade, ink=replace(INK, dot=4.0))
    pen = Notebook()
    path.draw_path(pen, 150.0)
    dots = np.concatenate([marked for marked, _, _ in pen.marks])
    assert len(np.unique(dots[:, 0])) == len(dots) == 101 - 10
    for time, alpha in ((90.0, 1.0), (150.0, 0.45)):
        pen = Notebook()
        path.draw_heads(pen, time)
        assert [(len(marked), strength) for marked, _, strength in pen.marks] == [(1, alpha)]


def test_no_iterate_of_a_fading_path_has_two_dots_at_any_moment():
    path = trail(straight(), fade=10, ink=replace(INK, dot=4.0))
    for time in (5.0, 20.0, 20.5, 33.0, 75.0):
        pen = Notebook()
        path.draw_path(pen, time)
        dots = np.concatenate([marked for marked, _, _ in pen.marks])
        assert len(np.unique(dots[:, 0])) == len(dots)


@given(st.floats(0, 9), st.integers(0, 9))
def test_what_is_settled_stays_as_it_is_at_its_end(time, end):
    times = np.arange(10.0)
    rows = times[:, None] ** 2
    found = reached(settled(rows, times, np.array([end])), times, time)
    step = int(min(time, end))
    share = min(time, end) - step
    expected = step**2 + share * ((step + 1) ** 2 - step**2)
    np.testing.assert_allclose(found, [expected], atol=1e-9)


def hill(**view):
    """A hill seen from the side, with one path before it and one behind it."""
    hill = gdsim.objective("5*exp(-(x**2 + y**2))", bounds=[[-3, 3], [-3, 3]])
    path = gdsim.descend(hill, "SGD", start=[[1.5, -0.8], [-1.5, -0.8]], steps=4, lr=0.0)
    points = path.points + np.linspace(0, 0.8, 5)[:, None, None] * [0.0, 1.0]
    moved = replace(path, points=points, values=hill.values(points))
    look = {"kind": "surface", "size": [640, 360], "panels": [], "arrows": "none"}
    return moved, {"camera": {"azimuth": 0, "elevation": 20}} | look | view


@pytest.mark.parametrize("trail", ["whole", 50])
def test_a_head_behind_a_hill_shines_through_it(trail):
    path, view = hill()
    frames = Frames(build_scene([path], view=View(**view), animation=Animation(trail=trail)))
    poster, (layer,) = frames.poster(), frames._facets
    heads = frames._scene.facets[0].paths[0].points[-1]
    before, behind = layer.viewport.pixels(heads, frames._moment(len(frames) - 1))
    color = frames._scene.styles[0].color
    assert count(around(poster, *before, 4), color) > 20
    assert count(around(poster, *behind, 9), color) == 0
    assert (around(poster, *behind, 2) != around(frames._background[..., :3], *behind, 2)).any(-1).all()


@pytest.mark.parametrize(("elevation", "seen"), [(20, True), (85, False)])
def test_a_shadow_is_seen_only_where_the_plane_is(elevation, seen):
    path, view = hill(camera={"azimuth": 0, "elevation": elevation})
    frames = Frames(build_scene([path], view=View(**view)))
    poster, (layer,) = frames.poster(), frames._facets
    places = frames._scene.facets[0].paths[0].points[[1, -1], 0]
    moment = frames._moment(len(frames) - 1)
    assert layer.viewport.covered(places, moment).tolist() == [not seen] * 2
    for x, y in layer.viewport.shadows(places, moment):
        drawn = (around(poster, x, y, 1) != around(frames._background[..., :3], x, y, 1)).any()
        assert drawn == seen


VECTORS = {
    "contour": ("himmelblau", [-0.5, 4.2], {}),
    "surface": ("himmelblau", [-0.5, 4.2], {"kind": "surface", "camera": {"elevation": 30}}),
    "turning": ("himmelblau", [3.5, -3.0], {"kind": "surface", "camera": {"elevation": 30, "orbit": 40}}),
    "curve": ("double_well", [1.6], {}),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_step_really_taken_ends_at_the_next_iterate(name):
    title, start, view = VECTORS[name]
    path = gdsim.descend(gdsim.objective(title), "SGD", start=start, steps=12, lr=0.004, momentum=0.9)
    scene = build_scene([path], view=View(vectors=True, panels=[], **view))
    frames = Frames(scene)
    (layer,), (path,) = frames._facets, scene.facets[0].paths
    seen = 0
    for step in range(12):
        moment, pen = Moment(step + 0.5, (step + 0.5) / 12), Notebook()
        for _ in layer.riders.draw(pen, layer.trails(moment), moment):
            pass
        here, there = path.points[np.searchsorted(path.times, [step, step + 1]), 0]
        if title == "double_well":
            there = np.array([there[0], here[1]])
        places = np.stack([here, there])
        surface = layer.viewport.relief is not None
        if surface and layer.viewport.covered(places, moment).any():
            continue
        tail, tip = (layer.viewport.shadows if surface else layer.viewport.pixels)(places, moment)
        steps = [shapes for shapes, color in pen.fills if color == path.style.color]
        if np.linalg.norm(tip - tail) < 0.35 * frames._canvas.em:
            assert not steps
            continue
        ((arrow,),) = steps
        np.testing.assert_allclose(arrow[3], tip, atol=1e-6)
        np.testing.assert_allclose((arrow[0] + arrow[6]) / 2, tail, atol=1e-6)
        seen += 1
    assert seen >= 3


def arrows(layer, moment, color) -> list[float]:
    """How long the arrows of a colour at the heads are, in pixels."""
    pen = Notebook()
    for _ in layer.riders.draw(pen, layer.trails(moment), moment):
        pass
    return [
        float(np.linalg.norm(shape[3] - (shape[0] + shape[6]) / 2))
        for shapes, filled in pen.fills
        if filled == color
        for shape in shapes
    ]


def test_gradient_and_negative_shrink_to_nothing_and_are_told_apart():
    path = gdsim.descend(gdsim.objective("sphere"), "SGD", start=[-4, -3], steps=60, lr=0.15)
    frames = Frames(build_scene([path], view=View(vectors=True, panels=[])))
    (layer,), theme = frames._facets, frames._scene.theme
    moments = [Moment(float(step), step / 60) for step in range(61)]
    uphill, downhill = ([arrows(layer, moment, color) for moment in moments] for color in (theme.text, theme.page))
    drawn = np.concatenate(uphill)
    np.testing.assert_allclose(np.concatenate(downhill), drawn)
    assert (np.diff(drawn) < 0).all()
    assert [len(each) for each in uphill] == [1] * len(drawn) + [0] * (61 - len(drawn))
    assert 3 < len(drawn) < 60


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_no_arrows_stand_at_a_head_outside_the_view(kind):
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[-0.5, 4.2], steps=6, lr=0.045)
    scene = build_scene([path], view=View(vectors=True, panels=[], kind=kind))
    frames = Frames(scene)
    (layer,), theme, bounds = frames._facets, scene.theme, scene.facets[0].limits
    outside = 0
    for step in range(7):
        place = path.points[step, 0]
        if not ((place >= bounds[:, 0]) & (place <= bounds[:, 1])).all():
            outside += 1
            moment = Moment(float(step), step / 6)
            assert not any(arrows(layer, moment, color) for color in (theme.text, theme.page, scene.styles[0].color))
    assert outside


def test_many_wedges_are_drawn_at_once_and_each_in_its_time():
    starts = np.random.default_rng(0).uniform(-4, 4, (300, 2))
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=starts, steps=30, lr=0.05)
    scene = build_scene([path], view=View(panels=[]))
    (layer,), exits = Frames(scene)._facets, scene.facets[0].paths[0].exits
    assert len(layer.notes) <= 5 < len(exits)
    for time in (0.0, 1.0, 1.5, 4.0, 30.0):
        pen = Notebook()
        for note in layer.notes:
            note.draw(pen, time)
        marked = np.concatenate([spots for spots, _, _ in pen.marks])
        assert len(marked) == sum(exit_.time <= time for exit_ in exits)
        box = layer.viewport.box
        assert ((marked >= [box.x, box.y]) & (marked <= [box.right, box.top])).all()


def test_where_the_camera_turns_a_path_ends_with_the_moment():
    path = gdsim.descend(gdsim.objective("himmelblau"), "Adam", start=[-0.5, 4.2], steps=50, lr=0.2)
    view = View(kind="surface", camera={"orbit": 60}, panels=[])
    frames = Frames(build_scene([path], view=view))
    (layer,), (path,) = frames._facets, frames._scene.facets[0].paths
    for index in (0, 30, 77, len(frames) - 1):
        moment = frames._moment(index)
        _, above = layer.trails(moment)
        assert above._all_times[-1] <= moment.time + 1
        place = reached(path.points, path.times, moment.time)
        seen = layer.viewport.pixels(reached(path.points, path.times, float(int(moment.time))), moment)
        assert np.isfinite(seen).all()
        assert np.linalg.norm(above.at(moment.time) - layer.viewport.pixels(place, moment)) < 0.5


@pytest.mark.parametrize(("arrow", "drawn"), [("#f4f4f4", "#5a6675"), ("#8a2be2", "#8a2be2")])
def test_arrows_in_the_plane_stand_out_from_the_page(arrow, drawn):
    def picture(color: str):
        own = {"base": "light", "arrow": color, "quiet": "#5a6675"}
        path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[0, 0], steps=2, lr=1e-4)
        (layer,) = Frames(build_scene([path], view=View(kind="surface", size=SMALL, theme=own, panels=[])))._facets
        return layer.viewport.relief.picture(-60.0, 1)

    np.testing.assert_array_equal(picture(arrow), picture(drawn))
