"""Trails: frames that continue are those drawn alone, and dashes, hidden parts and arrows are where they belong."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.colors import to_rgb

import gdsim
from gdsim.config import Animation, View
from gdsim.render import Frames
from gdsim.render.display_list import EventMarks, HeadArrows, Moment
from gdsim.render.painter import Painter, only
from gdsim.render.trail import OPENING, Trail, TrailStyle, interpolated, settled
from gdsim.scene.build import build_scene
from gdsim.themes import THEMES, contrast, mix

PERIOD = 16.0
STYLE = TrailStyle("#0072b2", "#ffffff", 0.6, 2.0, (6.0, 2.0), "o", 8.0)


class Recorder:
    """A renderer that records strokes as (lines, dash offset, opacity) and shapes as (outlines, color, opacity)."""

    def __init__(self):
        self.strokes, self.fills, self.widths = [], [], []

    def new_gc(self):
        return GraphicsContextBase()

    def draw_path(self, context, path, _transform, color=None):
        lines = np.split(path.vertices, np.flatnonzero(path.codes == path.MOVETO)[1:])
        if color is not None and context.get_linewidth():
            return  # the edge below a shape
        if color is not None:
            self.fills.append((lines, color, context.get_alpha()))
            return
        offset, dash = context.get_dashes()
        lines = [line for line in lines if len(line) > 1]
        self.strokes.append((lines, offset if dash else None, context.get_alpha()))
        self.widths.append((lines, context.get_linewidth()))

    def of(self, color: str) -> list[np.ndarray]:
        """The outlines filled with a color."""
        return [line for lines, filled, _ in self.fills if filled[:3] == to_rgb(color) for line in lines]

    def vertices(self) -> np.ndarray:
        return np.concatenate([line for lines, _, _ in self.strokes for line in lines])

    def segments(self) -> set:
        lines = [line.tolist() for lines, _, _ in self.strokes for line in lines]
        return {(*a, *b) for line in lines for a, b in pairwise(line) if a != b}


def painter(bounds=((0, 500), (0, 500))) -> Painter:
    """A painter that records; what it recorded is `renderer`."""
    return Painter(Recorder(), np.array(bounds))


def drawn(path: Trail, time: float, since: float | None = None) -> Recorder:
    """What is drawn of a trail alone."""
    found = painter()
    found.draw_trail(path, time, since)
    return found.renderer


def trail(points, *, style=STYLE, frames=50, **rest) -> Trail:
    return Trail(
        0, style, np.arange(len(points), dtype=float), points, frames=np.linspace(0, len(points) - 1, frames), **rest
    )


def heads(path: Trail, time: float) -> Recorder:
    """What is drawn of a trail's heads alone: rings are strokes, and filled heads fills."""
    found = painter()
    list(found.draw_over([path], time))
    return found.renderer


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
    "curve": ("double_well", [1.6], {}, {}),
    "vectors on a curve": ("double_well", [1.6], {"vectors": True}, {}),
    "gaps": ("sqrt(x**2 - 1)", [2.9], {}, {}),
    "fading gaps": ("sqrt(x**2 - 1)", [2.9], {}, {"trail": 5}),
}


def look(name: str):
    title, start, view, animation = LOOKS[name]
    objective = gdsim.objective(title, bounds=(-3, 3)) if "sqrt" in title else gdsim.objective(title)
    start = np.random.default_rng(0).uniform(-4, 4, (12, 2)) if start is None else start
    rates = (1.9, 2.7, 3.0) if "sqrt" in title else (0.002, 0.01, 0.013)
    paths = [gdsim.descend(objective, "SGD", start=start, steps=90, lr=lr, momentum=0.4, label=f"{lr}") for lr in rates]
    own = {"base": "light", "dashes": name in ("contour", "fading surface")}
    view = View(size=SMALL, theme=own, **view)
    return build_scene(paths, view=view, animation=Animation(fps=25, seconds=2, **animation))


@pytest.mark.parametrize("name", LOOKS)
def test_a_frame_that_continues_is_the_one_drawn_alone(name):
    frames = Frames(look(name))
    for index, frame in enumerate(frames):
        if index % 7 == 0 or index == len(frames) - 1:
            np.testing.assert_array_equal(frame, frames.at(frames.moment(index)), err_msg=str(index))


