"""Pictures of sweeps: their colors, scales and words, against the figures that they show."""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64decode
from dataclasses import replace
from unittest.mock import Mock

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from selenium.webdriver.common.keys import Keys

import gdsim
from gdsim.errors import GdsimError
from gdsim.interrupts import pausing
from gdsim.render.display_list import START, EventMarks, Lines, ZoomTicks
from gdsim.render.images import MapImage
from gdsim.render.painter import only
from gdsim.scene.stability import curvature
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.sweeps import OUTCOMES
from gdsim.sweeps.result import box_dimension
from gdsim.web.player import Drawing, page, write_player
from tests.browse import visit, wait_for
from tests.commands import call
from tests.decode import unpacked

BASINS = """
objective: himmelblau
steps: 60
optimizers: {Adam: {lr: 0.3}, Momentum: {class: SGD, lr: 0.01, momentum: 0.9}}
sweep: {x: {setting: start}, y: {setting: start}, size: [16, 12], show: minimum}
view: {size: [640, 360]}
animation: {fps: 10, seconds: 2}
"""
RATES = """
objective: {name: quadratic, condition: 20}
start: [-4, 3]
steps: 30
optimizers: {Momentum: {class: SGD, lr: 0.1}}
sweep:
  x: {setting: optimizers.Momentum.lr, range: [0.01, 1], scale: log}
  y: {setting: optimizers.Momentum.momentum, range: [0, 0.9]}
  size: [9, 7]
  show: [steps_to_tolerance, final_value]
  paths: [[0.03, 0.5]]
"""


def drawn(text, **options):
    experiment = gdsim.loads(text, **options)
    result = gdsim.sweep(experiment)
    return result, build_sweep_scene(experiment, result)


@pytest.fixture(scope="module")
def basins():
    return drawn(BASINS)


@pytest.fixture(scope="module")
def rates():
    return drawn(RATES)


def maps(scene):
    frames = gdsim.frames(scene)
    return frames, [image for layer in frames.layers for image in only(layer.primitives, MapImage)]


def cells(frame, image, shape):
    """Return the color in the middle of each cell of a map in a frame, from the lowest row."""
    rows, columns = (
        (np.arange(n) + 0.5) * size / n for n, size in zip(shape, (image.rect.height, image.rect.width), strict=True)
    )
    at = np.ix_(image.rect.top + rows.astype(int), image.rect.left + columns.astype(int))
    return frame[at][::-1]


def test_a_cell_has_the_hue_of_its_minimum_and_is_hatched_before_it_is_known(basins):
    result, scene = basins
    frames, images = maps(scene)
    hues = np.array([to_rgb(color) for color in scene.theme.paths[: len(result.objective.minima)]])
    for step in (25, 60):
        index = int(np.abs(scene.frame_steps - step).argmin())
        frame, wanted = frames.at(frames.moment(index)), result.at("minimum", int(scene.frame_steps[index]))
        for optimizer, image in enumerate(images):
            shown, minimum = cells(frame, image, (12, 16)) / 255, wanted[optimizer]
            # Mixed with black or white, a color keeps its hue. Stars cover some cells.
            spread = shown - shown.mean(-1, keepdims=True)
            likeness = spread @ (hues - hues.mean(-1, keepdims=True)).T
            likeness /= np.linalg.norm(hues - hues.mean(-1, keepdims=True), axis=-1)
            clear = np.linalg.norm(spread, axis=-1) > 0.1
            assert (likeness.argmax(-1) == minimum)[clear & (minimum >= 0)].all()
            assert (clear & (minimum >= 0)).sum() > 0.7 * (minimum >= 0).sum()
            assert not (clear & (minimum < 0)).any()


def test_in_a_vector_picture_the_hatch_is_below_the_map(basins, tmp_path):
    _, scene = basins
    gdsim.frames(scene).save_poster(tmp_path / "map.svg")
    text = (tmp_path / "map.svg").read_text()
    hatches, images = ([found.start() for found in re.finditer(each, text)] for each in ("LineCollection_", "<image"))
    # The sample in the key is drawn last.
    assert len(images) == 2 < len(hatches)
    assert all(max(each for each in hatches[:2] if each < image) for image in images)
    assert hatches[0] < images[0] < hatches[1] < images[1] < hatches[2]


