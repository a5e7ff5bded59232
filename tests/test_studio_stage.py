"""The picture of the studio in a browser: pointer, touch and keys, paths that follow, and playback."""

from __future__ import annotations

import math
import re
import time

import numpy as np
import pytest

import gdsim
from gdsim.config import loads
from gdsim.render.display_list import START
from gdsim.scene.build import build_scene
from tests.browse import StudioPage, serving
from tests.decode import unpacked

CONTOUR = """\
objective: {name: himmelblau, bounds: [[-5, 5], [-5, 5]]}
start: [-0.5, 4.2]
steps: 30
optimizers: {SGD: {lr: 0.01}, Adam: {lr: 0.3}}
view: {panels: [], size: [640, 360]}
"""
CURVE = "objective: x^4 - 3x^2 + x\nstart: 1.8\nsteps: 20\noptimizers: {SGD: {lr: 0.02}}\n"
SWEEP = """\
objective: {name: quadratic, condition: 20}
start: [-4, 3]
steps: 60
optimizers: {SGD: }
view: {size: [640, 360]}
sweep:
  x: {setting: optimizers.SGD.lr, range: [0.02, 0.09]}
  y: {setting: optimizers.SGD.momentum, range: [0, 0.9]}
  size: [8, 6]
  show: steps_to_tolerance
"""
SURFACE = CONTOUR.replace("view: {panels: [], size: [640, 360]}", "view: {kind: surface, panels: [], size: [640, 360]}")


class Stage(StudioPage):
    """The page, and what a user can do with its picture."""

    def show(self, text):
        """Type a config, and wait for its picture."""
        self.run("studio.setText(arguments[0])", text)
        self.until(lambda: self.run("return studio.text === arguments[0] && !studio.typing", text))
        self.rest()
        return self

    def rest(self):
        """Wait until the picture is that of the text."""
        self.until(
            lambda: self.run("return studio.newest.drawing === studio.asked && studio.stage.shownId === studio.asked"),
            30,
        )

    def at(self, *coordinates):
        """Return where coordinates of the first view are, in pixels of the window."""
        return self.run(
            "const { views: [view], frameBox, drawing: { size } } = studio.stage;"
            "const { left, top, width, height } = frameBox.getBoundingClientRect(), [x, y] = view.pixel(arguments[0]);"
            "return [left + x / size[0] * width, top + y / size[1] * height];",
            coordinates,
        )

    def mouse(self, kind, place, modifiers=0, **wheel):
        event = {"type": kind, "x": place[0], "y": place[1], "button": "left", "buttons": 1, "clickCount": 1}
        event |= {"modifiers": modifiers, **wheel}
        self.browser.execute_cdp_cmd("Input.dispatchMouseEvent", event)

    def click_at(self, *coordinates, modifiers=0):
        place = self.at(*coordinates)
        self.mouse("mousePressed", place, modifiers)
        self.mouse("mouseReleased", place, modifiers)

    def drag_between(self, begin, end, count=8):
        self.mouse("mousePressed", begin)
        for share in range(1, count + 1):
            self.mouse(
                "mouseMoved", [one + share / count * (other - one) for one, other in zip(begin, end, strict=True)]
            )
        self.mouse("mouseReleased", end)

    def touch(self, kind, *places):
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        self.browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    @property
    def experiment(self):
        return loads(self.text)

    @property
    def starts(self):
        return self.experiment.start.points

    @property
    def bounds(self):
        return self.experiment.objectives[0].build().bounds

    @property
    def said(self):
        return self.one(".said").get_property("textContent")


@pytest.fixture(scope="module")
def stage(browser, tmp_path_factory):
    folder = tmp_path_factory.mktemp("studio")
    (folder / "c.yaml").write_text(CONTOUR)
    with serving(folder, "c.yaml") as address:
        stage = Stage(browser)
        stage.open(address)
        yield stage
        assert not [each for each in browser.get_log("browser") if each["level"] == "SEVERE"]
        stage.run("studio.saved = studio.text")  # or leaving the page is asked about


