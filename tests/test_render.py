"""Frames, held to the scene by their pixels."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from matplotlib import rc_context, rcParams
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.text import Text

import gdsim
from gdsim.config import Animation, View
from gdsim.render import Frames
from gdsim.render.canvas import arrow_shapes
from gdsim.render.display_list import EventMarks, Moment, PathLabel
from gdsim.render.painter import only
from gdsim.render.strands import fanned
from gdsim.render.trail import Trail
from gdsim.scene.build import build_scene, preview_scene
from gdsim.themes import THEMES

SIZES = [(160, 120), (320, 180), (480, 270), (640, 480), (720, 720), (720, 1280), (800, 600), (1280, 720), (1920, 1080)]


def race(labels=("SGD", "Momentum", "Adam"), steps=60, size=(640, 360), theme="light", seconds=2.0, **view):
    settings = [("SGD", {"lr": 0.01}), ("SGD", {"lr": 0.01, "momentum": 0.9}), ("Adam", {"lr": 0.3})]
    valley = gdsim.objective("himmelblau")
    paths = [
        gdsim.descend(valley, name, start=[-0.5, 4.2], steps=steps, label=label, **given)
        for label, (name, given) in zip(labels, settings * 9, strict=False)
    ]
    return build_scene(paths, view=View(size=list(size), theme=theme, **view), animation=Animation(seconds=seconds))


def views(frames: Frames):
    return [layer for layer in frames.layers if layer.facet is not None]


def psnr(a, b) -> float:
    error = np.mean((a.astype(float) - b) ** 2)
    return float("inf") if error == 0 else 10 * np.log10(255**2 / error)


def at_once(scene):
    """The poster with every trail drawn in one go."""
    return gdsim.frames(replace(scene, frame_steps=scene.frame_steps[-1:])).poster()


def count(frame, color: str) -> int:
    return int((frame == [round(255 * part) for part in to_rgb(color)]).all(-1).sum())


def test_frames_are_whole_pictures_of_the_size_asked_for():
    frames = gdsim.frames(race())
    drawn = list(frames)
    assert len(drawn) == len(frames) == 50
    assert repr(frames) == "<Frames: 50 of 640 × 360>"
    for frame in drawn:
        assert frame.shape == (360, 640, 3)
        assert frame.dtype == np.uint8
        assert frame.flags.c_contiguous
    assert len({frame.ctypes.data for frame in drawn}) == len(drawn)


def test_every_path_grows_from_nothing_to_the_poster():
    scene = race()
    frames = gdsim.frames(scene)
    drawn = list(frames)
    for style in scene.styles:
        # The legend shows each colour from the first frame on; the path adds to it.
        assert count(drawn[25], style.color) > count(drawn[0], style.color)
        assert count(drawn[-1], style.color) > 30
    np.testing.assert_array_equal(drawn[-1], frames.poster())


def test_a_complete_trail_that_faded_is_a_ghost_in_the_last_frame_and_in_no_other():
    paths = [gdsim.descend("himmelblau", "SGD", start=[-0.5, 4.2], steps=60, lr=2e-3)]
    animation = Animation(fps=10, seconds=2, trail=10, pace="even")
    frames = Frames(build_scene(paths, view=View(size=[640, 360], arrows="none", panels=[]), animation=animation))
    (trail,) = (each for layer in frames.layers for each in only(layer.primitives, Trail))
    x, y = trail.at(12.5)[0]
    *_, before, last = (frame[round(360 - y) - 1 : round(360 - y) + 2, round(x)].astype(int) for frame in frames)
    empty = frames.background[round(360 - y) - 1 : round(360 - y) + 2, round(x), :3]
    np.testing.assert_array_equal(before, empty)
    assert abs(last - empty).max() > 20
    np.testing.assert_array_equal(list(frames)[-1], frames.poster())


def test_the_label_of_the_path_that_arrives_first_is_stressed_at_the_end():
    settings = {"SGD": {"lr": 0.01}, "Adam": {"lr": 0.3}}
    frames = Frames(build_scene(gdsim.simulate("himmelblau", settings, start=[-0.5, 4.2], steps=100)))
    assert frames.scene.styles[frames.scene.best].label == "SGD"
    (label,) = (each for layer in views(frames) for each in only(layer.primitives, PathLabel) if not each.optimizer)
    stressed, last, color = frames.stressed().copy(), frames.poster(), frames.scene.styles[0].color
    rows, columns = np.nonzero((stressed != last).any(-1))
    (left, low), (right, high) = label.extent
    assert left - 15 < columns.min() < columns.max() < right + 15
    assert low - 10 < 720 - rows.max() < 720 - rows.min() < high + 10
    box = slice(rows.min(), rows.max()), slice(columns.min(), columns.max())
    assert count(stressed[box], color) > 2 * count(last[box], color)
    np.testing.assert_array_equal(list(frames)[-1], last)


@pytest.mark.parametrize("view", [{"kind": "surface", "camera": {"orbit": 30}}, {"layout": "grid"}])
def test_where_the_best_path_has_no_label_its_name_in_the_legend_is_stressed(view):
    settings = {"SGD": {"lr": 0.01}, "Adam": {"lr": 0.3}}
    trajectories = gdsim.simulate("himmelblau", settings, start=[-0.5, 4.2], steps=100)
    frames = Frames(build_scene(trajectories, view=View(**view), animation=Animation(seconds=1)))
    stressed, last, color = frames.stressed().copy(), frames.poster(), frames.scene.styles[0].color
    rows, columns = np.nonzero((stressed != last).any(-1))
    text = frames.canvas.names["SGD"].get_window_extent(frames.canvas.agg.get_renderer())
    em, height = frames.canvas.em, frames.size[1]
    assert text.x0 - em < columns.min() < text.x0 < text.x1 < columns.max() < text.x1 + em
    assert text.y0 - em < height - rows.max() < height - rows.min() < text.y1 + em
    box = slice(rows.min(), rows.max()), slice(columns.min(), columns.max())
    assert count(stressed[box], color) > 0.3 * stressed[box][..., 0].size
    assert count(last[box], color) < 0.1 * last[box][..., 0].size


@pytest.mark.parametrize(
    ("size", "name", "transparent"),
    [([640, 360], "SGD", True), ([200, 120], "a long name for which a small picture has no room", False)],
)
def test_nothing_is_stressed_where_the_best_path_has_no_name(size, name, transparent):
    settings = {name: {"class": "SGD", "lr": 0.01}, "slow": {"class": "SGD", "lr": 1e-4}}
    trajectories = gdsim.simulate("himmelblau", settings, start=[-0.5, 4.2], steps=60)
    animation = Animation(fps=5, seconds=1, trail=9)  # without labels beside the paths
    frames = gdsim.frames(build_scene(trajectories, view=View(size=size), animation=animation), transparent=transparent)
    assert frames.scene.best == 0
    assert frames.stressed() is None


def test_nothing_is_stressed_where_no_path_is_first():
    paths = [
        gdsim.descend("himmelblau", "SGD", start=[-0.5, 4.2], steps=60, lr=lr, label=f"{lr}") for lr in (0.01, 0.0101)
    ]
    for group in (paths[:1], paths):
        assert Frames(build_scene(group)).stressed() is None


def test_frames_can_be_drawn_again():
    frames = gdsim.frames(race())
    for one, other in zip(frames, frames, strict=True):
        np.testing.assert_array_equal(one, other)


def trails_of(frames: Frames) -> list[Trail]:
    return [trail for layer in views(frames) for trail in only(layer.primitives, Trail)]


def passed(trail: Trail, start: int, reach: int = 4) -> np.ndarray:
    """Which pixels of a picture of 640 × 360 are within a reach of the path of one start, (360, 640)."""
    times = np.linspace(0, trail.times[-1], 5000)
    x, y = (np.interp(times, trail.times, trail.points[:, start, axis]) for axis in (0, 1))
    found = np.zeros((360, 640), np.bool_)
    for right, up in np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2), -1).reshape(-1, 2):
        found[(360 - y - up).astype(int).clip(0, 359), (x + right).astype(int).clip(0, 639)] = True
    return found


@pytest.mark.parametrize(("steps", "starts"), [(40, 1), (3000, 1), (200, 30)])
def test_trails_drawn_stretch_by_stretch_look_like_trails_drawn_at_once(steps, starts):
    valley = gdsim.objective("himmelblau")
    start = np.random.default_rng(0).uniform(-4, 4, (starts, 2))
    scene = build_scene(
        [gdsim.descend(valley, "Adam", start=start, steps=steps, lr=0.02)],
        view=View(size=[640, 360]),
        animation=Animation(seconds=4),
    )
    frames = gdsim.frames(scene)
    *_, last = frames
    # In a scene of one frame nothing is drawn for good before it. Where the paths of several starts are close, the
    # later stretches of one cover the earlier ones of another with their borders, instead of all borders being below.
    alone = np.sum([passed(trail, k) for trail in trails_of(frames) for k in range(trail.points.shape[1])], axis=0) < 2
    assert alone.mean() > 0.97
    assert psnr(last[alone], at_once(scene)[alone]) > 50
    assert psnr(last, at_once(scene)) > (50 if starts == 1 else 38)


def head_extents(frame, x: float, y: float, color: str) -> list[float]:
    """How far a color reaches from a place in eight directions, in pixels, right first and counterclockwise."""
    same = (frame == [round(255 * part) for part in to_rgb(color)]).all(-1)
    found = []
    for angle in np.arange(8) * np.pi / 4:
        ray = np.arange(0, 30, 0.25)[:, None] * [np.cos(angle), np.sin(angle)] + [x, y]
        inside = same[(frame.shape[0] - ray[:, 1]).astype(int), ray[:, 0].astype(int)]
        found.append(0.25 * (len(ray) if inside.all() else inside.argmin()))
    return found


@pytest.mark.parametrize("index", [10, 25, 49])
def test_heads_are_centered_where_the_iterates_are(index):
    # To the upper right along a diagonal: the path is in one direction, and the head is seen in all others.
    scene, frames = bowl(steps=30, lr=0.05)
    (layer,), (path,) = frames.layers, scene.facets[0].paths
    frame = frames.at(frames.moment(index))
    time, box, limits = scene.frame_steps[index], layer.viewport.box, scene.facets[0].limits
    step, share = int(time), time % 1
    points = path.points[[step, min(step + 1, 30)], 0]
    place = (points[0] + share * (points[1] - points[0]) - limits[:, 0]) / (limits[:, 1] - limits[:, 0])
    extents = head_extents(frame, box.x + place[0] * box.width, box.y + place[1] * box.height, path.style.color)
    free = [extent for i, extent in enumerate(extents) if i != 5]
    assert path.style.marker == "o"
    assert np.ptp(free) <= 1.5
    assert min(free) >= 3


def read_digits(frames: Frames, frame) -> str:
    """The number that is drawn at the counter, read by comparing each place with text that matplotlib draws there."""
    counter, canvas = frames.counter, frames.canvas
    page = [round(255 * part) for part in to_rgb(frames.scene.theme.page)]
    read = ""
    for place in range(counter.places):
        left = counter.left + place * counter.pitch
        area = (counter.rows, slice(round(left), round(left + counter.pitch)))
        errors = {" ": np.abs(frame[area].astype(int) - page).sum()}
        for digit in "0123456789":
            text = canvas.text(left, canvas.layout.counter[1], digit, loose=True, color=frames.scene.theme.quiet)
            text.set_verticalalignment("baseline")
            renderer = RendererAgg(*frames.size, 100)
            pixels = np.asarray(renderer.buffer_rgba())
            pixels[...] = [*page, 255]
            text.draw(renderer)
            errors[digit] = np.abs(frame[area].astype(int) - pixels[area][..., :3]).sum()
        read += min(errors, key=errors.get)
    return read


def test_the_counter_shows_the_step_of_each_frame():
    scene = race(steps=120, panels=[], seconds=1)
    frames = gdsim.frames(scene)
    drawn = list(frames)
    wanted = [int(step) for step in scene.frame_steps]
    assert wanted[-1] == 120
    chosen = [0, 1, 7, 12, 18, 24]
    assert [read_digits(frames, drawn[index]) for index in chosen] == [f"{wanted[index]:>3}" for index in chosen]


@pytest.mark.parametrize("theme", ["light", "dark", "slide"])
def test_page_panel_and_heads_have_the_themes_colors(theme):
    scene = race(theme=theme, panels=["gradient_norm"])
    frames = gdsim.frames(scene)
    poster, look = frames.poster(), THEMES[theme]
    exact = [tuple(round(255 * part) for part in to_rgb(color)) for color in (look.page, look.text, *look.paths[:3])]
    assert {tuple(each) for each in poster[[0, 0, -1, -1], [0, -1, 0, -1]].tolist()} == {exact[0]}
    assert [tuple(color) for color in frames.colors[:5].tolist()] == exact
    box = frames.layers[0].viewport.box
    panel = poster[int(360 - box.top) + 2 : int(360 - box.y) - 2, int(box.x) + 2 : int(box.right) - 2]
    assert count(panel, look.panel) > 0.5 * panel.shape[0] * panel.shape[1]
    trails = only(views(frames)[0].primitives, Trail)
    for (head,), style in zip(fanned(trails, 60.0), scene.styles, strict=True):
        assert style.color == look.paths[scene.styles.index(style)]
        # The last one is on top of the others where they meet.
        if style is scene.styles[-1]:
            assert count(around(poster, *head, 1), style.color) == 9


def boxes(frames: Frames) -> list[tuple[str, np.ndarray]]:
    """What every piece of text covers, in pixels."""
    with frames.settings():
        frames.canvas.agg.draw()  # which moves the names of axes away from their tick labels
    renderer = frames.canvas.agg.get_renderer()
    found = []
    for text in frames.canvas.figure.findobj(Text):
        if text.get_text().strip() and text.get_visible():
            found.append((text.get_text(), text.get_window_extent(renderer).extents))
    if frames.counter is not None:
        frames.counter.draw(renderer, frames.scene.steps)
        found.append(("counter", frames.counter._number.get_window_extent(renderer).extents))
    return found


def overlapping(found: list[tuple[str, np.ndarray]]) -> list[tuple[str, str]]:
    def meet(a, b):
        return min(a[2], b[2]) - max(a[0], b[0]) > 1 and min(a[3], b[3]) - max(a[1], b[1]) > 1

    return [(one, other) for i, (one, a) in enumerate(found) for other, b in found[i + 1 :] if meet(a, b)]


def assert_whole_and_apart(found, size):
    width, height = size
    for words, (left, bottom, right, top) in found:
        assert left >= -1, words
        assert bottom >= -1, words
        assert right <= width + 1, words
        assert top <= height + 1, words
    assert overlapping(found) == []


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("labels", [["SGD"], ["SGD", "Momentum", "Adam"], ["an absurdly long label " * 3] * 12])
def test_no_text_is_cut_or_overlaps_at_any_size(size, labels):
    frames = Frames(
        race(labels=labels, size=size, steps=10, title="A title that is rather long for so small a picture")
    )
    found = boxes(frames)
    assert_whole_and_apart(found, size)


ALL_PANELS = ["loss", "gradient_norm", "distance", "learning_rate", "step_size", "angle"]
LOOKS = {
    "grid of two": ({"layout": "grid"}, 2, ["himmelblau"]),
    "grid of nine": ({"layout": "grid", "panels": []}, 9, ["himmelblau"]),
    "grid of twelve": ({"layout": "grid", "panels": ["loss", "angle"]}, 12, ["goldstein_price"]),
    "six panels": ({"panels": ALL_PANELS, "against": "evaluations"}, 3, ["himmelblau"]),
    "three panels under": ({"panels": ALL_PANELS[:3], "panels_at": "under"}, 3, ["himmelblau"]),
    "no panel": ({"panels": []}, 1, ["schwefel"]),
    "curves": ({"layout": "grid", "arrows_at": "curve", "vectors": True}, 4, ["double_well"]),
    "a curve": ({"vectors": True}, 12, ["double_well"]),
    "a matrix": ({}, 3, ["himmelblau", "schwefel", "double_well"]),
    "a full matrix": ({"layout": "grid"}, 3, ["himmelblau", "goldstein_price"]),
    "for a slide": ({"theme": "slide", "fill": "heat"}, 3, ["himmelblau"]),
    "bare lines": ({"theme": "ggplot", "fill": "none", "levels": "rank", "vectors": True}, 2, ["branin"]),
    "a surface": ({"kind": "surface"}, 3, ["himmelblau"]),
    "surfaces": ({"kind": "surface", "layout": "grid", "heights": "log"}, 4, ["rosenbrock"]),
}


def look(name: str, size, label="an absurdly long label that nobody would ever write"):
    view, count, names = LOOKS[name]
    objectives = [gdsim.objective(each) for each in names]
    paths = [
        gdsim.descend(objective, "Adam", start=objective.start, steps=6, lr=0.1, label=f"{label} {i}")
        for objective in objectives
        for i in range(count)
    ]
    return build_scene(paths, view=View(size=list(size), **view))


@pytest.mark.parametrize("size", [(320, 180), (720, 1280), (800, 600), (1280, 720)])
@pytest.mark.parametrize("name", LOOKS)
def test_no_text_is_cut_or_overlaps_in_any_look(name, size):
    frames = Frames(look(name, size))
    found = boxes(frames)
    assert_whole_and_apart(found, size)


@pytest.mark.parametrize(
    "name", ["goldstein_price", "schwefel", "branin", "eggholder", "double_well", "cubic", "bukin_6"]
)
def test_no_text_overlaps_whatever_the_numbers(name):
    objective = gdsim.objective(name)
    path = gdsim.descend(objective, "SGD", start=objective.start, steps=5, lr=1e-6)
    assert overlapping(boxes(Frames(build_scene([path])))) == []
    assert overlapping(boxes(Frames(preview_scene(objective)))) == []


@pytest.mark.parametrize("size", SIZES)
def test_type_is_large_enough_to_read(size):
    frames = Frames(race(size=size, steps=5))
    smallest = min(text.get_fontsize() for text in frames.canvas.figure.findobj(Text) if text.get_text())
    assert smallest * 100 / 72 >= max(0.022 * min(size), 7.9)


def test_a_path_that_leaves_gets_a_note_outside_the_view_unless_tick_labels_are_there():
    """Gradient descent on x² − y² goes straight up and down, away from the saddle."""
    saddle = gdsim.objective("0*x - y**2", bounds=[[-2, 2], [-2, 2]])
    paths = [
        gdsim.descend(saddle, "SGD", start=[0.0, y], steps=20, lr=0.5, label=label)
        for y, label in ((0.5, "up"), (-0.5, "down"))
    ]
    frames = Frames(build_scene(paths, view=View(size=[1280, 720])))
    (layer,) = views(frames)
    marks, box = only(layer.primitives, EventMarks), layer.viewport.box
    # 0.5, 1, 2, 4: the third step leaves the view.
    assert [each.text.get_text() for each in marks] == ["leaves at step 3", "leaves at step 3"]
    assert [each.text.get_color() for each in marks] == [style.color for style in frames.scene.styles]
    renderer = frames.canvas.agg.get_renderer()
    up, down = (each.text.get_window_extent(renderer) for each in marks)
    assert box.top - 2 <= up.y0 < up.y1 <= frames.size[1]
    assert box.y <= down.y0 < down.y1 <= box.y + 2 * frames.canvas.em
    notes = [("up", tuple(up.extents)), ("down", tuple(down.extents))]
    assert not [pair for pair in overlapping([*boxes(frames), *notes]) if {*pair} & {"up", "down"}]


def test_a_formula_that_has_no_room_in_the_subtitle_is_under_it_and_left_out_only_where_it_fits_nowhere():
    path, lines = gdsim.descend("beale", "SGD", start=[1.0, 1.5], steps=20, lr=0.01), []
    for size in ([1280, 720], [640, 720], [160, 280]):
        frames = Frames(build_scene([path], view=View(size=size, theme="slide", title="SGD")))
        found = boxes(frames)
        assert overlapping(found) == []
        formulas = [box for words, box in found if words.startswith("$f(x, y) =")]
        assert len(formulas) == 1 - any("formula" in words for words in frames.left_out)
        (name,) = (box for words, box in found if words == "Beale")
        lines += ["under" if box[3] < name[1] + 2 else "beside" for box in formulas]
    assert lines == ["beside", "under"]


def near(a, b, gap: float) -> bool:
    """Whether two boxes, (left, bottom, right, top), are less than a gap apart."""
    return all(max(a[k], b[k]) - min(a[k + 2], b[k + 2]) < gap for k in (0, 1))


@pytest.mark.parametrize("size", [[1280, 720], [640, 360], [720, 720]])
@pytest.mark.parametrize(
    ("objective", "start", "settings"),
    [
        ("saddle", [-1.8, 0.01], [{"lr": 0.05}, {"lr": 0.02, "momentum": 0.9}, {"lr": 0.06}]),
        ("rosenbrock", [-1.5, 2.0], [{"lr": 0.001}, {"lr": 0.004, "momentum": 0.9}]),
        ("himmelblau", [-0.5, 4.2], [{"lr": 0.04}, {"lr": 0.05}, {"lr": 0.06}]),
    ],
)
def test_notes_of_exits_say_the_step_apart_from_other_text_and_near_their_marks(objective, start, settings, size):
    function = gdsim.objective(objective)
    paths = [
        gdsim.descend(function, "SGD", start=start, steps=120, label=f"path {i}", **each)
        for i, each in enumerate(settings)
    ]
    frames = Frames(build_scene(paths, view=View(size=size)))
    (layer,), em = views(frames), frames.canvas.em
    marks = only(layer.primitives, EventMarks)
    exits = [exit_ for path in layer.facet.paths for exit_ in path.exits]
    renderer, header = frames.canvas.agg.get_renderer(), boxes(frames)
    notes = [each.text.get_window_extent(renderer).extents for each in marks]
    assert len(notes) == len(exits) > 0
    for k, (each, exit_, note) in enumerate(zip(marks, exits, notes, strict=True)):
        assert each.text.get_text() in {f"leaves at step {exit_.step}", f"step {exit_.step}"}
        assert not [words for words, other in header if near(note, other, 0.15 * em)]
        assert not [other for other in notes[:k] if near(note, other, 0.15 * em)]
        corner = np.array([note[:2], note[2:]])
        gap = np.maximum(corner[0] - each.points[0], each.points[0] - corner[1])
        assert gap.max() < 5 * em


def test_arrows_are_centred_point_uphill_and_stay_apart():
    rng = np.random.default_rng(1)
    middle, direction = rng.uniform(0, 100, (50, 2)), rng.normal(size=(50, 2))
    length = rng.uniform(1, 30, 50)
    shapes = arrow_shapes(middle, direction, length, 2.0)
    tip = shapes[:, 3]
    tail = (shapes[:, 0] + shapes[:, 6]) / 2
    np.testing.assert_allclose((tip + tail) / 2, middle)
    np.testing.assert_allclose(np.linalg.norm(tip - tail, axis=-1), length)
    unit = direction / np.linalg.norm(direction, axis=-1, keepdims=True)
    np.testing.assert_allclose((tip - tail) / length[:, None], unit)
    assert np.linalg.norm(shapes - middle[:, None], axis=-1).max() <= 1.01 * length.max() / 2


def test_an_arrow_of_no_length_is_a_point():
    assert np.isfinite(arrow_shapes(np.ones((1, 2)), np.zeros((1, 2)), np.zeros(1), 2.0)).all()


@pytest.mark.parametrize("suffix", ["svg", "pdf"])
def test_the_poster_is_a_vector_picture_too(tmp_path, suffix):
    path = tmp_path / f"poster.{suffix}"
    scene = race(title="Twin <valleys> & more")
    gdsim.frames(scene).save_poster(path)
    first = path.read_bytes()
    gdsim.frames(scene).save_poster(path)
    assert path.read_bytes() == first
    if suffix == "pdf":
        assert first.startswith(b"%PDF")
        return
    root = ET.fromstring(first)  # noqa: S314  (our own file)
    drawn = first.decode()
    assert root.tag.endswith("svg")
    assert all(style.color.lower() in drawn.lower() for style in scene.styles)


def test_paths_in_a_vector_picture_begin_where_their_start_is(tmp_path):
    scene = race(labels=["SGD"], panels=["loss"])
    frames = Frames(scene)
    frames.save_poster(tmp_path / "poster.svg")
    drawn = (tmp_path / "poster.svg").read_text(encoding="utf-8")
    color = scene.styles[0].color
    begun = {
        tuple(float(number) for number in re.match(r"M ([-0-9.]+) ([-0-9.]+)", path[1]).groups())
        for path in re.finditer(r'<path d="(M [^"]+)"[^>]*stroke: ' + color, drawn)
    }
    spots = [(views(frames)[0], scene.facets[0].paths[0].points[:1, 0])]
    spots.append((frames.layers[0], scene.groups[0].panels[0].curves[0].points[:1, 0]))
    for layer, spot in spots:
        x, y = layer.viewport.pixels(spot, Moment(0.0, 0.0))[0]
        # An SVG counts in 1/72 inches, and down.
        place = np.array([x, 360 - y]) * 72 / 100
        assert min(np.linalg.norm(place - each) for each in begun) < 0.01


def test_a_surface_in_a_vector_picture_is_seen_as_in_the_last_frame(tmp_path):
    view = {"kind": "surface", "camera": {"orbit": 90}}
    scene = race(labels=["SGD"], panels=[], **view)
    frames = Frames(scene)
    frames.save_poster(tmp_path / "poster.svg")
    drawn = (tmp_path / "poster.svg").read_text(encoding="utf-8")
    assert drawn.count("<image") == 1
    (layer,) = frames.layers
    posed = layer.viewport.pose(Moment(60.0, 1.0), 1)
    words = {artist.get_text() for artist in posed if isinstance(artist, Text)}
    assert len(words) > 5
    assert words <= set(re.findall(r"<!-- (.*?) -->", drawn))


def test_a_dollar_sign_in_a_label_or_title_is_a_dollar_sign():
    frames = Frames(race(labels=["$\\frac{1}"], title="100 $ and a $x$"))
    words = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert "100 $ and a $x$" in words
    assert frames.poster().any()


@pytest.mark.parametrize(
    ("scale", "offset"), [(1e-12, 0.0), (1e12, 0.0), (0.0, 3.0), (1.0, 1e9)], ids=["tiny", "huge", "flat", "far"]
)
def test_fields_of_any_size_can_be_drawn(scale, offset):
    sphere = gdsim.objective("sphere")
    odd = replace(sphere, f=lambda p: scale * sphere.f(p) + offset, minimum=offset)
    path = gdsim.descend(odd, "Adam", start=[2, 1], steps=20, lr=0.1)
    frames = Frames(build_scene([path], view=View(size=[640, 360])))
    assert len(list(frames)) == 150
    assert overlapping(boxes(frames)) == []


def around(frame, x: float, y: float, reach: int = 2):
    """The pixels around a place in pixels from the lower left corner."""
    row, column = int(frame.shape[0] - y), int(x)
    return frame[row - reach : row + reach + 1, column - reach : column + reach + 1]


def bowl(steps=30, lr=0.05, **view):
    """Plain SGD down a round bowl: a straight line towards the origin."""
    path = gdsim.descend(gdsim.objective("sphere"), "SGD", start=[-4, -3], steps=steps, lr=lr)
    scene = build_scene([path], view=View(**{"size": [640, 360], "panels": [], "arrows": "none", **view}))
    return scene, Frames(scene)


def places(frames: Frames, points) -> np.ndarray:
    return views(frames)[0].viewport.pixels(np.asarray(points, float), Moment(0.0, 0.0))


def test_a_fading_trail_reaches_exactly_that_many_steps_back():
    slope = gdsim.objective("3*x + 2*y", bounds=[[-4, 4], [-4, 4]])
    # Steps of one length along a straight line, some seven pixels each.
    path = gdsim.descend(slope, "SGD", start=[3.5, 3.0], steps=40, lr=0.05)
    view = View(size=[640, 360], panels=[], arrows="none", theme="light")
    frames = Frames(build_scene([path], view=view, animation=Animation(trail=10)))
    moment = frames.moment(len(frames) // 2)
    here = frames.at(moment)
    first, last = places(frames, path.points[[0, 40], 0])
    along = (last - first) / np.linalg.norm(last - first)
    pitch = np.linalg.norm(last - first) / 40
    changed = np.argwhere((here != frames.at(frames.moment(0))).any(-1)[60:])
    way = ((changed[:, ::-1] * [1, -1] + [0.5, 360 - 60 - 0.5]) - first) @ along / pitch
    assert pitch > 5
    # Near the start, the first frame has a head.
    assert way[way > 4].min() == pytest.approx(moment.time - 10, abs=0.4)
    np.testing.assert_array_equal(list(frames)[-1], frames.poster())


def test_the_arrows_at_a_head_point_uphill_downhill_and_where_the_step_went():
    scene, frames = bowl(vectors=True)
    (path,) = scene.facets[0].paths
    moment = Moment(float(int(frames.moment(20).time)), 0.5)
    frame = frames.at(moment)
    head = path.points[int(moment.time), 0]
    here, there = places(frames, [head, head + path.gradients[int(moment.time), 0]])
    along = (there - here) / np.linalg.norm(there - here)
    em = frames.canvas.em
    # The gradient is the largest of the path, so that both its arrows have their heads some four ems away.
    uphill, downhill, step = (here + way * em * along for way in (3.8, -3.8, -1.2))
    solid, hollow = (
        [count(around(frame, *place, 3), color) for color in (scene.theme.text, scene.theme.page)]
        for place in (uphill, downhill)
    )
    assert solid[0] >= 10 > solid[1]
    assert hollow[1] >= 10 > hollow[0]
    assert count(around(frame, *step), path.style.color) >= 1


def test_an_arrow_at_a_head_points_downhill_from_wherever_the_head_is():
    scene, frames = bowl(arrows="heads")
    (path,) = scene.facets[0].paths
    for index in (2, 60):
        moment = frames.moment(index)
        head = path.points[int(moment.time), 0]
        here, there = places(frames, [head, head - path.gradients[int(moment.time), 0]])
        along, em = (there - here) / np.linalg.norm(there - here), frames.canvas.em
        frame = frames.at(moment)
        assert count(around(frame, *(here + 3.5 * em * along), 3), scene.theme.text) >= 1
        assert count(around(frame, *(here - 3.5 * em * along), 3), scene.theme.text) == 0


def test_each_facet_of_a_grid_shows_its_own_path_alone():
    scene = race(layout="grid", panels=[])
    frames = Frames(scene)
    poster = frames.poster()
    for layer, style in zip(views(frames), scene.styles, strict=True):
        box = layer.viewport.box
        inner = poster[int(360 - box.top) : int(360 - box.y), int(box.x) : int(box.right)]
        seen = [count(inner, each.color) > 20 for each in scene.styles]
        assert seen == [each is style for each in scene.styles]


def test_feet_stand_in_lanes_under_the_heads_of_a_curve():
    well = gdsim.objective("double_well")
    paths = [gdsim.descend(well, "SGD", start=[1.6], steps=10, lr=0.01, label=label) for label in "ab"]
    scene = build_scene(paths, view=View(size=[640, 360], panels=[], arrows="none"))
    frames = Frames(scene)
    poster, box = frames.poster(), frames.layers[0].viewport.box
    heads = [places(frames, path.points[-1:, 0])[0] for path in scene.facets[0].paths]
    strip = poster[int(360 - box.y - 0.1 * box.height) : int(360 - box.y)]
    for (x, _), style in zip(heads, scene.styles, strict=True):
        column = strip[:, int(x) - 2 : int(x) + 3]
        assert count(column, style.color) >= 9


def test_paths_on_one_curve_are_side_by_side():
    well = gdsim.objective("x**2", bounds=[[-2, 2]])
    paths = [gdsim.descend(well, "SGD", start=[1.6], steps=10, lr=0.1, label=label) for label in "ab"]
    frames = Frames(build_scene(paths, view=View(panels=[], arrows="none")))
    poster, spot = frames.poster(), places(frames, np.array([[1.2, 1.44]]))[0]
    for style in frames.scene.styles:
        assert count(around(poster, *spot, 8), style.color) > 5


def test_a_path_behind_a_hill_shines_through_it():
    hill = gdsim.objective("5*exp(-(x**2 + y**2))", bounds=[[-3, 3], [-3, 3]])
    # The camera looks along the first coordinate; one path runs before the hill, the other behind it.
    path = gdsim.descend(hill, "SGD", start=[[1.5, -0.8], [-1.5, -0.8]], steps=1, lr=0.0)
    moved = replace(path, points=path.points + np.array([0, 1])[:, None, None] * [0.0, 1.6])
    view = View(kind="surface", size=[1280, 720], panels=[], arrows="none", camera={"azimuth": 0, "elevation": 20})
    frames = Frames(build_scene([moved], view=view))
    poster, (layer,) = frames.poster(), frames.layers
    middle = np.array([[x, 0.0, 0.0] for x in (1.5, -1.5)])
    middle[:, 2] = [np.exp(-2.25), np.exp(-2.25)]
    moment = frames.moment(len(frames) - 1)
    before, behind = layer.viewport.pixels(middle, moment)
    assert layer.viewport.hidden(middle, moment).tolist() == [False, True]
    color = frames.scene.styles[0].color
    wanted = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)])
    clear, faint = (np.abs(around(poster, *at, 4) - wanted.astype(float)).max(-1).min() for at in (before, behind))
    assert clear < 10 < faint < 80
    # Before the path the hill is translucent: less of its color is seen than at the sides of the path.
    front, beside = (around(poster, *(behind + move), 1).mean() for move in ([0, -5], [0, -25]))
    assert front > beside + 15


def arrows_of(frames: Frames) -> list[tuple[np.ndarray, np.ndarray]]:
    """Tails and tips of the arrows in the view, in coordinates of the objective."""
    axes = views(frames)[0].viewport.axes
    found = []
    for each in axes.collections:
        if isinstance(each, PolyCollection) and len(each.get_paths()[0].vertices) == 8:
            shapes = np.array([path.vertices[:7] for path in each.get_paths()]) * 100
            ends = np.stack([(shapes[:, 0] + shapes[:, 6]) / 2, shapes[:, 3]])
            found += list(zip(*axes.transData.inverted().transform(ends.reshape(-1, 2)).reshape(2, -1, 2), strict=True))
    return found


@pytest.mark.parametrize("size", [(640, 360), (400, 600)])
def test_drawn_arrows_point_uphill(size):
    valley = gdsim.objective("himmelblau", bounds=[[-5, 5], [-2, 2]])
    arrows = arrows_of(Frames(preview_scene(valley, view=View(size=list(size)))))
    assert len(arrows) > 50
    for tail, tip in arrows:
        middle = (tail + tip) / 2
        assert (valley.gradients(middle)[1] * (tip - tail)).sum() >= 0


@pytest.mark.parametrize("arrows_at", ["axis", "curve"])
def test_drawn_derivatives_point_uphill_and_are_coloured_by_sign(arrows_at):
    wave = gdsim.objective("sin(x)", bounds=[0, 6.2832])
    frames = Frames(preview_scene(wave, view=View(size=[640, 360], arrows_at=arrows_at)))
    arrows = arrows_of(frames)
    assert len(arrows) >= 10
    for tail, tip in arrows:
        x = (tail + tip)[0] / 2 if arrows_at == "axis" else tail[0]
        assert (tip - tail)[0] * np.cos(x) >= 0
        if arrows_at == "curve":
            assert tail[1] == pytest.approx(np.sin(x), abs=0.02)
    theme, poster = frames.scene.theme, frames.poster()
    assert count(poster, theme.rising) > 20
    assert count(poster, theme.falling) > 20


def test_the_colour_bar_tells_the_values_of_the_colours():
    valley = gdsim.objective("sphere", bounds=[[-5, 5], [-5, 5]])
    frames = Frames(preview_scene(valley, view=View(size=[640, 360], arrows="none", levels="linear")))
    levels = frames.scene.facets[0].model.levels
    bar = next(axes for axes in frames.canvas.figure.axes if axes is not views(frames)[0].viewport.axes)
    words = [label.get_text() for label in bar.get_yticklabels()]
    assert words == list(levels.labels)[: len(words)] or set(words) <= set(levels.labels)
    poster = frames.poster()
    for tick, word in zip(bar.get_yticks(), words, strict=True):
        value = float(word.replace("−", "-"))
        assert levels.edges[int(tick)] == pytest.approx(value)
        if 1 < value < 24:
            # Just above an edge, bar and field have one colour.
            x, y = bar.transData.transform((0.5, tick + 0.5))
            inside = (levels.edges[int(tick)] + levels.edges[int(tick) + 1]) / 2
            # Along this diagonal, the light from the upper left neither brightens nor darkens the field.
            (field_x, field_y) = places(frames, [[np.sqrt(inside / 2)] * 2])[0]
            assert np.abs(around(poster, x, y, 0).astype(int) - around(poster, field_x, field_y, 0)).max() <= 12


def test_minima_are_marked_where_they_are():
    frames = Frames(preview_scene(gdsim.objective("himmelblau"), view=View(size=[640, 360], arrows="none")))
    poster = frames.poster()
    for x, y in places(frames, gdsim.objective("himmelblau").minima):
        assert count(around(poster, x, y, 1), frames.scene.theme.minimum) >= 3


def test_a_users_own_settings_of_matplotlib_change_nothing():
    plain = list(gdsim.frames(race(seconds=1)))
    own = {"font.weight": "bold", "axes.grid": True, "path.sketch": (3, 10, 1), "xtick.labelbottom": False}
    with rc_context({**own, "text.hinting": "force_autohint"}):
        frames = gdsim.frames(race(seconds=1))
        np.testing.assert_array_equal(list(frames), plain)
        np.testing.assert_array_equal(frames.poster(), plain[-1])
        assert rcParams["text.hinting"] == "force_autohint"


def over(frame, color) -> np.ndarray:
    """A see-through frame, (H, W, 4), put over a page of one colour."""
    ground = np.array([round(255 * part) for part in to_rgb(color)])
    share = frame[..., 3:] / 255
    return np.round(frame[..., :3] * share + ground * (1 - share)).astype(np.uint8)


def scene_of(kind: str, theme: str):
    if kind == "curve":
        paths = [gdsim.descend(gdsim.objective("parabola"), "SGD", start=[-1.5], steps=30, lr=0.1)]
        return build_scene(paths, view=View(size=[640, 360], theme=theme), animation=Animation(seconds=0.4))
    return race(kind=kind, theme=theme, seconds=0.4)


@pytest.mark.parametrize(("kind", "theme"), [("contour", "light"), ("curve", "slide"), ("surface", "dark")])
def test_a_see_through_page_shows_what_an_opaque_one_does(kind, theme):
    scene = scene_of(kind, theme)
    frames, opaque = gdsim.frames(scene, transparent=True), gdsim.frames(scene)
    assert (frames.transparent, opaque.transparent) == (True, False)
    drawn = list(frames)
    np.testing.assert_array_equal(drawn[-1], frames.poster())
    for frame, other in zip(drawn, opaque, strict=True):
        assert (frame.shape, frame.dtype, frame.flags.c_contiguous) == ((360, 640, 4), np.uint8, True)
        # Type is set a little lighter with an outline; all else is the same.
        assert psnr(over(frame, scene.theme.page), other) > 25
        for layer in frames.layers:
            # Beside a panel, there is room for heads, which is clear except at the panel.
            box = layer.viewport.axes.get_window_extent()
            rows, columns = (
                slice(360 - int(box.y1) + 3, 360 - int(box.y0) - 3),
                slice(int(box.x0) + 3, int(box.x1) - 3),
            )
            inside, same = frame[rows, columns], other[rows, columns]
            if kind == "surface" and layer in views(frames):
                assert psnr(over(inside, scene.theme.page), same) > 34
            else:
                assert (inside[..., 3] == 255).all()
                np.testing.assert_array_equal(inside[..., :3], same)
    assert (drawn[-1][[0, 0, -1, -1], [0, -1, 0, -1], 3] == 0).all()
    assert (drawn[-1][..., 3] == 0).mean() > 0.2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_on_a_see_through_page_are_read_on_any_other(theme):
    scene = race(theme=theme)
    frames = gdsim.frames(scene, transparent=True)
    title = frames.poster()[:34, :200]
    assert title[..., 3].any()
    for ground in (scene.theme.text, scene.theme.page, "#808080"):
        shown = over(title, ground)
        # The letters are there as such, or as what their outline leaves of the ground.
        assert count(shown, scene.theme.text) > 50
        assert count(shown, scene.theme.page) > 50


def test_what_changes_on_a_see_through_page_is_opaque():
    # Else a format that keeps the frame before could not put the next one over it.
    first, *rest = gdsim.frames(race(steps=300), transparent=True).sparse(6)
    for frame in rest:
        changed = (frame != first).any(-1)
        assert changed[:34, 440:].any()
        assert (frame[changed][:, 3] == 255).all()


def test_a_see_through_vector_picture_has_no_page(tmp_path):
    scene, pages = race(theme="dark"), []
    for transparent in (True, False):
        gdsim.frames(scene, transparent=transparent).save_poster(tmp_path / "a.svg")
        page = ET.parse(tmp_path / "a.svg").find(".//*[@id='patch_1']/*")  # noqa: S314
        pages.append(page.get("style"))
    assert pages == ["fill: none", "fill: #0b0f17"]


def test_fewer_frames_are_some_of_all():
    frames = gdsim.frames(race())
    drawn = list(frames)
    fewer = frames.sparse(8)
    assert (len(fewer), len(frames)) == (8, 50)
    for one, other in zip(fewer, drawn[::7], strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("count", "told"), [(3, False), (14, True)])
def test_settings_that_have_no_room_in_the_legend_are_named(count, told):
    labels = [f"Momentum of nine tenths, as in the lecture of week {i}" for i in range(count)]
    optimizers = {
        each: {"class": "SGD", "lr": 0.01 + i / 1000, "momentum": 0.9 - i / 100} for i, each in enumerate(labels)
    }
    scene = replace(gdsim.animate("himmelblau", optimizers, steps=5).scene, trail=3)
    left_out = " ".join(gdsim.frames(scene).left_out)
    assert ("The legend has no room for the settings of" in left_out) == told
    assert (labels[2] in left_out) == told