def test_of_two_starts_with_one_minimum_the_faster_is_brighter(basins):
    result, scene = basins
    frames, images = maps(scene)
    brightness = cells(frames.poster(), images[0], (12, 16)).astype(float).sum(-1)
    stars = np.concatenate(
        [marks.points for layer in frames.layers[:1] for marks in only(layer.primitives, EventMarks)]
    )
    minimum, steps = result.figures["minimum"][0], result.minimum_steps[0]
    assert len(stars) == len(result.objective.minima)
    for each in range(4):
        own = steps[minimum == each]
        shades = np.array([np.median(brightness[(minimum == each) & (steps == step)]) for step in np.unique(own)])
        assert shades[0] > shades[-1]


def test_the_title_and_the_legend_say_the_shares(basins):
    result, scene = basins
    adam, momentum = (f"{100 * each.mean():.0f} %" for each in result.figures["solved"])
    assert scene.title == f"Adam reaches a minimum from {adam} of starts, Momentum from {momentum}"
    for index, style in enumerate(scene.legend):
        shares = [100 * (each == index).mean() for each in result.figures["minimum"]]
        assert style.settings == f"Adam {shares[0]:.0f} % · Momentum {shares[1]:.0f} %"
    assert "reached a minimum" in scene.alt_text


def test_a_page_knows_the_step_of_a_cell_however_many_there_are(basins):
    _, scene = basins
    (group,), late = scene.groups, 70_000
    (facet, *others) = group.facets
    model = replace(facet.model, appears=facet.model.appears + late)
    slow = replace(scene, groups=(replace(group, facets=(replace(facet, model=model), *others)),))
    found = [each for layer in Drawing(gdsim.frames(slow)).data["layers"] for each in layer["maps"]]
    appears = unpacked(found[0]["appears"], "<u4").reshape(model.appears.shape)
    np.testing.assert_array_equal(appears[::-1], model.appears)


def test_a_matrix_of_maps_of_categories_has_room_for_the_names_of_its_axes():
    _, scene = drawn("""
objective: sphere
start: [-4, 3]
steps: 9
optimizers: {A: {class: SGD, lr: 0.1, momentum: 0.1}, B: {class: SGD, lr: 0.1, momentum: 0.1, nesterov: true}}
sweep:
  x: {setting: "optimizers.*.lr", range: [0.01, 1], scale: log}
  y: {setting: "optimizers.*.momentum", range: [0.1, 0.9]}
  size: [4, 3]
  show: [outcome, solved]
""")
    canvas = gdsim.frames(scene).canvas
    renderer, figure = canvas.agg.get_renderer(), canvas.figure
    maps = [each for each in figure.axes if each.yaxis.label.get_text()]
    names = [label for each in maps for label in (each.xaxis.label, each.yaxis.label) if label.get_text()]
    assert sorted(each.get_text() for each in names) == ["lr"] * 2 + ["momentum"] * 4
    around = [*figure.axes, *(artist for artist in figure.artists if isinstance(artist, Text))]
    for name in names:
        extent = name.get_window_extent(renderer)
        assert not [each for each in around if extent.overlaps(each.get_window_extent(renderer))]


def test_numbers_have_one_scale_and_those_that_are_unknown_are_hatched(rates):
    result, scene = rates
    frames, images = maps(scene)
    steps = result.figures["steps_to_tolerance"][0]
    poster = frames.poster()
    shown = cells(poster, images[0], (7, 9)).astype(int)
    known = np.isfinite(steps)
    # The fewer steps, the brighter.
    order = np.argsort(steps[known], kind="stable")
    luminance = (shown[known] @ [299, 587, 114])[order]
    assert (np.diff(luminance) <= 0).all()
    assert luminance[0] > luminance[-1]
    palette = {tuple(color) for color in images[0].palette[:-1].tolist()}
    colors = [tuple(color) for color in shown.reshape(-1, 3).tolist()]
    assert [color in palette for color in colors] == known.ravel().tolist()


def test_the_fastest_settings_are_in_the_title_and_their_paths_in_a_view_of_their_own(rates):
    result, scene = rates
    steps = result.figures["steps_to_tolerance"][0]
    row, column = np.unravel_index(np.nanargmin(np.where(result.figures["solved"][0], steps, np.nan)), steps.shape)
    lr, momentum = result.x.values[column], result.y.values[row]
    assert (
        scene.title == f"Momentum is fastest at lr {lr:.2g} and momentum {momentum:.2g}: {steps[row, column]:.0f} steps"
    )
    assert [group.name for group in scene.groups] == ["steps to tolerance", "final value", "paths"]
    (path,) = scene.groups[-1].facets[0].paths
    nearest = result.x.values[np.abs(np.log(result.x.values / 0.03)).argmin()]
    own = gdsim.descend(result.objective, "SGD", start=[-4, 3], steps=30, lr=nearest, momentum=result.y.values[3])
    np.testing.assert_array_equal(path.points, own.points)