# Arrows stay along a single path if there are frames before the last one.
@pytest.mark.parametrize("name", [name for name in LOOKS if "many" not in name and name != "vectors on a curve"])
def test_trails_drawn_stretch_by_stretch_look_like_trails_drawn_at_once(name):
    scene = look(name)
    facet = scene.facets[0]
    # One path alone: where two cross, which is on top depends on when they were committed.
    alone = replace(
        scene, groups=(replace(scene.groups[0], facets=(replace(facet, paths=facet.paths[1:2]),), panels=()),)
    )
    frames = Frames(alone)
    *_, last = frames
    # In a scene of one frame nothing is committed before it.
    whole = Frames(replace(alone, frame_steps=alone.frame_steps[-1:]))
    assert psnr(last, whole.at(frames.moment(len(frames) - 1))) > 44


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


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("fade", [None, 37])
def test_dashes_do_not_move_when_stretches_are_committed_broken_off_or_hidden(fade, hidden):
    points = straight()
    where = ((np.arange(len(points)) // 23) % 3 == 1)[:, None] if hidden else None
    path, seen = trail(points, fade=fade, hidden=where), 0
    for time in np.arange(0.0, len(points) - 1, 2.7):
        since = max(path.commit_times[path.commit_times <= time], default=None)
        for lines, offset, _ in drawn(path, time, since).strokes:
            if offset is not None and lines:
                off = (offset * 100 / 72 - come(points, lines[0][0]) + PERIOD / 2) % PERIOD - PERIOD / 2
                assert abs(off) < 1e-6
                seen += 1
    assert seen > 50


@settings(max_examples=30, deadline=None)
@given(wandering(), st.integers(2, 60))
def test_committed_stretches_and_the_rest_are_the_whole_path(points, frames):
    style, end = replace(STYLE, dash=()), float(len(points) - 1)
    path, whole = trail(points, frames=frames, style=style), trail(points, style=style, frames=1)
    last, pieces = None, set()
    for until in [*path.commit_times.tolist(), end]:
        pieces |= drawn(path, until, last).segments()
        last = until
    assert pieces == drawn(whole, end).segments()
    assert whole.commit_times.size == 0


def test_a_path_that_has_arrived_is_drawn_once_more_and_then_never_again():
    points = straight()[:50]
    path = trail(np.concatenate([points, np.repeat(points[-1:], 100, 0)]), frames=150, style=replace(STYLE, dash=()))
    *_, before, last = path.commit_times.tolist()
    assert 49 <= last <= 50
    assert drawn(path, 100.0, before).strokes
    assert not drawn(path, 100.0, last).strokes


def test_a_fading_path_is_visible_or_hidden_at_every_time_never_both():
    points = straight()
    path = trail(points, fade=30, hidden=(np.arange(len(points)) > 100)[:, None], style=replace(STYLE, dash=()))
    for time in (20.0, 99.5, 104.3, 110.0, 150.0):
        strokes = [stroke for stroke in drawn(path, time).strokes if stroke[0]]
        assert strokes
        for lines, _, alpha in strokes:
            middles = np.concatenate([(line[1:] + line[:-1]) / 2 for line in lines])
            faint = middles[:, 0] > 100 / 159 * 400 + 1e-9
            assert faint.all() or not faint.any()
            assert alpha <= (0.45 if faint.any() else 1.0)


@pytest.mark.parametrize("time", [30.0, 47.5])
def test_a_fading_path_begins_exactly_that_many_steps_back(time):
    points = np.stack([np.linspace(0, 400, 81), np.full(81, 100.0)], -1)[:, None]
    found = drawn(trail(points, fade=10), time).vertices()[:, 0]
    assert (found.min(), found.max()) == pytest.approx((5 * (time - 10), 5 * time))


@pytest.mark.parametrize("fade", [None, 500])
def test_hidden_dots_are_not_drawn_and_a_hidden_head_is_faint(fade):
    points = straight()
    hidden = (np.arange(len(points)) > 100)[:, None]
    path = trail(points, hidden=hidden, fade=fade, style=replace(STYLE, dot_size=0.8))
    dots = np.array([line.mean(0)[0] for line in drawn(path, 150.0).of(STYLE.color)])
    # The start and the first iterate after the gap have none.
    assert len(np.unique(dots.round(6))) == len(dots) == 101 - 10 - 2
    for time, alpha in ((90.0, 1.0), (150.0, 0.45)):
        found = painter()
        assert len(list(found.draw_over([path], time))) == 1
        heads = [opacity for _, color, opacity in found.renderer.fills if color[:3] == to_rgb(STYLE.color)]
        assert heads == [alpha]


def test_no_iterate_of_a_fading_path_has_two_dots_at_any_moment():
    path = trail(straight(), fade=10, style=replace(STYLE, dot_size=0.8))
    for time in (5.0, 20.0, 20.5, 33.0, 75.0):
        dots = np.array([line.mean(0)[0] for line in drawn(path, time).of(STYLE.color)]).round(6)
        assert len(np.unique(dots)) == len(dots) >= 4


@settings(max_examples=30, deadline=None)
@given(wandering(), st.floats(1, 8))
def test_a_dot_follows_a_long_step_and_is_apart_from_the_dots_before_it(points, size):
    path, last = trail(points, style=replace(STYLE, dash=(), dot_size=size)), len(points) - 1.0
    dots = [(line.min(0) + line.max(0)) / 2 for line in drawn(path, last).of(STYLE.color)]
    places = points[:, 0]
    for dot, before in zip(dots, [places[0], *dots], strict=False):
        nearest = int(np.nanargmin(np.linalg.norm(places - dot, axis=-1)))
        np.testing.assert_allclose(dot, places[nearest], atol=1e-3)
        assert np.linalg.norm(dot - places[nearest - 1]) >= 1.5 * size - 1e-3
        assert np.linalg.norm(dot - before) >= 2.5 * size - 1e-3


def test_short_steps_have_no_dots():
    path = trail(straight(), style=replace(STYLE, dash=(), dot_size=2.0))
    assert not drawn(path, 150.0).of(STYLE.color)


@pytest.mark.parametrize("fade", [None, 60])
def test_a_tapered_path_grows_from_its_tail_to_its_head(fade):
    points = straight()
    points[60:70] = np.stack([np.linspace(0, 400, 160), np.full(160, 100.0)], -1)[60:70, None]
    found = painter()
    found.draw_trail(trail(points, fade=fade, style=replace(STYLE, dash=(), casing_width=0.0, taper=0.4)), 159.0)
    widths = [(max(line[:, 0].max() for line in lines), width) for lines, width in found.renderer.widths if lines]
    widths.sort()
    assert widths[-1] == pytest.approx((400, 72 / 100 * STYLE.width))
    assert [width for _, width in widths] == sorted({width for _, width in widths})
    assert min(widths)[1] == pytest.approx(0.4 * 72 / 100 * STYLE.width, rel=0.2)


@given(st.floats(0, 9), st.integers(0, 9))
def test_settled_rows_stay_as_they_are_at_their_end(time, end):
    times = np.arange(10.0)
    rows = times[:, None] ** 2
    found = interpolated(settled(rows, times, np.array([end])), times, time)
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


@pytest.mark.parametrize("fade", ["whole", 50])
def test_a_head_behind_a_hill_shines_through_it(fade):
    path, view = hill()
    frames = Frames(build_scene([path], view=View(**view), animation=Animation(trail=fade)))
    poster, (layer,) = frames.poster(), frames.layers
    heads = frames.scene.facets[0].paths[0].points[-1]
    before, behind = layer.viewport.pixels(heads, frames.moment(len(frames) - 1))
    color = frames.scene.styles[0].color
    assert count(around(poster, *before, 4), color) > 20
    assert count(around(poster, *behind, 9), color) == 0
    assert (around(poster, *behind, 2) != around(frames.background[..., :3], *behind, 2)).any(-1).all()


@pytest.mark.parametrize(("elevation", "seen"), [(20, True), (60, False)])
def test_a_shadow_is_seen_only_where_the_plane_is(elevation, seen):
    path, view = hill(camera={"azimuth": 0, "elevation": elevation})
    frames = Frames(build_scene([path], view=View(**view)))
    poster, (layer,) = frames.poster(), frames.layers
    places = frames.scene.facets[0].paths[0].points[[1, -1], 0]
    moment = frames.moment(len(frames) - 1)
    assert layer.viewport.hidden(places[..., :2], moment).tolist() == [not seen] * 2
    for x, y in layer.viewport.pixels(places[..., :2], moment):
        changed = (around(poster, x, y, 1) != around(frames.background[..., :3], x, y, 1)).any()
        assert changed == seen


VECTORS = {
    "contour": ("himmelblau", [-0.5, 4.2], {}),
    "surface": ("himmelblau", [-0.5, 4.2], {"kind": "surface", "camera": {"elevation": 30}}),
    "turning": ("himmelblau", [3.5, -3.0], {"kind": "surface", "camera": {"elevation": 30, "orbit": 40}}),
    "curve": ("double_well", [1.6], {}),
}


def arrows(layer, moment, color) -> list[np.ndarray]:
    """The arrows of a color at the heads, as corners."""
    found = painter(layer.viewport.bounds)
    for _ in found.draw_over(only(layer.at(moment), HeadArrows), moment.time):
        pass
    return [outline[:7] for outline in found.renderer.of(color)]


@pytest.mark.parametrize("name", VECTORS)
def test_the_step_really_taken_ends_at_the_next_iterate(name):
    title, start, view = VECTORS[name]
    path = gdsim.descend(gdsim.objective(title), "SGD", start=start, steps=12, lr=0.004, momentum=0.9)
    scene = build_scene([path], view=View(vectors=True, panels=[], **view))
    frames = Frames(scene)
    layer, (path,) = frames.layers[0], scene.facets[0].paths
    seen = 0
    for step in range(12):
        moment = Moment(float(step), step / 12)
        here, there = path.points[np.searchsorted(path.times, [step, step + 1]), 0]
        if title == "double_well":
            there = np.array([there[0], here[1]])
        places = np.stack([here, there])
        if layer.viewport.hidden(places[..., :2], moment).any():
            continue
        tail, tip = layer.viewport.pixels(places[..., :2], moment)
        steps = arrows(layer, moment, path.style.color)
        if np.linalg.norm(tip - tail) < 0.35 * frames.canvas.em:
            assert not steps
            continue
        (arrow,) = steps
        np.testing.assert_allclose(arrow[3], tip, atol=1e-6)
        np.testing.assert_allclose((arrow[0] + arrow[6]) / 2, tail, atol=1e-6)
        seen += 1
    assert seen >= 3


def test_gradient_and_negative_shrink_to_nothing_and_differ_in_color():
    path = gdsim.descend(gdsim.objective("sphere"), "SGD", start=[-4, -3], steps=60, lr=0.15)
    frames = Frames(build_scene([path], view=View(vectors=True, panels=[])))
    (layer,), theme = frames.layers, frames.scene.theme
    moments = [Moment(float(step), step / 60) for step in range(61)]
    uphill, downhill = ([arrows(layer, each, color) for each in moments] for color in (theme.text, theme.page))
    moves = [
        np.array([arrow[3] - (arrow[0] + arrow[6]) / 2 for found in each for arrow in found])
        for each in (uphill, downhill)
    ]
    np.testing.assert_allclose(moves[1], -moves[0])
    lengths = np.linalg.norm(moves[0], axis=-1)
    assert (np.diff(lengths) < 0).all()
    assert [len(each) for each in uphill] == [1] * len(lengths) + [0] * (61 - len(lengths))
    assert 3 < len(lengths) < 60


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_no_arrows_are_drawn_at_a_head_outside_the_view(kind):
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[-0.5, 4.2], steps=6, lr=0.045)
    scene = build_scene([path], view=View(vectors=True, panels=[], kind=kind))
    frames = Frames(scene)
    (layer,), theme, limits = frames.layers, scene.theme, scene.facets[0].limits
    outside = [not ((place >= limits[:, 0]) & (place <= limits[:, 1])).all() for place in path.points[:, 0]]
    assert any(outside)
    for step in np.flatnonzero(outside):
        moment = Moment(float(step), step / 6)
        assert not any(arrows(layer, moment, color) for color in (theme.text, theme.page, scene.styles[0].color))


def test_many_exit_marks_are_one_primitive_per_side_and_each_appears_in_its_time():
    starts = np.random.default_rng(0).uniform(-4, 4, (300, 2))
    path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=starts, steps=30, lr=0.05)
    scene = build_scene([path], view=View(panels=[]))
    (layer,), exits = Frames(scene).layers, scene.facets[0].paths[0].exits
    marks, box = only(layer.primitives, EventMarks), layer.viewport.box
    assert len(marks) <= 5 < len(exits)
    for time in (0.0, 1.0, 1.5, 4.0, 30.0):
        found = painter(layer.viewport.bounds)
        assert len(list(found.draw_over(marks, time))) == len(marks)
        marked = [outline.mean(0) for outline in found.renderer.of(scene.styles[0].color)]
        assert len(marked) == sum(exit_.time <= time for exit_ in exits)
        assert all(box.x <= x <= box.right and box.y <= y <= box.top for x, y in marked)