def near(found, expected, apart):
    return all(abs(one - other) < apart for one, other in zip(found, expected, strict=True))


def test_a_click_sets_the_start_and_shift_adds_one(stage):
    stage.show(CONTOUR).click_at(2, -1)
    stage.until(lambda: near(stage.starts[0], [2, -1], 0.03))
    stage.rest()
    stage.click_at(-3, 1, modifiers=8)
    stage.until(lambda: len(stage.starts) == 2)
    assert near(stage.starts[1], [-3, 1], 0.03)
    stage.rest()
    assert len(stage.all(".stage .start")) == 2
    stage.press("DELETE", element=stage.all(".stage .start")[0])
    stage.until(lambda: len(stage.starts) == 1)
    assert near(stage.starts[0], [-3, 1], 0.03)


def test_a_drag_moves_one_start_and_the_paths_follow(stage):
    stage.show(CONTOUR.replace("[-0.5, 4.2]", "[[-0.5, 4.2], [3, 3]]"))
    stage.run("performance.clearMeasures(); window.pieces = 0; studio.on('piece', () => { window.pieces += 1; })")
    stage.drag_between(stage.at(3, 3), stage.at(1, -2))
    stage.until(lambda: near(stage.starts[1], [1, -2], 0.05))
    assert stage.starts[0] == [-0.5, 4.2]
    assert stage.run("return window.pieces") > 2
    durations = stage.run("return performance.getEntriesByName('segment').map((each) => each.duration)")
    assert durations
    assert min(durations) < 2000
    stage.rest()


def test_the_paths_that_follow_are_those_at_rest(stage):
    stage.show(CONTOUR)
    stage.run("studio.on('piece', ({ last, optimizer }) => { window.complete = last && optimizer === 1; })")
    stage.run("window.complete = false; studio.try([{ path: ['start'], value: [1, -2] }])")
    stage.until(lambda: stage.run("return window.complete"))
    live = stage.run("return [...studio.stage.paths.iterates.get('0 1').values.slice(0, 62)]")
    stage.run("studio.edit([{ path: ['start'], value: [1, -2] }])")
    stage.rest()
    layers = stage.run("return studio.stage.drawing.layers.map(({ iterates }) => iterates.map(({ points }) => points))")
    (points,) = [each[1] for each in layers if each]
    assert live == unpacked(points).tolist()


def test_arrow_keys_move_the_start_and_say_where_it_is(stage):
    stage.show(CONTOUR)
    handle = stage.one(".stage .start")
    stage.press("ARROW_RIGHT", "ARROW_RIGHT", "ARROW_UP", element=handle)
    stage.until(lambda: near(stage.starts[0], [-0.3, 4.3], 1e-9))
    assert "at −0.3, 4.3" in handle.get_attribute("aria-label")
    stage.rest()
    assert stage.run("return document.activeElement === arguments[0]", handle)
    stage.until(lambda: re.search(r"step 30 of 30\. SGD: at \(−?\d[\d.]+, \d[\d.]+\), value \d", stage.said))


def test_a_drag_on_the_ground_pans(stage):
    stage.show(CONTOUR)
    stage.drag_between(stage.at(0, -2), stage.at(1, -1))
    stage.until(lambda: near(stage.bounds.ravel(), [-6, 4, -6, 4], 0.1))
    stage.rest()


def test_a_wheel_and_keys_zoom(stage):
    stage.show(CONTOUR)
    stage.mouse("mouseWheel", stage.at(-4, 4.5), deltaX=0, deltaY=-300)
    scale = math.exp(-0.45)
    bounds = [-4 - scale, -4 + 9 * scale, 4.5 - 9.5 * scale, 4.5 + 0.5 * scale]
    stage.until(lambda: near(stage.bounds.ravel(), bounds, 0.05))  # the point below the pointer stays
    stage.rest()
    stage.show(CONTOUR)
    stage.press("-", element=stage.one(".stage .view"))
    stage.until(lambda: near(stage.bounds.ravel(), [-6.25, 6.25, -6.25, 6.25], 0.05))
    stage.rest()
    stage.press("ARROW_RIGHT", element=stage.one(".stage .view"))
    stage.until(lambda: near(stage.bounds[0], [-5, 7.5], 0.05))
    stage.rest()