def test_the_edge_of_stability_is_where_descent_begins_to_diverge(rates):
    result, scene = rates
    assert curvature(result.objective) == pytest.approx(20, rel=1e-12)
    assert curvature(gdsim.objective("himmelblau")) is None
    edge = scene.facets[0].model.edge
    rate, momentum = 10 ** edge[:, 0], edge[:, 1]
    np.testing.assert_allclose(rate, 2 * (1 + momentum) / 20)
    for share, grows in ((0.97, False), (1.03, True)):
        run = gdsim.descend(
            result.objective, "SGD", start=[-4, 3], steps=400, lr=share * rate[20], momentum=momentum[20]
        )
        assert (run.values[-1, 0] > run.values[0, 0]) == grows
    lines = [line for layer in gdsim.frames(scene).layers for line in only(layer.primitives, Lines)]
    assert len(lines) == 2


NETWORK = """
objective: {network: mlp, data: {name: moons, n: 16}, hidden: [4], activation: tanh, batch_size: 16}
steps: 6
optimizers: {SGD: }
sweep:
  x: {setting: optimizers.SGD.lr, range: [0.1, 200], scale: log}
  y: {setting: optimizers.SGD.momentum, range: [0, 0.9]}
  size: [8, 5]
  show: outcome
view: {size: [640, 360]}
animation: {fps: 10, seconds: 2}
"""

ONE = """
objective: himmelblau
start: [-0.5, 4.2]
steps: 40
optimizers: {SGD: , Adam: }
sweep: {x: {setting: "optimizers.*.lr", range: [0.001, 1], scale: log}, points: 7, show: [steps_to_tolerance, outcome]}
view: {size: [640, 360]}
animation: {fps: 10, seconds: 2}
"""


@pytest.fixture(scope="module")
def one():
    experiment = gdsim.loads(ONE)
    result = gdsim.sweep(experiment)
    return result, build_sweep_scene(experiment, result)


def test_each_frame_shows_the_paths_with_one_value_of_the_setting(one):
    result, scene = one
    assert [float(text.removeprefix("lr ")) for text in scene.readings] == pytest.approx(result.x.values, rel=5e-3)
    assert sorted(set(scene.frame_steps.tolist())) == [*range(7)]
    for fan, name in zip(scene.facets[0].fans, ("SGD", "Adam"), strict=True):
        for points, lr in zip(fan.points, result.x.values, strict=True):
            own = gdsim.descend("himmelblau", name, start=[-0.5, 4.2], steps=40, lr=lr).points[:, 0]
            drawn = points[: len(own)]
            same = (drawn == own[: len(drawn)]).all(-1)
            # A path ends where it leaves the view for good.
            assert same.all() or (np.abs(own[np.argmin(same) - 1 :]) > 5).any(-1).all()


def test_the_last_frame_shows_the_value_with_which_most_optimizers_arrive(one):
    result, scene = one
    counts = result.figures["solved"].sum(0)
    steps = np.where(result.figures["solved"], result.figures["steps_to_tolerance"], 0).sum(0)
    best = min(range(7), key=lambda index: (-counts[index], steps[index]))
    assert scene.frame_steps[-1] == best < 6
    # Over all values, and back.
    changes = np.sign(np.diff(scene.frame_steps))
    assert np.flatnonzero(changes < 0).min() > np.flatnonzero(changes > 0).max()
    frames = gdsim.frames(scene)
    (panel, *_) = frames.layers
    rule, *heads = only(panel.primitives, Lines)
    lr = result.x.values
    left, right = rule.at(0)[0, 0], rule.at(6)[0, 0]
    expected = left + (right - left) * np.log(lr[best] / lr[0]) / np.log(lr[-1] / lr[0])
    assert rule.at(best)[:, 0] == pytest.approx([expected, expected], abs=1)
    arrives = [bool(np.isfinite(head.at(best)).all()) for head in heads]
    assert arrives == result.figures["solved"][:, best].tolist()


def test_without_a_known_minimum_the_last_frame_shows_where_the_optimizers_end_lowest():
    text = ONE.replace("himmelblau", "sin(3*x) + cos(2*y) + x^2/20").replace("steps_to_tolerance", "final_value")
    experiment = gdsim.loads(text)
    result = gdsim.sweep(experiment)
    scene = build_sweep_scene(experiment, result)
    finals = result.figures["final_value"]
    ranks = np.array([[sum(other < value for other in row) for value in row] for row in finals])
    assert scene.frame_steps[-1] == ranks.sum(0).argmin()