def test_where_the_camera_turns_a_path_ends_with_the_moment():
    path = gdsim.descend(gdsim.objective("himmelblau"), "Adam", start=[-0.5, 4.2], steps=50, lr=0.2)
    view = View(kind="surface", camera={"orbit": 60}, panels=[])
    frames = Frames(build_scene([path], view=view))
    (layer,), (path,) = frames.layers, frames.scene.facets[0].paths
    for index in (0, 30, 77, len(frames) - 1):
        moment = frames.moment(index)
        _, above = only(layer.at(moment), Trail)
        assert above.times[-1] <= moment.time + 1
        place = interpolated(path.points, path.times, moment.time)
        seen = layer.viewport.pixels(place, moment)
        assert np.isfinite(seen).all()
        assert np.linalg.norm(above.at(moment.time) - seen) < 0.5


def test_arrows_in_the_plane_stand_out_from_the_page():
    def picture(color: str):
        own = {"base": "light", "arrow": color}
        path = gdsim.descend(gdsim.objective("himmelblau"), "SGD", start=[0, 0], steps=2, lr=1e-4)
        (layer,) = Frames(build_scene([path], view=View(kind="surface", size=SMALL, theme=own, panels=[]))).layers
        return layer.viewport.picture(Moment(0.0, 0.0), 1)

    # A pale color is drawn as its mixture with the color of text that has a contrast of 3 with the page.
    mixtures = [mix("#f4f4f4", THEMES["light"].text, tenths / 10) for tenths in range(11)]
    shown = next(each for each in mixtures if contrast(each, THEMES["light"].page) >= 3)
    np.testing.assert_array_equal(picture("#f4f4f4"), picture(shown))
    assert (picture("#8a2be2") != picture(shown)).any()


@settings(max_examples=60)
@given(st.lists(st.sampled_from([0.0, 0.05, 0.3, 0.9, 4.0, 30.0]), min_size=20, max_size=120), st.integers(0, 12))
def test_a_head_is_a_ring_from_the_tenth_frame_after_its_last_move_of_a_pixel(moves, opening):
    places = np.cumsum([0.0, *moves])
    times = np.append(np.zeros(opening), np.arange(len(places)))
    path = replace(trail(np.stack([places + 100, np.full(len(places), 99.0)], -1)[:, None], path=0), frames=times)
    shown, found = [places[int(time)] for time in times], [heads(path, float(time)) for time in times]
    rested = [
        k >= opening + 10 and all(abs(shown[k] - shown[k - back]) < 1 for back in range(11)) for k in range(len(times))
    ]
    for k in range(opening, len(times) - OPENING):
        assert bool(found[k].strokes) == rested[k]
        assert bool(found[k].fills) != (k >= OPENING and all(rested[k - OPENING + 1 : k + 1]))
    assert found[-1].fills
    assert not found[-1].strokes