def test_two_fingers_zoom(stage):
    stage.show(CONTOUR)
    stage.touch("touchStart", stage.at(-1, 0), stage.at(1, 0))
    stage.touch("touchMove", stage.at(-2, 0), stage.at(2, 0))
    stage.touch("touchEnd")
    stage.until(lambda: near(stage.bounds[0], [-2.5, 2.5], 0.1))
    stage.rest()


def test_a_touch_that_lasts_tells_figures_and_sets_no_start(stage):
    stage.show(CONTOUR)
    (sgd, _), starts = gdsim.simulate(stage.experiment), stage.starts
    stage.touch("touchStart", stage.at(*sgd.points[2, 0]))
    time.sleep(0.6)
    stage.touch("touchEnd")
    assert stage.one(".tip").is_displayed()
    assert stage.starts == starts
    stage.press("ESCAPE", element=stage.one(".scrub"))


def test_on_a_curve_a_click_sets_x(stage):
    stage.show(CURVE)
    stage.click_at(-1)
    stage.until(lambda: near(stage.starts[0], [-1], 0.02))
    assert re.search(r"^start: -(1|0\.99|1\.0)", stage.text, re.MULTILINE)
    stage.rest()


def test_on_a_surface_a_click_sets_the_start_that_is_seen_there(stage):
    stage.show(SURFACE)
    stage.click_at(1, 1)
    stage.until(lambda: near(stage.starts[0], [1, 1], 0.3))
    stage.rest()


def pixels_of_surface(experiment, rows, columns):
    """Return where the picture shows points of the grid of a surface, from its upper left corner."""
    drawn = gdsim.frames(build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation))
    (layer,) = (each for each in drawn.layers if each.facet is not None)
    x, y, heights = layer.facet.model.x, layer.facet.model.y, layer.facet.model.heights
    points = np.stack([x[columns], y[rows], heights[rows, columns]], -1)
    return layer.viewport.pixels(points, START) * [1, -1] + [0, drawn.size[1]]


def test_a_drag_turns_a_surface_and_a_wheel_zooms_it(stage):
    stage.show(SURFACE)
    bounds = stage.bounds
    before = stage.run("const { azimuth, elevation } = studio.stage.views[0].camera; return [azimuth, elevation]")
    x, y = stage.at(0, 0)
    stage.drag_between([x, y], [x + 50, y + 25])
    stage.until(lambda: stage.experiment.view.camera.azimuth is not None)
    camera = stage.experiment.view.camera
    assert (camera.azimuth - (before[0] - 20) + 180) % 360 - 180 == pytest.approx(0, abs=1.1)
    assert camera.elevation == pytest.approx(before[1] + 10, abs=1.1)
    assert np.array_equal(stage.bounds, bounds)
    stage.rest()
    rows, columns = np.array([0, 0, 60, 60, 23]), np.array([0, 60, 0, 60, 41])
    seen = stage.run(
        "const [view] = studio.stage.views; return arguments[0].map((row, i) => view.at(row, arguments[1][i]))",
        rows.tolist(),
        columns.tolist(),
    )
    np.testing.assert_allclose(seen, pixels_of_surface(stage.experiment, 2 * rows, 2 * columns), atol=0.05)

    stage.press("ARROW_LEFT", element=stage.one(".stage .view"))
    stage.until(lambda: (stage.experiment.view.camera.azimuth - camera.azimuth) % 360 == 5)
    stage.rest()
    stage.mouse("mouseWheel", stage.at(1, 2), deltaX=0, deltaY=-300)
    stage.until(lambda: not np.array_equal(stage.bounds, bounds))
    scale = math.exp(-0.45)
    assert near(stage.bounds.ravel(), [1 - 6 * scale, 1 + 4 * scale, 2 - 7 * scale, 2 + 3 * scale], 0.3)
    stage.rest()