@pytest.mark.parametrize("varied", ["network", "objective"])
def test_without_one_function_for_all_paths_their_values_are_drawn(varied):
    text = {
        "network": NETWORK[: NETWORK.index("  y:")] + "  points: 5\n  show: final_value\n",
        "objective": ONE.replace("himmelblau", "{name: quadratic}").replace("optimizers.*.lr", "objective.condition"),
    }[varied]
    experiment = gdsim.loads(text, overrides=["sweep.x.range=[20, 1]"])
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    (facet,) = scene.facets
    assert (facet.model.kind, scene.formula) == ("values", "")
    setting = experiment.sweep.x.setting.replace("*", "SGD")
    lowest = gdsim.loads(text.partition("sweep:")[0], overrides=[f"{setting}=1"])
    own = gdsim.simulate(lowest)[0]
    losses = (own.training.batch_losses if varied == "network" else own.values).ravel()
    # The values of a setting are shown in ascending order.
    drawn = facet.fans[0].points[0]
    np.testing.assert_array_equal(drawn[:, 0], np.arange(len(losses)))
    across = facet.model.axes[1].places(losses)
    np.testing.assert_allclose(drawn[:, 1], across, rtol=1e-5, atol=1e-5)
    assert "step" in [text.get_text() for text in gdsim.frames(scene).canvas.figure.findobj(Text)]


def test_the_curves_are_the_figures_and_the_title_counts_decades(one):
    result, scene = one
    steps, outcome = scene.groups[0].panels
    for curve, figures in zip(steps.curves, result.figures["steps_to_tolerance"], strict=True):
        np.testing.assert_array_equal(curve.points[:, 0, 1], figures)
        np.testing.assert_allclose(curve.points[:, 0, 0], np.log10(result.x.values / 0.001), atol=1e-12)
    assert [outcome.names[int(code)] for code in outcome.curves[1].points[:, 0, 1]] == [
        OUTCOMES[code].value for code in result.figures["outcome"][1]
    ]
    decades = dict(zip(result.labels, result.figures["solved"].mean(-1) * 3 * 7 / 6, strict=True))
    best, worst = sorted(decades, key=decades.get, reverse=True)
    assert scene.title == (
        f"{best} reaches a minimum over {decades[best]:.2g} decades of lr, {worst} over {decades[worst]:.2g}"
    )


def test_a_page_has_the_figures_bit_for_bit_and_is_small(tmp_path):
    experiment = gdsim.loads(ONE, overrides=["sweep.points=41", "steps=150", "optimizers.RMSprop={}"])
    result = gdsim.sweep(experiment)
    scene = build_sweep_scene(experiment, result)
    text = write_player(scene, tmp_path / "page.html").read_text()
    assert len(text.encode()) < 1_000_000
    data = json.loads(re.search(r'id="gdsim-drawing">(.*?)</script>', text, re.DOTALL)[1])
    (steps, _) = data["figures"]
    values = np.frombuffer(b64decode(steps["values"]["f8"]), "<f8").reshape(3, 41)
    np.testing.assert_array_equal(values, result.figures["steps_to_tolerance"])
    assert [each["text"] for each in data["readings"]] == [*scene.readings]


def test_the_slider_of_a_page_changes_the_setting(one, tmp_path, browser):
    result, scene = one
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    slider = browser.find_element("id", "scrub")
    slider.send_keys(Keys.HOME)
    for index in range(3):
        assert browser.find_element("id", "step").text == scene.readings[index]
        slider.send_keys(Keys.ARROW_RIGHT)
    assert slider.get_attribute("aria-valuetext") == scene.readings[3]
    rows = [row.text.split(maxsplit=1) for row in browser.find_elements("css selector", "#figures tr")]
    wanted = [
        f"{steps[3]:.0f}" if np.isfinite(steps[3]) else "not reached" for steps in result.figures["steps_to_tolerance"]
    ]
    assert [row[1].rpartition(" ")[0] for row in rows] == wanted


