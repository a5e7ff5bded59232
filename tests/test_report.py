"""The report: what it says, that nothing a user wrote gets out of hand, and how a browser sees it."""

from __future__ import annotations

import hashlib
import platform
import re
from base64 import b64encode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

import gdsim
from gdsim.analysis import Row, Tuning, escape_markdown, make_table, plan_study
from gdsim.objectives.formulas import number
from gdsim.render.panels.curves import chart
from gdsim.scene.model import Style
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.themes import theme
from gdsim.web.report import write_report
from gdsim.web.report.summary import summarize, title, tuning_notes
from tests.browse import visit, wait_for

SMALL = """
view: {size: [320, 180]}
animation: {fps: 5, seconds: 1, hold: 0}
steps: 40
optimizers:
  SGD: {lr: 0.01}
  Momentum: {class: SGD, lr: 0.01, momentum: 0.9}
  Adam: {lr: 0.3}
"""
HOSTILE = [
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</script></style><b>&amp;",
    "`|$x$*_[a](b)",
]


def loads(objective="himmelblau", text=SMALL, **more):
    return gdsim.loads(f"objective: {objective}\n{text}", **more)


class Page(HTMLParser):
    """The elements of a page, the text between them, and what stands in its scripts."""

    def __init__(self, path):
        super().__init__()
        self.tags, self.words, self.within = [], [], []
        self.feed(path.read_text("utf-8"))

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.within.append(tag)

    def handle_endtag(self, tag):
        while self.within and self.within.pop() != tag:
            pass

    def handle_data(self, data):
        self.words.append((self.within[-1] if self.within else "", data))

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]

    def text_in(self, tag):
        return "".join(words for name, words in self.words if name == tag)


@pytest.fixture(scope="module")
def one():
    return plan_study(loads(), starts=6, tuning=Tuning(budget=5)).run()


@pytest.fixture(scope="module")
def several():
    found = plan_study(loads(), starts=3, objectives=["booth", "himmelblau", "beale", "matyas", "sphere"]).run()
    reason = "SparseAdam takes <sparse> gradients"
    objectives = dict.fromkeys(row.objective for row in found.table)
    rows = [Row(each, "Sparse", "SparseAdam", reason=reason) for each in objectives]
    spent = np.column_stack([found.evaluations, np.full(len(found.evaluations), np.inf)])
    return replace(found, table=make_table([*found.table, *rows]), evaluations=spent)


@pytest.fixture(scope="module")
def hostile():
    """A study whose labels, titles, settings and reasons were all written by somebody who means harm."""
    labels = "\n".join(f"  {quoted(label)}: {{class: SGD, lr: 0.0{i + 1}}}" for i, label in enumerate(HOSTILE))
    found = plan_study(loads(text=SMALL[: SMALL.index("optimizers")] + "optimizers:\n" + labels), starts=2).run()
    evil = HOSTILE[2]
    changed = {"objective": evil, "settings": HOSTILE[0], "tuned": HOSTILE[1], "stopped": HOSTILE[2]}
    rows = [replace(row, **changed) for row in found.table]
    rows.append(Row(evil, HOSTILE[3] + "!", HOSTILE[0], reason=HOSTILE[1]))
    curves = tuple(replace(each, objective=evil) for each in found.curves)
    spent = np.column_stack([found.evaluations, np.full(len(found.evaluations), np.inf)])
    return replace(
        found,
        table=make_table(rows, HOSTILE[0]),
        curves=curves,
        evaluations=spent,
    )


def quoted(words):
    return "'" + words.replace("'", "''") + "'"


