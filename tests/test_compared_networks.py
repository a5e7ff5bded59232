"""`gdsim compare` of networks: the figures are those of the run, and what would not be true is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

import gdsim
from gdsim.analysis import Tuning, compare, plan_study
from gdsim.web.report import write_report
from gdsim.web.report.summary import summarize

MOONS = """
objective: {network: mlp, data: {name: moons, n: 40}, hidden: [4], batch_size: 8}
steps: 6
optimizers: {SGD: {lr: 0.5}, Adam: {lr: 0.1}}
view: {size: [320, 240], panels: [accuracy]}
animation: {fps: 5, seconds: 0.4, hold: 0}
"""

WIDE = "{network: mlp, data: {name: moons, n: 40}, hidden: [5], batch_size: 8}"

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def moons():
    return gdsim.loads(MOONS)


@pytest.fixture(scope="module")
def found(moons):
    return plan_study(moons).run()


def test_a_study_has_the_figures_of_the_run(moons, found):
    ran = compare(gdsim.simulate(moons))
    assert found.table.rows == ran.rows
    assert found.table.caption.startswith("From the same weights, seed 0; ")


@pytest.mark.parametrize(("given", "key"), [({"tuning": Tuning(("lr",))}, "tune"), ({"starts": 3}, "starts")])
def test_what_does_not_go_with_a_network_is_refused_before_any_work(moons, given, key):
    with pytest.raises(gdsim.InputError) as caught:
        plan_study(moons, **given)
    assert (caught.value.key, caught.value.code) == ((key,), "unsupported")


def test_the_training_of_a_network_reports_its_progress(moons):
    steps = []
    plan_study(moons).run(progress=lambda each: steps.append(len(each)) or each)
    assert sum(steps) > 2 * 7


def test_a_report_tells_of_loss_and_accuracy(found, tmp_path):
    page, text = (path.read_text("utf-8") for path in write_report(found, tmp_path / "report.html"))
    for words in (" at the lowest loss of ", " the highest test accuracy of "):
        assert words in page
        assert words in text
    assert "MLP 2–4–2 on moons: loss, lowest so far, the median over the starts." in text
    assert "The loss on the test data after the last step." in page
    assert "path length ÷ distance" not in text


def test_of_several_networks_a_report_tells_of_each_and_of_no_minimum(found, tmp_path):
    rows = found.table.rows
    told = summarize(replace(found.table, rows=(*rows, replace(rows[0], objective="Another"))))
    assert told.count(" at the lowest loss of ") == 1
    accuracy = f"{100 * rows[0].test_accuracy:.1f} %"
    alone = f"On Another {rows[0].optimizer} ends at a loss of {rows[0].final_value:.3g}."
    assert f"{alone} {rows[0].optimizer} has a test accuracy of {accuracy}." in told
    untested = replace(rows[0], objective="Another", test_accuracy=None)
    assert alone in summarize(replace(found.table, rows=(*rows, untested)))
    broken = [replace(row, diverged=1, test_accuracy=1.0) for row in rows]
    assert summarize(replace(found.table, rows=(rows[0], broken[1]))).startswith(
        alone.replace("Another", rows[0].objective)
    )
    assert "no optimizer trains to the end. Adam and SGD diverge." in summarize(
        replace(found.table, rows=tuple(broken))
    )
    wide = MOONS.replace("objective: ", "objective:\n- ").replace("\nsteps: 6", f"\n- {WIDE}\nsteps: 1")
    for path in write_report(plan_study(gdsim.loads(wide)).run(), tmp_path / "both.html"):
        assert " at the lowest loss of " in path.read_text("utf-8")
        assert "inimum" not in path.read_text("utf-8").partition("Within tolerance")[0]
        assert "Share of starts that reach" not in path.read_text("utf-8")