def test_a_page_tells_the_figure_under_the_pointer(basins, tmp_path, browser):
    result, scene = basins
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    script = """
        const [column, row] = arguments, [map] = document.getElementById("player").controls.picture.layers[1].maps;
        const stage = document.getElementById("picture"), box = stage.getBoundingClientRect();
        const [x, y] = map.centerOf([column, row, 0]), [width, height] = [640, 360];
        const place = { clientX: box.left + x / width * box.width, clientY: box.top + y / height * box.height };
        stage.dispatchEvent(new PointerEvent("pointermove", place));
        return document.querySelector(".tip").innerText;
    """
    for column, row in ((3, 2), (12, 9), (15, 11)):
        told = browser.execute_script(script, column, row)
        minimum = result.figures["minimum"][1, row, column]
        assert told.startswith("Momentum, x of the start ")
        assert (scene.legend[minimum].label if minimum >= 0 else "no minimum") in told
        assert (minimum < 0) or str(result.minimum_steps[1, row, column]) in told


def test_a_page_that_opens_at_its_end_shows_the_map_of_the_last_frame(rates, tmp_path, browser):
    _, scene = rates
    frames, images = maps(scene)
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    script = """
        const { layers } = document.getElementById("player").controls.picture;
        return layers.flatMap((layer) => layer.maps).map(({ canvas, shape }) =>
            [shape, [...canvas.getContext("2d").getImageData(0, 0, ...shape).data]]);
    """
    shown = browser.execute_script(script)
    assert len(shown) == len(images)
    for ((columns, rows), colors), image in zip(shown, images, strict=True):
        found, wanted = (
            np.reshape(colors, (rows, columns, 4))[::-1],
            cells(list(frames)[-1], image, (rows, columns)),
        )
        known = found[..., 3] > 0
        assert known.any()
        # In the frame, the marks of paths and the line of stability cover some cells.
        assert (found[known, :3] == wanted[known, :3]).all(-1).mean() > 0.9


def test_a_zoom_runs_ever_smaller_ranges_around_its_point():
    text = RATES.replace("[steps_to_tolerance, final_value]", "steps_to_tolerance").replace("[[0.03, 0.5]]", "[]")
    experiment = gdsim.loads(text, overrides=["animation.zoom={to: [0.1, 0.3], factor: 4}"])
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    model = scene.facets[0].model
    assert len(scene) == 65  # 32 frames for each factor of 2, and the first
    assert scene.readings == ("1 ×", "2 ×", "4 ×")
    ranges = ["sweep.x.range=[0.0316227766016838, 0.316227766016838]", "sweep.y.range=[0.15, 0.6]"]
    inner = gdsim.sweep(gdsim.loads(text, overrides=ranges))
    np.testing.assert_array_equal(model.values[1], inner.figures["steps_to_tolerance"][0])
    frames = gdsim.frames(scene)
    (image,) = [each for layer in frames.layers for each in layer.images]
    # At a whole factor, the picture is that of its own range.
    colors = cells(frames.at(frames.moment(32)), image, (7, 9))
    wanted = np.where(np.isnan(model.shares[1])[..., None], colors, image.palette[image.cells[1][::-1]])
    np.testing.assert_array_equal(colors, wanted)


def test_the_tick_labels_of_a_zoom_move_with_the_values():
    text = RATES.replace("[steps_to_tolerance, final_value]", "steps_to_tolerance").replace("[[0.03, 0.5]]", "[]")
    experiment = gdsim.loads(text, overrides=["animation.zoom={to: [0.1, 0.3], factor: 8}", "view.size=[1280, 720]"])
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    frames = gdsim.frames(scene)
    (layer,) = frames.layers
    box, size = layer.viewport.box, np.array(frames.size)
    (image,) = layer.images
    # The cells around the ends of a range are half outside it.
    columns, rows = image.cells.shape[:0:-1]
    ends = [np.log10([0.01, 1]), np.array([0, 0.9])]
    for ticks, (low, high), count, to, begin, side in zip(
        only(layer.primitives, ZoomTicks),
        ends,
        (columns, rows),
        (np.log10(0.1), 0.3),
        (box.x, box.y),
        (box.width, box.height),
        strict=True,
    ):
        half = (high - low) / (count - 1) / 2
        shown = {}
        for time in (0, 0.4, 1, 1.6, 3):
            window = to + (np.array([low - half, high + half]) - to) / 2**time
            labels = list(ticks.shown(time))
            shown[time] = [label.get_text() for label in labels]
            for label in labels:
                value = float(label.get_text())
                value = np.log10(value) if ticks.axis == 0 else value
                expected = begin + side * (value - window[0]) / np.diff(window)[0]
                assert (np.array(label.get_position()) * size)[ticks.axis] == pytest.approx(expected, abs=0.01)
        assert min(map(len, shown.values())) >= 2
        assert set(shown[0]) != set(shown[3])


