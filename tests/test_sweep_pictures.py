"""Pictures of sweeps: their colors, scales and words, against the figures that they show."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from selenium.webdriver.common.keys import Keys
from typer.testing import CliRunner

import gdsim
from gdsim.cli.app import app
from gdsim.render.display_list import START, EventMarks, Lines
from gdsim.render.images import MapImage
from gdsim.render.painter import only
from gdsim.scene.stability import curvature
from gdsim.scene.sweeps import build_sweep_scene
from gdsim.sweeps import OUTCOMES
from gdsim.sweeps.dimension import box_dimension
from gdsim.web.player import write_player
from tests.browse import visit, wait_for

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
        assert style.settings == f"{shares[0]:.0f} % · {shares[1]:.0f} %"
    assert "reached a minimum" in scene.alt_text


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
    values = np.frombuffer(b64decode(steps["values"]), "<f8").reshape(3, 41)
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
        const [x, y] = map.centerOf(column, row), [width, height] = [640, 360];
        const place = { clientX: box.left + x / width * box.width, clientY: box.top + y / height * box.height };
        stage.dispatchEvent(new PointerEvent("pointermove", place));
        return document.getElementById("tip").innerText;
    """
    for column, row in ((3, 2), (12, 9), (15, 11)):
        told = browser.execute_script(script, column, row)
        minimum = result.figures["minimum"][1, row, column]
        assert told.startswith("Momentum, x of the start ")
        assert (scene.legend[minimum].label if minimum >= 0 else "no minimum") in told
        assert (minimum < 0) or str(result.minimum_steps[1, row, column]) in told


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


def test_a_click_on_a_map_shows_the_path_of_a_cell_near_it(basins, tmp_path, browser):
    result, scene = basins
    visit(browser, write_player(scene, tmp_path / "page.html"), reduced_motion="reduce")
    assert wait_for(lambda: browser.execute_script("return document.documentElement.classList.contains('ready')"))
    script = """
        const picture = document.getElementById("player").controls.picture, [map] = picture.layers[0].maps;
        const box = document.getElementById("picture").getBoundingClientRect(), [x, y] = map.centerOf(15, 0);
        const place = { clientX: box.left + x / 640 * box.width, clientY: box.top + y / 360 * box.height };
        document.getElementById("picture").dispatchEvent(new MouseEvent("click", place));
        return [picture.path.points, document.getElementById("status").textContent];
    """
    points, told = browser.execute_script(script)
    own = gdsim.descend("himmelblau", "Adam", start=[5, -5], steps=60, lr=0.3).points[:, 0]
    viewport = next(layer.viewport for layer in gdsim.frames(scene).layers if layer.facet is scene.facets[0])
    pixels = viewport.pixels(own, START) * [1, -1] + [0, 360]
    np.testing.assert_allclose(np.array(points).reshape(-1, 2), pixels, atol=0.051)
    assert told == "The path of Adam, x of the start 5, y of the start −5: minimum reached no minimum."
    assert result.figures["minimum"][0, 0, 15] == -1


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
    ran = CliRunner().invoke(app, ["run", str(config), *asked])
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
    assert browser.execute_script("return document.getElementById('status').textContent").startswith("The path of Adam")


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


@pytest.mark.parametrize("agreement", [1.0, 0.6])
def test_the_share_of_trainings_that_agree_with_a_plain_loop_is_under_the_title(agreement):
    experiment = gdsim.loads(NETWORK)
    result = replace(gdsim.sweep(experiment), agreement=agreement)
    frames = gdsim.frames(build_sweep_scene(experiment, result))
    written = [text.get_text() for text in frames.canvas.figure.findobj(Text)]
    assert f"{100 * agreement:.0f} % of repeated runs end as in a plain loop" in written