PLANE = """\
objective: {name: rosenbrock, dim: 4}
start: [-1, 1, -1, 1]
steps: 20
optimizers: {Adam: {lr: 0.1}}
view: {plane: [0, 2], panels: [], size: [640, 360]}
"""


def test_a_plane_of_two_coordinates_pans_by_the_bounds_of_these(stage):
    stage.show(PLANE)
    bounds, (x, y) = stage.bounds, np.array(stage.run("const [{ x, y }] = studio.stage.views; return [x, y]"))
    stage.press("ARROW_RIGHT", element=stage.one(".stage .view"))
    stage.until(lambda: not np.array_equal(stage.bounds, bounds))
    stage.rest()
    np.testing.assert_allclose(stage.bounds[[0, 2]], [x + 0.1 * np.diff(x), y], atol=0.002 * np.diff(x)[0])
    np.testing.assert_allclose(stage.bounds[[1, 3]], bounds[[1, 3]], atol=0.01)
    stage.show(PLANE.replace("[0, 2]", "pca"))
    assert "move" not in stage.one(".stage .view").get_attribute("aria-label")
    text = stage.text
    stage.drag_between(stage.at(0, 0), stage.at(0.5, 0.5))
    stage.until(lambda: "cannot be moved" in stage.one(".status").text)
    assert stage.text == text


def numbers(text):
    """The numbers of a text, such as −1.5 and 2·10⁻⁹."""
    plain = re.sub("·10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)", lambda found: f"e{found[1].translate(RAISED)}", text.replace("−", "-"))
    return [float(each) for each in re.findall(r"-?\d[\d.]*(?:e-?\d+)?", plain)]


RAISED = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def test_the_figures_of_an_iterate_are_told_under_the_pointer_and_by_keys(stage):
    stage.show(CONTOUR)
    (sgd, adam) = gdsim.simulate(stage.experiment)
    tip = stage.one(".tip")
    stage.mouse("mouseMoved", stage.at(*adam.points[4, 0]), buttons=0)
    stage.until(tip.is_displayed)
    assert tip.text.startswith("Adam\nstep\n4\n")
    wanted = [4, *adam.points[4, 0], adam.values[4, 0], *adam.gradients[4, 0]]
    np.testing.assert_allclose(numbers(tip.text), wanted, rtol=1e-3)
    stage.mouse("mouseMoved", stage.at(-4, -4), buttons=0)
    assert not tip.is_displayed()

    scrub = stage.one(".scrub")
    stage.press(".", element=scrub)
    wanted = [30, *sgd.points[30, 0], sgd.values[30, 0], *sgd.gradients[30, 0]]
    np.testing.assert_allclose(numbers(tip.text), wanted, rtol=1e-3)
    stage.until(lambda: stage.said.startswith("SGD: step 30, (x, y) ("))
    stage.press(",", "ARROW_LEFT", element=scrub)  # the other path, which is followed in time
    assert tip.text.startswith("Adam\nstep\n29\n")
    stage.press("ESCAPE", "ARROW_RIGHT", element=scrub)
    assert not tip.is_displayed()