def test_the_page_of_a_zoom_tells_the_figure_of_the_frame_that_is_shown(tmp_path, browser):
    text = RATES.replace("[steps_to_tolerance, final_value]", "final_value").replace("[[0.03, 0.5]]", "[]")
    experiment = gdsim.loads(text, overrides=["animation.zoom={to: [0.1, 0.3], factor: 4}"])
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    script = """
        const { controls } = document.getElementById("player"), [map] = controls.picture.maps;
        const [time, across, up] = arguments, [left, top, width, height] = map.box;
        controls.go(time);
        const box = controls.picture.canvas.getBoundingClientRect(), [wide, high] = controls.picture.drawing.size;
        const place = [left + across * width, top + (1 - up) * height];
        document.getElementById("picture").dispatchEvent(new PointerEvent("pointermove", {
            clientX: box.left + place[0] / wide * box.width, clientY: box.top + place[1] / high * box.height,
        }));
        return [document.querySelector(".tip p").textContent, document.querySelector(".tip dd").textContent];
    """
    model, limits = scene.facets[0].model, scene.facets[0].limits
    rows, columns = model.values.shape[1:]
    # At 1.25 the image around the centre is still faint, at 1.75 it covers the outer one.
    for time, share, image in ((0, (0.2, 0.9), 0), (1.25, (0.55, 0.4), 1), (1.75, (0.55, 0.4), 2), (2, (0.1, 0.1), 2)):
        around = model.center + (np.array(share) - model.center) / 2**time  # as shares of the whole map
        inner = model.center + (around - model.center) * 2**image
        column, row = (inner * [columns, rows]).astype(int)
        cell = model.center + ((np.array([column, row]) + 0.5) / [columns, rows] - model.center) / 2**image
        x, y = limits[:, 0] + cell * np.diff(limits)[:, 0]
        name, told = browser.execute_script(script, time, *share)
        found = [float(each) for each in re.findall(r"[\d.]+", name)]
        assert found == pytest.approx([10**x, y], rel=6 * 10.0 ** -(4 + np.ceil(image * np.log10(2)))), time
        value, (mantissa, *exponent) = model.values[image, row, column], told.split("·10")
        raised = "".join(exponent).translate(str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789"))
        assert float(f"{mantissa}e{raised or 0}") == pytest.approx(value, rel=6e-4), time
    # The cell under a pointer that rests changes with the frame.
    before = browser.execute_script("return document.querySelector('.tip p').textContent")
    browser.execute_script("document.getElementById('player').controls.go(0.5)")
    assert browser.execute_script("return document.querySelector('.tip p').textContent") != before


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        (["sweep=null"], ("animation", "zoom")),
        (["sweep.y=null", "sweep.size=null"], ("animation", "zoom")),
        (["animation.zoom.to=[5, 0.3]"], ("animation", "zoom", "to", 0)),
    ],
)
def test_a_zoom_needs_two_ranges_that_hold_its_point(changes, key):
    text = RATES.replace("[[0.03, 0.5]]", "[]") + "animation: {zoom: {to: [0.1, 0.3], factor: 4}}\n"
    with pytest.raises(gdsim.ConfigError) as error:
        gdsim.loads(text, overrides=changes)
    assert error.value.problems[0].key == key


def drawing_of(page):
    """Return what a page draws, and the points of its runs, (optimizers, rows, columns), as shares of their view."""
    data = json.loads(re.search(r'id="gdsim-drawing">(.*?)</script>', page, re.DOTALL)[1])
    runs = data["runs"]
    for each in runs["each"]:
        counts, moves = (
            np.frombuffer(zlib.decompress(b64decode(each[name])), kind)
            for name, kind in (("counts", "<u4"), ("moves", "<i4"))
        )
        vertices = np.cumsum(moves.reshape(2, -1), axis=1).T / runs["units"]
        each["points"] = np.split(vertices, np.cumsum(counts)[:-1])
    return data


def away(points, line):
    """Return how far points (n, 2) are from the segments of a line (m, 2) at most, along either axis."""
    begins, moves = line[:-1], np.diff(line, axis=0)
    shares = ((points[:, None] - begins) * moves).sum(-1) / np.maximum((moves**2).sum(-1), 1e-12)
    nearest = begins + np.clip(shares, 0, 1)[..., None] * moves
    return np.abs(points[:, None] - nearest).max(-1).min(-1).max()


SETTINGS = """
objective: {name: quadratic, condition: 20, bounds: [[-5, 3], [-4, 4]]}
start: [-4, 3]
steps: 60
optimizers: {Momentum: {class: SGD}, Adam: , RMSprop: }
view: {size: [640, 360]}
sweep: {x: {setting: "optimizers.*.lr", range: [0.001, 0.2], scale: log}, y: {setting: SECOND}, size: [40, 36]}
"""


