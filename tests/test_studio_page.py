"""The page of `gdsim studio` in a browser: what a user does there, and what becomes of the config."""

from __future__ import annotations

import math
import re
from urllib.parse import urlsplit

import numpy as np
import pytest

import gdsim
from tests.browse import StudioPage, serving
from tests.commands import call
from tests.decode import unpacked

pytestmark = pytest.mark.slow

CONFIG = """\
# For the lecture on Monday.
objective: himmelblau
start: [-0.5, 4.2] # near the ridge
steps: 40
optimizers:
  SGD: {lr: 0.01} # slow
  # the usual choice
  Adam: {lr: 0.3}
view: {size: [640, 360], panels: []}
animation: {fps: 10, seconds: 1, hold: 0}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("studio")


@pytest.fixture(scope="module")
def address(folder):
    (folder / "talk.yaml").write_text(CONFIG)
    with serving(folder, "talk.yaml") as address:
        yield address


@pytest.fixture
def page(browser, folder, address):
    (folder / "talk.yaml").write_text(CONFIG)
    page = StudioPage(browser)
    page.open(address)
    yield page
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []
    page.run("studio.saved = studio.text")  # or leaving the page is asked about


def changes(before, after):
    """The lines that differ, as pairs."""
    pairs = zip(before.splitlines(), after.splitlines(), strict=True)
    return [pair for pair in pairs if pair[0] != pair[1]]


def number(text, name):
    return float(re.search(rf"{name}: ([-+.\de]+)", text)[1])


def test_a_lecture(page, folder):
    """A start is dragged, rates and the function change, a mistake is mended, all is undone and done, saved and run."""
    start = page.one(".stage .start")
    start.click()
    before = page.text
    page.drag(start, [(round(9 * math.cos(i / 3)), round(9 * math.sin(i / 3))) for i in range(10)])
    page.until(lambda: page.text != before)
    ((_, moved),) = changes(before, page.text)
    assert re.fullmatch(r"start: \[[-\d.]+, [-\d.]+\] # near the ridge", moved)

    page.drag(page.slider("Adam", "lr"), [(-4, 0)] * 4)
    page.until(lambda: number(page.text.splitlines()[7], "lr") != 0.3)
    page.press("ARROW_RIGHT", "ARROW_RIGHT", element=page.slider("SGD", "lr"))
    page.until(lambda: "SGD: {lr: 0.0112} # slow" in page.text)

    page.choose("#objective-form", "expression")
    page.until_text("objective: x^2 + 3*y^2\n")
    page.type_over(page.one("#formula"), "x^2 + 3*(y - 1")
    page.until(lambda: "column 9" in page.one("#formula-mistake").text)
    assert page.one("#formula").get_attribute("aria-invalid") == "true"
    page.press(")^2", "ENTER")
    page.until_text("objective: x^2 + 3*(y - 1)^2\n")
    page.until(lambda: page.one("#formula-mistake").text == "")

    page.one("[data-action=add-optimizer]").click()
    page.press("pytorch_optimizer.Lion", "ENTER")
    page.until_text("  Lion: {class: pytorch_optimizer.Lion, lr: 0.1}\n")
    page.until(lambda: page.run("return studio.drawing.optimizers.map((each) => each.label).includes('Lion')"), 30)

    done = page.text
    undone = [done]
    while undone[-1] != before:
        page.chord("CONTROL", "z")
        assert page.text != undone[-1]
        undone.append(page.text)
    assert len(undone) >= 6
    for text in undone[-2::-1]:
        page.chord("CONTROL", "SHIFT", "z")
        assert page.text == text
    for comment in ("# For the lecture on Monday.", "# slow", "# the usual choice"):
        assert comment in done

    page.chord("CONTROL", "s")
    page.until(lambda: (folder / "talk.yaml").read_text() == done)
    page.until(lambda: page.one(".file").text == "talk.yaml")
    page.until(lambda: page.run("return studio.newest.drawing >= studio.asked"), 30)
    assert call("run", str(folder / "talk.yaml"), "-o", str(folder), "--format", "png").exit_code == 0
    _, recorded = gdsim.read(folder / "talk" / "talk.npz")
    assert [each.label for each in recorded] == ["SGD", "Adam", "Lion"]
    shown = page.run("return studio.drawing.layers.find((each) => each.iterates.length).iterates")
    for trajectory, iterates in zip(recorded, shown, strict=True):
        points = unpacked(iterates["points"]).reshape(-1, *trajectory.points.shape[1:])
        assert np.array_equal(points, trajectory.points)


def test_exports(page, folder):
    page.run("studio.setText(studio.text.replace('steps: 40', 'steps: 9'))")
    page.one(".menu .tools button:nth-last-child(2)").click()
    rows = {row.find_element("tag name", "b").text: row for row in page.all(".exports li")}
    wanted = {"GIF animation": "gif", "HTML page": "html", "PowerPoint slide": "pptx"}
    for name in wanted:
        rows[name].find_element("tag name", "button").click()
    for name, suffix in wanted.items():
        page.until(lambda: rows[name].find_elements("tag name", "a"), 120)  # noqa: B023
        link = rows[name].find_element("tag name", "a")
        assert link.text == f"outputs/talk/talk.{suffix}"
        assert (folder / link.text).stat().st_size > 1000
        fetched = page.browser.execute_async_script(
            "const [url, done] = arguments; fetch(url).then((found) => found.blob()).then(({ size }) => done(size))",
            link.get_attribute("href"),
        )
        assert fetched == (folder / link.text).stat().st_size
    rows["WebM video"].find_element("tag name", "button").click()
    rows["WebM video"].find_element("tag name", "button").click()
    assert "Cancelled" in rows["WebM video"].text
    page.press("ESCAPE")
    assert not page.all("dialog[open]")


def test_a_new_file_is_not_written_over_another_unasked(page, folder):
    (folder / "other.yaml").write_text("steps: 1")
    page.run("studio.file = null; studio.edit([{ path: ['steps'], value: 41 }])")
    page.until_text("steps: 41")
    page.chord("CONTROL", "s")
    page.until(lambda: page.all("#asked"))
    page.type_over(page.one("#asked"), "other", "ENTER")
    page.until(lambda: any("other.yaml exists" in dialog.text for dialog in page.all("dialog[open]")))
    assert (folder / "other.yaml").read_text() == "steps: 1"
    page.one("dialog[open] .main").click()
    page.until(lambda: (folder / "other.yaml").read_text() == page.text)
    page.until(lambda: page.one(".file").text == "other.yaml")


def test_the_page_takes_over_changes_of_the_file_unless_its_own_would_be_lost(page, folder):
    (folder / "talk.yaml").write_text(CONFIG.replace("steps: ", "steps: 1"))
    page.until_text(CONFIG.replace("steps: ", "steps: 1"))
    page.until(lambda: page.one(".file").text == "talk.yaml")
    page.run("studio.edit([{ path: ['steps'], value: 31 }])")
    page.until_text("steps: 31")
    (folder / "talk.yaml").write_text(CONFIG)
    page.until(lambda: "changed on disk" in page.one(".status").text)
    assert "steps: 31" in page.text


def test_the_text_survives_the_server(browser, folder):
    (folder / "lost.yaml").write_bytes(CONFIG.replace("\n", "\r\n").encode())
    page = StudioPage(browser)
    with serving(folder, "lost.yaml") as address:
        page.open(address)
        page.type_over(page.one("#field-steps"), "33", "ENTER")
        page.until_text("steps: 33")
    page.until(lambda: "server has ended" in page.one(".status").text)
    page.type_over(page.one("#field-steps"), "34", "ENTER")
    page.chord("CONTROL", "s")
    with serving(folder, "lost.yaml", port=urlsplit(address).port) as again:
        own = browser.current_window_handle
        browser.switch_to.new_window("tab")
        browser.get(again)  # its token is that of all tabs
        browser.close()
        browser.switch_to.window(own)
        page.until_text("steps: 34")
        page.chord("CONTROL", "s")
        page.until(lambda: page.one(".file").text == "lost.yaml")
        assert (folder / "lost.yaml").read_bytes() == page.text.replace("\n", "\r\n").encode()
        (folder / "lost.yaml").unlink()
        page.until(lambda: "deleted" in page.one(".status").text)
        assert page.one(".file").text == "lost.yaml · not saved"
        page.run("studio.saved = studio.text")  # or leaving the page is asked about
        browser.get("about:blank")
    browser.get_log("browser")  # the connections that were refused


def test_typing_in_the_yaml_moves_the_form_and_mistakes_are_at_their_line(page):
    area = page.one("textarea")
    page.type_at_the_end("speed: 3")
    page.until(lambda: page.all("#mistakes button"))
    assert page.one("#mistakes").text.startswith("line 11 speed: unknown key 'speed'")
    assert page.one(".line.wrong").text == "speed: 3"
    assert area.get_attribute("aria-invalid") == "true"
    for _ in range(8):
        page.press("BACKSPACE")
    page.press("seed: 7", "ENTER")
    page.until(lambda: page.one("#field-seed").get_attribute("value") == "7")
    assert not page.all("#mistakes button")
    page.type_over(page.one("#field-seed"), "8", "ENTER")
    page.until(lambda: area.get_attribute("value").endswith("seed: 8\n"))
    assert page.run("return document.querySelector('pre').textContent.trimEnd()") == page.text.rstrip()


def test_the_yaml_does_not_trap_the_keyboard_and_new_lines_keep_their_indentation(page):
    page.type_at_the_end("output:", "ENTER", "loop: once", "ENTER")
    page.until_text("output:\n  loop: once\n  ")
    page.press("TAB")
    assert page.run("return document.activeElement.tagName") != "TEXTAREA"
    page.chord("SHIFT", "TAB")
    assert page.run("return document.activeElement.tagName") == "TEXTAREA"


def test_a_text_that_is_too_long_keeps_the_connection(page):
    page.run("studio.setText('# '.repeat(600_000))")
    page.until(lambda: page.one(".work").text == "The text is too long.")
    page.one("button[aria-label=Undo]").click()
    page.until(lambda: page.run("return studio.newest.state === studio.asked"))
    assert page.text == CONFIG


def test_a_text_that_is_not_yaml_can_be_undone(page):
    before = page.text
    page.type_at_the_end("[")
    page.until(lambda: "cannot be read" in page.one(".controls").text)
    assert page.all("#mistakes button")
    page.one("button[aria-label=Undo]").click()
    page.until(lambda: page.all(".card"))
    assert page.text == before


WRONG = [
    "a: 1",
    "objective: 5",
    "objective:\nstart: abc\nsteps: many",
    "start: {points: }\noptimizers:\nview: dark",
    "start: [[1, a], b]\noptimizers: {Adam: 3, SGD: [1], '<b> x': {class: {}}}\nview: {panels: 3, size: 9}",
    "objective: {network: }\noptimizers: [Adam]\nview: [1]\nsweep: {x: 3}\noutput: {formats: gif}",
    "objective: [himmelblau, {name: }]\noptimizers: {Adam: {schedule: 5, betas: x, noise: [], color: {}}}",
]


def test_the_form_shows_any_yaml(page):
    for text in WRONG:
        page.run("studio.setText(arguments[0])", text)
        page.until(lambda: page.run("return !studio.typing && studio.newest.state >= studio.asked"))
        assert page.all("#mistakes button")
        assert len(page.all(".part")) == 4


def test_cards(page):
    page.type_over(page.one(page.card("Adam", ".name")), "Fast", "ENTER")
    page.until_text("  Fast: {lr: 0.3, class: Adam}\n")
    page.one(page.card("Fast", "[data-action=duplicate]")).click()
    page.until_text("  Fast 2: {class: Adam, lr: 0.3}\n")
    page.one(page.card("Fast 2", "[data-action=class]")).click()
    page.press("rms", "ENTER")
    page.until_text("  Fast 2: {class: RMSprop, lr: 0.3}\n")
    page.choose(page.card("Fast 2", "[data-action=schedule]"), "StepLR")
    page.until_text("  Fast 2: {class: RMSprop, lr: 0.3, schedule: {class: StepLR, step_size: 14}}\n")
    page.one(page.card("SGD", "[data-action=remove]")).click()
    page.until(lambda: "SGD" not in page.text)
    page.one(page.card("Fast", "[data-action=hide]")).click()
    assert page.run("return [...studio.hidden]") == ["Fast"]
    assert "# the usual choice" in page.text


MANY = "".join(f"  A name that is as long as a sentence, number {i}: {{class: Adam}}\n" for i in range(20))


def test_many_cards_with_long_names_at_a_zoom_of_200_percent(page, address):
    page.open(address, width=640, height=450)
    page.run("studio.setText(arguments[0])", CONFIG.partition("  SGD")[0] + MANY)
    page.until(lambda: len(page.all(".card")) == 20)
    assert page.run("return document.documentElement.scrollWidth") <= 640
    last = page.all(".card")[-1]
    page.run("arguments[0].scrollIntoView({ block: 'start' })", last)
    box = page.run("const { x, y, right } = arguments[0].getBoundingClientRect(); return [x, y, right]", last)
    assert page.run(
        "return arguments[0].contains(document.elementFromPoint(arguments[1], arguments[2]))",
        last,
        box[0] + 30,
        box[1] + 20,
    )
    assert all(each.rect["x"] + each.rect["width"] <= box[2] for each in last.find_elements("tag name", "button"))


def test_every_key_of_the_schema_has_a_control(page):
    """A key that is added to the schema appears by itself."""
    paths = {tuple(path) for path in page.run(PATHS)}
    known = gdsim.schema()
    for section in ("view", "animation", "output"):
        for name in known["definitions"][section.capitalize()]["properties"]:
            assert any(path[:2] == (section, name) for path in paths), name
    for name in known["properties"]:
        assert any(path[0] == name for path in paths), name


PATHS = "return [...document.querySelectorAll('[data-path]')].map((each) => JSON.parse(each.dataset.path))"


def test_an_unknown_key_of_a_schema_gets_a_control_of_its_kind(page):
    page.run(
        "studio.hello.schema.properties.later = {type: 'object', description: 'Not yet.', properties: {share: "
        "{type: 'number', minimum: 0, maximum: 1, default: 0.5}, mode: {enum: ['a', 'b']}, on: {type: 'boolean'}}};"
        "studio.emit('state', {mistakes: []})"
    )
    found = page.all("[data-path^='[\"later\"']")
    assert [each.get_attribute("data-kind") for each in found] == ["slider", "number", "select", "toggle"]


def test_a_title_is_text_or_left_out(page):
    page.type_over(page.one("#field-view-title"), "Race: 2", "ENTER")
    page.until_text("title: 'Race: 2'")
    page.type_over(page.one("#field-view-title"), "false", "ENTER")
    page.until_text("title: false")


def test_the_catalogue_is_searched_and_parameters_have_sliders(page):
    page.one("[data-action=catalog]").click()
    page.press("quad")
    page.until(lambda: [each.text for each in page.all(".choice")] == ["Quadratic"])
    assert page.all(".choice img")
    page.press("ENTER")
    page.until_text("objective: quadratic\n")
    assert "start" not in page.text
    page.press("ARROW_LEFT", element=page.one('input[type=range][data-path=\'["objective","condition"]\']'))
    page.until_text("objective: {name: quadratic, condition: 47.3}\n")
    page.one("[data-action=add-optimizer]").click()
    page.press("bfgs", "ENTER")
    page.until_text("  BFGS: {class: scipy.BFGS}\n")


def test_several_functions_are_cards(page):
    page.one("[data-action=add-function]").click()
    page.press("beale", "ENTER")
    page.until_text("objective: [himmelblau, beale]\n", "start: [-0.5, 4.2]")
    page.until(lambda: len(page.all("[aria-label^='Function '].card")) == 2)
    page.choose("#objective-1-form", "expression")
    page.until_text("objective: [himmelblau, x^2 + 3*y^2]\n")
    page.type_over(page.one("#formula-1"), "x^2 + y^")
    page.until(lambda: "column " in page.one("#formula-1-mistake").text)
    page.press("4", "ENTER")
    page.until_text("objective: [himmelblau, x^2 + y^4]\n")
    page.one("[aria-label='Function 1'] [data-action=catalog]").click()
    page.press("quadratic", "ENTER")
    page.until_text("objective: [quadratic, x^2 + y^4]\n")
    page.press("ARROW_LEFT", element=page.one('input[type=range][data-path=\'["objective",0,"condition"]\']'))
    page.until_text("objective: [{name: quadratic, condition: 47.3}, x^2 + y^4]\n")
    page.one("[aria-label='Remove function 1']").click()
    page.until_text("objective: x^2 + y^4\n")
    page.until(lambda: page.one("#formula").get_attribute("value") == "x^2 + y^4")


def test_a_link_holds_the_config(page, browser, address):
    page.type_over(page.one("#field-steps"), "33", "ENTER")
    page.until_text("steps: 33\n")
    text = page.text
    code = browser.execute_async_script(
        "const [done] = arguments; import('/store.js').then(({ packed }) => "
        "packed(document.getElementById('studio').studio.text)).then(done)"
    )
    page.run("studio.saved = studio.text")
    page.open(f"{address}#{code}")
    page.until(lambda: page.text == text)
    assert page.run("return studio.runsCode") is False
    long = CONFIG + "".join(f"# {index * 7919 % 100003:05}\n" for index in range(7000))  # 56 kB
    code = browser.execute_async_script(
        "const [text, done] = arguments; import('/store.js').then(({ packed }) => packed(text)).then(done)", long
    )
    browser.get(f"{address}#{code}")  # into the page that is open
    page.until(lambda: page.text == long)
    browser.back()
    page.until(lambda: page.text == text)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1024, "dark"), (400, "light"), (400, "dark")])
def test_nobody_is_shut_out(page, address, width, scheme):
    from axe_core_python.selenium import Axe

    page.open(address, width=width, height=900, color_scheme=scheme, reduced_motion="reduce")
    page.run("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    page.run("studio.setText(studio.text + 'speed: 3\\n')")
    page.until(lambda: page.all("#mistakes button"))
    found = Axe().run(page.browser)["violations"]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in found] == []
    assert page.run("return document.documentElement.scrollWidth") <= width