def test_maps_tell_their_cells_and_show_their_runs(stage):
    stage.run("studio.setText(arguments[0])", SWEEP)
    stage.rest()
    stage.until(lambda: stage.run("return Boolean(studio.stage.picture.runs)"), 30)
    result = gdsim.sweep(gdsim.loads(SWEEP))
    lr, momentum = result.x.values[5], result.y.values[3]
    place = stage.run(
        "const { picture } = studio.stage, [map] = picture.maps, [x, y] = map.centerOf([5, 3, 0]);"
        "const box = picture.canvas.getBoundingClientRect(), [width, height] = picture.drawing.size;"
        "return [box.left + x / width * box.width, box.top + y / height * box.height];"
    )
    stage.mouse("mouseMoved", place, buttons=0)
    assert numbers(stage.one(".tip").text) == pytest.approx(
        [lr, momentum, result.figures["steps_to_tolerance"][0, 3, 5]], rel=1e-3
    )
    stage.mouse("mousePressed", place)
    stage.mouse("mouseReleased", place)
    assert stage.one(".run").is_displayed()
    assert numbers(stage.one(".run p").text) == pytest.approx([lr, momentum], rel=1e-3)
    stage.one(".run .close").click()
    assert not stage.one(".run").is_displayed()
    stage.press("ARROW_UP", "ENTER", element=stage.one(".map"))
    assert stage.one(".run").is_displayed()
    stage.until(lambda: stage.said.startswith("The run of lr "))


def test_playback(stage):
    stage.show(CONTOUR)
    play, scrub = stage.one(".transport .button"), stage.one(".scrub")
    stage.press("END", element=scrub)
    assert scrub.get_attribute("aria-valuetext") == "step 30 of 30"
    play.click()
    assert play.text == "Pause"
    stage.until(lambda: 0 < float(scrub.get_property("value")) < 30)
    play.click()
    assert play.text == "Play"
    view = stage.one(".stage .view")
    stage.press(" ", element=view)
    assert play.text == "Pause"
    stage.press(" ", element=view)
    assert play.text == "Play"
    stage.press("ARROW_RIGHT", element=scrub)
    assert float(scrub.get_property("value")).is_integer()


LBFGS = "objective: rosenbrock\nstart: {random: 10000}\nsteps: 6\noptimizers: {LBFGS: {lr: 1}}\n"


def test_work_that_has_not_reported_yet_is_shown_and_ends_with_a_failure(stage):
    stage.run("studio.setText(arguments[0])", LBFGS)
    stage.until(lambda: stage.one(".work").text == "working…")
    assert stage.all(".work progress:not([value])")
    stage.run("studio.receive({ type: 'failed', id: studio.asked, message: 'no memory' }, [])")
    assert stage.one(".work").text == "no memory"
    stage.show(CONTOUR)
    assert stage.one(".work").text == ""


def test_a_drag_in_a_panel_moves_in_time(stage):
    stage.show(CONTOUR.replace("panels: []", "panels: [loss]"))
    box = stage.run(
        "const { left, top, width, height } = document.querySelector('.hold').getBoundingClientRect();"
        "return [left + 0.25 * width, top + 0.5 * height, width]"
    )
    stage.mouse("mousePressed", box[:2])
    early = float(stage.one(".scrub").get_property("value"))
    stage.mouse("mouseMoved", [box[0] + 0.5 * box[2], box[1]])
    stage.mouse("mouseReleased", [box[0] + 0.5 * box[2], box[1]])
    late = float(stage.one(".scrub").get_property("value"))
    assert 0 < early < late < 30
    line = stage.run("return document.querySelector('.cursor').getBoundingClientRect().left")
    assert line == pytest.approx(box[0] + 0.5 * box[2], abs=2)
    stage.show(CONTOUR)
    assert not stage.all(".hold, .cursor")


def test_labels_and_titles_are_text(stage):
    label = "<img src=x onerror=window.hacked=1>"
    stage.show(
        CONTOUR.replace("SGD:", f"'{label}': ")
        .replace("{lr: 0.01}", "{class: SGD, lr: 0.01}")
        .replace("panels: []", f"panels: [], title: '{label}'")
    )
    stage.until(lambda: label in stage.said)
    assert not stage.all("img:not(.ground):not([src^=data]):not(.run img)")
    assert stage.run("return window.hacked") is None


def test_hidden_optimizers_are_not_drawn(stage):
    stage.show(CONTOUR)
    stage.run("studio.toggleHidden('SGD')")
    assert stage.run("return [...studio.stage.picture.hidden]") == [0]
    stage.run("studio.toggleHidden('SGD')")
    assert stage.run("return [...studio.stage.picture.hidden]") == []