@pytest.mark.parametrize(
    "second",
    [
        "optimizers.Momentum.momentum, range: [0, 0.9]",
        "steps, range: [5, 40]",
        "start.0, range: [-4, 2]",
        "optimizers.Adam.noise, range: [0, 1]",
    ],
)
def test_the_runs_of_a_page_are_those_of_a_coarse_grid_of_cells(second):
    experiment = gdsim.loads(SETTINGS.replace("SECOND", second))
    result = gdsim.sweep(experiment)
    runs = build_sweep_scene(experiment, result).cell_runs()
    (columns, rows), limits = runs.places, np.array([[-5, 3], [-4, 4]])
    assert (columns[0], columns[-1], len(columns), rows[0], rows[-1], len(rows)) == (0, 39, 32, 0, 35, 32)
    for optimizer, row, column in ((0, 0, 0), (0, 14, 20), (1, 10, 31), (2, 31, 31)):
        label, setting = result.labels[optimizer], second.partition(",")[0]
        x, y = result.x.values[columns[column]], result.y.values[rows[row]]
        changes = {"steps": f"steps={y:.0f}", "start.0": f"start=[{y}, 3]"}.get(setting, f"{setting}={y}")
        plain = gdsim.loads(SETTINGS.partition("sweep:")[0], overrides=[f"optimizers.{label}.lr={x}", changes])
        own = next(each for each in gdsim.simulate(plain) if each.label == label).points[:, 0]
        shares = (own - limits[:, 0]) / np.diff(limits)[:, 0]
        drawn = runs.points[optimizer, row, column]
        np.testing.assert_allclose(drawn[: len(own)], shares, atol=1e-5)
        assert (drawn[len(own) :] == drawn[len(own) - 1]).all()


def test_the_runs_of_a_page_can_be_interrupted():
    experiment = gdsim.loads(SETTINGS.replace("SECOND", "steps, range: [10, 60]"))
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    ended = Mock(side_effect=[None, GdsimError("enough")])
    with pytest.raises(GdsimError, match="enough"), pausing(ended):
        scene.cell_runs()


def test_a_page_has_the_runs_of_cells_without_vertices_that_nobody_sees():
    experiment = gdsim.loads(SETTINGS.replace("SECOND", "optimizers.Momentum.momentum, range: [0, 0.9]"))
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    text = page(scene)
    assert len(text.encode()) < 1_500_000
    assert "The page contains the runs of 32 × 32 cells" in text
    runs = scene.cell_runs().points.reshape(3, 1024, -1, 2)
    data, count = drawing_of(text), 0
    for optimizer, each in enumerate(data["runs"]["each"]):
        for number in range(0, 1024, 31):
            drawn, own = each["points"][number], runs[optimizer, number]
            np.testing.assert_allclose(drawn[[0, -1]], own[[0, -1]], atol=2e-4)
            assert away(own, drawn) < 0.0025
            count += len(own) - len(drawn)
    assert count > 0


def test_the_runs_of_networks_are_their_losses():
    experiment = gdsim.loads(NETWORK)
    runs = build_sweep_scene(experiment, gdsim.sweep(experiment)).cell_runs()
    drawn, losses = [], []
    for row, column in ((0, 0), (2, 3), (4, 1)):
        lr, momentum = np.geomspace(0.1, 200, 8)[column], np.linspace(0, 0.9, 5)[row]
        changes = [f"optimizers.SGD.lr={lr}", f"optimizers.SGD.momentum={momentum}"]
        (own,) = gdsim.simulate(gdsim.loads(NETWORK.partition("sweep:")[0], overrides=changes))
        drawn += runs.points[0, row, column, :, 1].tolist()
        losses += own.training.batch_losses.ravel().tolist()
        np.testing.assert_allclose(np.diff(runs.points[0, row, column, :, 0], n=2), 0, atol=1e-12)
    slope, offset = np.polyfit(losses, drawn, 1)
    assert slope > 0
    np.testing.assert_allclose(drawn, slope * np.array(losses) + offset, atol=1e-4)


CLICK = """
    const picture = document.getElementById("player").controls.picture, [map] = picture.layers[0].maps;
    const stage = document.getElementById("picture"), box = stage.getBoundingClientRect();
    const [x, y] = map.centerOf([...arguments, 0]), [width, height] = picture.drawing.size;
    const place = { clientX: box.left + x / width * box.width, clientY: box.top + y / height * box.height };
    stage.dispatchEvent(new MouseEvent("click", place));
    return [picture.run.points, document.getElementById("status").textContent];
"""