@pytest.fixture(scope="module")
def pages(one, several, hostile, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report with a space")
    return {
        name: write_report(each, folder / f"{name}.html")
        for name, each in {"one": one, "several": several, "hostile": hostile}.items()
    }


@pytest.mark.parametrize("name", ["one", "several", "hostile"])
def test_a_page_asks_for_nothing_but_itself(pages, name):
    page = Page(pages[name][0])
    for tag, attributes in page.tags:
        for key in ("src", "href", "poster", "xlink:href", "action", "srcset"):
            assert attributes.get(key, "#").startswith(("#", "data:")), (tag, key)
    (policy,) = (each["content"] for each in page.all("meta") if each.get("http-equiv"))
    assert policy.startswith("default-src 'none';")
    digest = hashlib.sha256(page.text_in("script").encode()).digest()
    assert f"script-src 'sha256-{b64encode(digest).decode()}'" in policy
    assert "@import" not in page.text_in("style")
    assert "url(" not in page.text_in("style")


def test_nothing_that_a_user_wrote_becomes_part_of_the_page(pages):
    page = Page(pages["hostile"][0])
    assert len(page.all("script")) == len(page.all("style")) == 1
    assert not page.all("img")
    assert not page.all("b")
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    text = " ".join(words for _, words in page.words)
    for words in HOSTILE:
        assert words in text


def test_ids_are_given_once(pages):
    for html, _ in pages.values():
        ids = [attributes["id"] for _, attributes in Page(html).tags if "id" in attributes]
        assert len({*ids}) == len(ids)


def test_the_table_holds_the_figures_in_full(pages, one):
    cells = [each for each in Page(pages["one"][0]).all("td") if "data-value" in each]
    columns = [each.name for each in one.table.columns()]
    elsewhere = ("optimizer", "settings", "tuned", "starts", "steps_to_tolerance", "diverged", "stopped")
    shown = [name for name in columns if name not in elsewhere]
    assert len(cells) == len(shown) * len(one.table)
    for row, values in zip(one.table, zip(*[iter(cells)] * len(shown), strict=True), strict=True):
        for name, cell in zip(shown, values, strict=True):
            figure = getattr(row, name)
            late = figure is None and name.endswith("to_tolerance")
            assert cell["data-value"] == ("inf" if late else "" if figure is None else repr(figure))


def test_what_made_it_stands_on_both(pages, one):
    html, text = (path.read_text("utf-8") for path in pages["one"])
    (made,) = one.experiments
    page = Page(pages["one"][0])
    assert page.text_in("pre").strip() == made.yaml.strip()
    assert f"```yaml\n{made.yaml.rstrip()}\n```" in text
    for words in (torch.__version__, f"seed {made.seed}", platform.python_version()):
        assert words in html
    assert f"torch: {torch.__version__}" in text
    assert one.table.to_markdown().strip() in text
    assert "(<one.html>)" in text


def test_a_fence_is_longer_than_those_within_it(one, tmp_path):
    labelled = loads(text=SMALL.replace("Adam:", "'````': {class: Adam, lr: 0.1}\n  Adam:"))
    _, text = write_report(plan_study(labelled).run(), tmp_path / "x.html")
    assert "`````yaml\n" in text.read_text("utf-8")


def test_several_objectives_have_matrices_and_profiles(pages, several):
    page = Page(pages["several"][0])
    objectives, labels = 5, 4
    charts = [each for each in page.all("svg") if each.get("class") == "chart"]
    assert len(charts) == 2 * objectives + 2
    assert all(each["role"] == "img" and each["aria-label"] for each in charts)
    text = pages["several"][1].read_text("utf-8")
    assert text.count("\n| Booth |") >= 2
    assert "× the fewest" in text
    assert len([each for each in page.all("td") if each.get("colspan")]) == objectives
    assert labels == len(several.table.labels)
    assert "colspan" not in pages["one"][0].read_text("utf-8").split("<script>")[0]


def test_a_report_of_several_objectives_where_nobody_comes_near(several, tmp_path):
    nowhere = replace(several, evaluations=np.full(several.evaluations.shape, np.inf))
    html, text = write_report(nowhere, tmp_path / "x.html")
    assert "No optimizer ends within tolerance on any problem." in text.read_text("utf-8")
    assert html.exists()


def test_the_markdown_of_a_report_in_full(tmp_path):
    found = plan_study(
        gdsim.loads(
            "objective: [sphere, booth]\nstart: [1, 2]\nsteps: 4\n"
            "view: {size: [320, 180]}\nanimation: {fps: 5, seconds: 1, hold: 0}\n"
            "optimizers:\n  SGD: {lr: 0.05}\n  LBFGS: {lr: 1, max_iter: 2, line_search_fn: strong_wolfe}\n"
        )
    ).run()
    sphere, booth = ([each for each in found.curves if each.objective == title] for title in ("Sphere", "Booth"))
    spent = np.array([[np.inf, 3.0], [8.0, 4.0]])
    text = write_report(replace(found, evaluations=spent), tmp_path / "x.html")[1].read_text("utf-8")

    def fall(curves):
        return [
            f"| {each.optimizer} | " + " | ".join(number(float(value), 3) for value in each.values) + " |"
            for each in curves
        ]

    lines = text.splitlines()
    loss = lines.index("## Loss")
    assert [each.optimizer for each in sphere] == [each.optimizer for each in booth] == ["SGD", "LBFGS"]
    heading = [
        "",
        "| optimizer | step 0 | step 1 | step 2 | step 3 | step 4 |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    captions = [f"{title}: f − f\\*, lowest so far, the median over the starts." for title in ("Sphere", "Booth")]
    expected = [*heading, *fall(sphere), "", captions[0], *heading, *fall(booth), "", captions[1]]
    assert lines[loss + 1 : loss + 1 + len(expected)] == expected
    assert fall(sphere)[0].startswith("| SGD | 5 | 4.05 | 3.28 | ")
    profiles = lines.index("| within tolerance after | 1 × the fewest | 2 × the fewest |")
    assert lines[profiles + 2 : profiles + 4] == ["| SGD | 0% | 50% |", "| LBFGS | 100% | 100% |"]
    budgets = lines[profiles + 5]
    assert budgets.startswith("| within tolerance after | 1 evaluation | 2 evaluations | 3 evaluations | 4 evaluations")
    columns = [cell.strip() for cell in budgets.split("|")[1:-1]]
    shares = {
        cells[0]: dict(zip(columns, cells, strict=True))
        for cells in ([cell.strip() for cell in line.split("|")[1:-1]] for line in lines[profiles + 7 : profiles + 9])
    }
    at = [f"{count} evaluation{'s' * (count > 1)}" for count in (1, 3, 4, 8)]
    assert [shares["LBFGS"][each] for each in at] == ["0%", "50%", "100%", "100%"]
    assert [shares["SGD"][each] for each in at] == ["0%", "0%", "0%", "50%"]


def test_what_is_said_of_one_start_of_many_is_said_so(tmp_path):
    told = write_report(plan_study(loads(), starts=12).run(), tmp_path / "x.html")[0].read_text("utf-8")
    assert ">From a typical one of 12 starts: Gradient descent on Himmelblau, 40 steps. SGD " in told
    assert "It shows the first" not in told


def test_the_same_study_is_the_same_page(one, pages, tmp_path):
    again = write_report(one, tmp_path / "one.html")
    for mine, before in zip(again, pages["one"], strict=True):
        assert mine.read_bytes() == before.read_bytes()


@pytest.mark.parametrize("name", ["report.pdf", "report", "report.md"])
def test_a_report_is_a_page(one, tmp_path, name):
    with pytest.raises(gdsim.InputError) as caught:
        write_report(one, tmp_path / name)
    assert caught.value.code == "unsupported"
    assert not [*tmp_path.iterdir()]


def test_what_cannot_be_written_leaves_nothing_behind(one, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(gdsim.GdsimError, match="cannot be written"):
        write_report(one, tmp_path / "file" / "x.html")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    (tmp_path / "x.md").mkdir()
    with pytest.raises(gdsim.GdsimError, match="cannot be written"):
        write_report(one, tmp_path / "x.html")
    assert not (tmp_path / "x.html").exists()


def test_there_is_no_report_of_nothing(one, tmp_path):
    nothing = replace(one, table=make_table([Row("A", "B", "C", reason="D")]), experiments=(), curves=())
    with pytest.raises(gdsim.InputError) as caught:
        write_report(nothing, tmp_path / "x.html")
    assert caught.value.code == "unsupported"


def rows(**changes):
    """Rows by label, each with what it differs in from one that solves all."""
    (row,) = gdsim.compare(loads(text="steps: 3\noptimizers: {SGD: {lr: 0.01}}"))
    base = replace(row, starts=8, solved=1.0, evaluations_to_tolerance=20, best_value=0.5, diverged=0, never=0)
    return make_table([replace(base, optimizer=label, **change) for label, change in changes.items()])


SAID = {
    "one start": ("himmelblau", {}),
    "a function without bounds or known minima": ("x^2 + 3y^2 + x", {}),
    "starts of which some arrive": ("himmelblau", {"start": "{random: 6}"}),
    "several functions": ("[himmelblau, sphere, booth]", {"view.panels": "[]"}),
    "another language": ("himmelblau", {"view.language": "de"}),
    "a title of the user's": ("himmelblau", {"view.title": "Mine"}),
}


@pytest.mark.parametrize("name", SAID)
def test_a_study_says_the_sentence_of_the_picture(name):
    objective, changes = SAID[name]
    experiment = loads(objective, overrides=[f"{key}={value}" for key, value in changes.items()])
    view = experiment.view.model_copy(update={"title": None})
    picture = gdsim.build_scene(gdsim.simulate(experiment), view=view)
    assert picture.short_titles
    assert plan_study(experiment).run().finding == f"{picture.title}."


def test_the_report_and_its_markdown_begin_with_the_sentence(pages, one, several):
    for name, study in (("one", one), ("several", several)):
        assert study.finding
        assert f'<p class="lede">{study.finding}' in pages[name][0].read_text("utf-8")
        assert f"\n{escape_markdown(study.finding)}" in pages[name][1].read_text("utf-8")


def test_of_functions_about_which_nothing_is_known_together_each_has_a_sentence():
    experiment = loads("[x^2 + y^2, x^2 + 3y^2]")
    told = plan_study(experiment).run().finding
    parts = [plan_study(each).run().finding for each in map(loads, ("x^2 + y^2", "x^2 + 3y^2"))]
    assert told == f"x^2 + y^2: {parts[0]} x^2 + 3y^2: {parts[1]}"


def test_optimizers_that_cannot_run_are_named(several):
    assert summarize(several) == f"{several.finding} Sparse cannot run; the table says why."
    partly = Row("Booth", "SGD", "SGD", reason="it cannot")
    without = [row for row in several.table if (row.objective, row.optimizer) != ("Booth", "SGD") and not row.reason]
    told = summarize(replace(several, finding="", table=make_table([*without, partly])))
    assert told == "The means leave out SGD, with which not all 5 objectives can be run; the table says why."


def test_columns_without_news_are_left_out():
    def names(**changes):
        return {column.name for column in rows(**changes).columns()}

    assert not names(A={}, B={}) & {"never", "diverged", "evaluations"}
    assert {"never", "diverged"} <= names(A={}, B={"never": 1, "diverged": 2})
    assert "evaluations" in names(A={"evaluations": 30.0}, B={"evaluations": 31.5})
    assert "evaluations" not in names(A={"evaluations": 30.0}, B={"evaluations": 30.0})


def test_steps_are_given_where_a_step_needs_several_gradients(pages, tmp_path):
    assert "steps)</span>" not in pages["one"][0].read_text("utf-8")
    found = plan_study(loads(text=SMALL.replace("Adam: {lr: 0.3}", "LBFGS: {lr: 0.5}"))).run()
    (row,) = [each for each in found.table if each.optimizer == "LBFGS"]
    assert row.evaluations_to_tolerance > row.steps_to_tolerance + 1
    html = write_report(found, tmp_path / "x.html")[0].read_text("utf-8")
    steps = f"{row.steps_to_tolerance} step{'s' * (row.steps_to_tolerance != 1)}"
    small = f'<span class="small">({steps})</span>'
    assert html.count(f">{row.evaluations_to_tolerance}{small}</td>") == 1


@pytest.mark.parametrize("label", ["=1", "+1", "-1", "@x", "＝1", "＋1", "－1", "＠x", "\t=1", "\r=1", " =1", "\nx"])
def test_no_cell_is_a_formula(label):
    assert f"'{label}" in rows(**{label: {}}).to_csv()


@pytest.mark.parametrize(
    ("label", "written"),
    [("@x", r"\@x"), ("http://a.b", r"http\://a.b"), ("WWW.a.b", r"WWW\.a.b"), ("a: b.c", "a: b.c"), ("#1", r"\#1")],
)
def test_no_label_calls_or_links(label, written):
    assert f"| {written} |" in rows(**{label: {}}).to_markdown()


def test_the_title_names_few_and_counts_many():
    assert title(rows(A={}, B={})) == "A and B on Himmelblau"
    assert title(rows(**{name: {} for name in "ABCDEFG"})) == "7 optimizers on Himmelblau"


def test_the_picture_says_how_it_was_tuned(one, several):
    assert tuning_notes(several.tuning) == ()
    assert tuning_notes(Tuning(("lr", "momentum"), budget=1)) == ("tuned with a budget of 1 descent",)
    long, short = tuning_notes(one.tuning)
    assert short == "tuned with a budget of 5 descents"
    assert long == f"{short}, lr on a grid from 1e-05 to 10"


def drawn(*curves, **more):
    style = Style("A", "", "#123456", (), "o")
    made = tuple(PanelCurve(style, np.array(each, float)[:, None], np.array([len(each) - 1])) for each in curves)
    panel = CurvesPanel("loss", "step", 10.0, 0.0, False, np.array([0.0, 4.0]), None, made)
    return chart(panel, theme("light"), **{"name": "a", "words": "it's <so>", **more})


def places(svg):
    lines = re.findall(r'd="([^"]*)"[^>]*stroke: #123456', svg)
    return [np.array(re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", line), float) for line in lines]


def test_a_chart_puts_each_spot_in_its_place():
    (line,) = places(drawn([(0, 0), (5, 1), (10, 4)]))
    x, y = line.T
    np.testing.assert_allclose((x - x[0]) / (x[2] - x[0]), [0, 0.5, 1], atol=1e-3)
    np.testing.assert_allclose((y - y[0]) / (y[2] - y[0]), [0, 0.25, 1], atol=1e-3)
    assert y[2] < y[0]


def test_a_stepped_chart_holds_its_value_up_to_the_next_spot():
    (line,) = places(drawn([(0, 0), (5, 1), (10, 4)], stepped=True))
    x, y = line.T
    # Across first, then up.
    corners = {(round(a, 1), round(b, 1)) for a, b in line}
    assert (round(x.max(), 1), round(y.max(), 1)) not in corners
    assert len(line) >= 5


def test_a_chart_is_text_and_the_same_each_time():
    svg = drawn([(0, 0), (10, 4)])
    assert svg == drawn([(0, 0), (10, 4)])
    assert 'aria-label="it&#x27;s &lt;so&gt;"' in svg
    assert "<style" not in svg
    assert ">step</text>" in svg
    assert ">0.5</text>" not in svg


def test_an_axis_of_doublings_reads_in_powers_of_two():
    svg = drawn([(0, 0), (10, 4)], doubling=True)
    ticks = re.findall(r">(\d+)</text>", svg)
    assert {"1", "4", "16", "1024"} <= {*ticks}


# What follows drives a real browser.


def column(browser, index):
    script = """return [...document.querySelectorAll("table.figures tbody tr")].map(
        row => row.cells[arguments[0]]?.dataset.value ?? row.cells[arguments[0]]?.textContent ?? null)"""
    return browser.execute_script(script, index)


ESCAPING = """
const most = document.documentElement.clientWidth;
return [...document.body.querySelectorAll("*")].filter(each => {
    if (each.closest(".scroll table, pre, .hidden")) return false;
    const box = each.getBoundingClientRect();
    return box.width > 0 && (box.right > most + 0.5 || box.left < -0.5);
}).map(each => each.tagName + "." + each.className);
"""


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("name", ["one", "several", "hostile"])
def test_nothing_overflows_and_the_console_is_silent(browser, pages, name, width, scheme):
    visit(browser, pages[name][0], width=width, color_scheme=scheme)
    # What is folded away must fit as well.
    browser.execute_script("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert browser.execute_script(ESCAPING) == []
    assert browser.get_log("browser") == []
    seen = browser.execute_script(
        "return [...document.querySelectorAll('video')].filter(each => each.offsetWidth).map(each => each.className)"
    )
    assert seen == ["by-night" if scheme == "dark" else "by-day"]
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


@pytest.fixture(scope="module")
def crowded(tmp_path_factory):
    """A page whose table has every column."""
    text = SMALL.replace("steps: 40", "steps: 20") + "  LBFGS: {lr: 1, max_iter: 4}\n  Wild: {class: SGD, lr: 5}\n"
    found = plan_study(loads(text=text), starts=12, objectives=["himmelblau", "rosenbrock"]).run()
    return write_report(found, tmp_path_factory.mktemp("crowded") / "x.html")[0]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["one", "several", "crowded"])
def test_no_column_is_out_of_sight(browser, pages, crowded, name):
    visit(browser, crowded if name == "crowded" else pages[name][0])
    boxes = "return [...document.querySelectorAll('.scroll')].map(each => each.scrollWidth - each.clientWidth)"
    assert {*browser.execute_script(boxes)} == {0}


@pytest.mark.slow
def test_the_table_sorts_by_mouse_and_by_keyboard(browser, pages):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    visit(browser, pages["several"][0])
    headings = browser.find_elements(By.CSS_SELECTOR, "table.figures th[aria-sort]")
    names = [each.text.split("\n")[0].lower() for each in headings]
    index = next(i for i, name in enumerate(names) if name.startswith("best"))
    before = column(browser, index)
    figures = sorted(float(each) for each in before if each)
    headings[index].find_element(By.TAG_NAME, "button").click()
    assert headings[index].get_attribute("aria-sort") == "ascending"
    after = column(browser, index)
    assert [float(each) for each in after[: len(figures)]] == figures
    # Classes that cannot run have no figure, and stay last whichever way it goes.
    assert not any(after[len(figures) :])
    headings[index].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
    assert headings[index].get_attribute("aria-sort") == "descending"
    after = column(browser, index)
    assert [float(each) for each in after[: len(figures)]] == figures[::-1]
    assert not any(after[len(figures) :])
    headings[0].find_element(By.TAG_NAME, "button").send_keys(Keys.SPACE)
    assert [each.get_attribute("aria-sort") for each in headings[:2]] == ["ascending", "none"]
    assert headings[index].get_attribute("aria-sort") == "none"
    labels = [each.text for each in browser.find_elements(By.CSS_SELECTOR, "table.figures tbody .name")]
    assert labels == sorted(labels)
    status = browser.find_element(By.CSS_SELECTOR, "[role=status]")
    assert status.get_attribute("textContent") == "Sorted by Optimizer, ascending."
    assert browser.get_log("browser") == []


@pytest.mark.slow
def test_the_first_column_stays_while_the_table_scrolls(browser, pages):
    from selenium.webdriver.common.by import By

    visit(browser, pages["one"][0], width=400)
    box = browser.find_element(By.CSS_SELECTOR, ".scroll")
    head = box.find_element(By.CSS_SELECTOR, "tbody th")
    left = head.rect["x"]
    browser.execute_script("arguments[0].scrollLeft = 300", box)
    assert browser.execute_script("return arguments[0].scrollLeft", box) == 300
    assert head.rect["x"] == pytest.approx(left, abs=1)


@pytest.mark.slow
@pytest.mark.parametrize(("wish", "paused"), [("reduce", True), ("no-preference", False)])
def test_the_film_heeds_who_asks_for_little_motion(browser, pages, wish, paused):
    visit(browser, pages["one"][0], reduced_motion=wish, color_scheme="light")

    def state():
        film = "const film = document.querySelector('video.by-day');"
        return browser.execute_script(f"{film} return [film.readyState, film.paused, film.videoWidth]")

    assert wait_for(lambda: state()[0] >= 2 and state()[1] == paused)
    assert state()[2] == 320
    assert browser.execute_script("return document.querySelector('video.by-night').paused")
    if paused:
        assert browser.execute_script("return document.querySelector('video.by-day').currentTime") == 0


@pytest.mark.slow
def test_the_configuration_can_be_copied(browser, pages, one):
    from selenium.webdriver.common.by import By

    visit(browser, pages["one"][0])
    permissions = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    browser.execute_cdp_cmd("Browser.grantPermissions", permissions)
    button = browser.find_element(By.CSS_SELECTOR, ".copy")
    button.click()
    assert wait_for(lambda: button.text == "Copied")
    text = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert text.strip() == one.experiments[0].yaml.strip()
    assert browser.get_log("browser") == []


@pytest.mark.slow
def test_a_report_of_ordinary_size_stays_small(tmp_path):
    experiment = loads(text=SMALL.replace("view: {size: [320, 180]}\nanimation: {fps: 5, seconds: 1, hold: 0}\n", ""))
    html, _ = write_report(plan_study(experiment, starts=4).run(), tmp_path / "x.html")
    assert html.stat().st_size < 1_500_000