def test_a_click_on_a_map_of_starts_shows_the_path_of_a_cell_on_it(basins, tmp_path, browser):
    result, scene = basins
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    points, told = browser.execute_script(CLICK, 15, 0)
    own = gdsim.descend("himmelblau", "Adam", start=[5, -5], steps=60, lr=0.3).points[:, 0]
    viewport = next(layer.viewport for layer in gdsim.frames(scene).layers if layer.facet is scene.facets[0])
    pixels = viewport.pixels(own, START) * [1, -1] + [0, 360]
    points = np.array(points).reshape(-1, 2)
    np.testing.assert_allclose(points[[0, -1]], pixels[[0, -1]], atol=0.1)
    assert away(pixels, points) < 0.7
    assert told == "The run of Adam, x of the start 5, y of the start −5: minimum reached no minimum."
    assert result.figures["minimum"][0, 0, 15] == -1
    assert not browser.find_element("css selector", ".run").is_displayed()


def test_a_click_on_a_map_of_settings_shows_the_path_in_a_picture_of_its_own(tmp_path, browser):
    experiment = gdsim.loads(RATES.replace("[[0.03, 0.5]]", "[]"))
    scene = build_sweep_scene(experiment, gdsim.sweep(experiment))
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    card = browser.find_element("class name", "run")
    assert not card.is_displayed()
    _, told = browser.execute_script(CLICK, 4, 3)
    assert told == "The run of lr 0.1, momentum 0.45: steps to tolerance 11."
    assert card.is_displayed()
    assert card.find_element("tag name", "p").text == "lr 0.1, momentum 0.45"
    script = """
        const { width, height } = arguments[0], brush = arguments[0].getContext("2d");
        return brush.getImageData(0, 0, width, height).data.some(Boolean);
    """
    assert browser.execute_script(script, card.find_element("tag name", "canvas"))
    browser.find_element("tag name", "body").send_keys(Keys.ESCAPE)
    assert not card.is_displayed()


def test_the_dimension_of_a_boundary_is_that_of_known_sets():
    x, y = np.meshgrid(np.arange(256), np.arange(256))
    assert box_dimension(x < 101) == pytest.approx(1, abs=1e-9)
    assert box_dimension((x - 128) ** 2 + (y - 128) ** 2 < 80**2) == pytest.approx(1, abs=0.1)
    assert box_dimension(np.random.default_rng(0).integers(0, 2, (256, 256))) == pytest.approx(2, abs=0.1)
    # Sierpinski's triangle: log 3 / log 2; its border has the dimension of the whole.
    assert box_dimension(x & y > 0) == pytest.approx(np.log2(3), abs=0.12)
    assert np.isnan(box_dimension(np.zeros((64, 64))))


def test_a_run_prints_the_dimension_if_it_is_asked_for(tmp_path):
    config = tmp_path / "basins.yaml"
    config.write_text(BASINS)
    asked = ["--set", "sweep.dimension=true", "--format", "png", "--out", str(tmp_path), "--workers", "1"]
    ran = call("run", str(config), *asked)
    assert ran.exit_code == 0, ran.output
    assert re.search(
        r"boundaries between minima: Adam [012]\.\d\d, Momentum [012]\.\d\d\.", " ".join(ran.output.split())
    )


def test_the_cells_of_a_map_are_reached_with_the_keyboard(basins, tmp_path, browser):
    result, scene = basins
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    first, _ = browser.find_elements("css selector", ".map")
    first.send_keys(Keys.ARROW_LEFT, Keys.ARROW_UP)
    told = browser.execute_script("return document.getElementById('status').textContent")
    minimum = result.figures["minimum"][0, 7, 7]
    words = scene.legend[minimum].label if minimum >= 0 else "no minimum"
    assert re.match(rf"Adam, x of the start \S+, y of the start \S+: minimum reached {re.escape(words)}", told)
    first.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.getElementById('status').textContent").startswith("The run of Adam")


@pytest.mark.parametrize("agreement", [1.0, 0.6])
def test_the_share_of_trainings_that_agree_with_a_plain_loop_is_under_the_title(agreement):
    experiment = gdsim.loads(NETWORK)
    result = replace(gdsim.sweep(experiment), agreement=agreement)
    frames = gdsim.frames(build_sweep_scene(experiment, result))
    written = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert f"{100 * agreement:.0f} % of repeated runs end as in a plain loop" in written
