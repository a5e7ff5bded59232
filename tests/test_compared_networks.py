"""`gdsim compare` of networks: the figures are those of the run, and what would not be true is refused."""

from __future__ import annotations

import pytest

import gdsim
from gdsim.analysis import Tuning, compare, plan_study
from gdsim.objectives.formulas import number
from gdsim.web.report import write_report

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


def test_a_report_tells_of_the_loss(found, tmp_path):
    lowest = min(found.table, key=lambda row: row.final_value)
    assert found.finding == f"{lowest.optimizer} ends at the lowest loss, {number(lowest.final_value, 3)}."
    page, text = (path.read_text("utf-8") for path in write_report(found, tmp_path / "report.html"))
    assert found.finding in page
    assert found.finding in text
    assert "MLP 2–4–2 on moons: loss, lowest so far, the median over the starts." in text
    assert "The loss on the test data after the last step." in page
    assert "path length ÷ distance" not in text


def test_of_several_networks_a_report_tells_of_each_and_of_no_minimum(tmp_path):
    wide = MOONS.replace("objective: ", "objective:\n- ").replace("\nsteps: 6", f"\n- {WIDE}\nsteps: 1")
    study = plan_study(gdsim.loads(wide)).run()
    assert [study.finding.count(f"{curve.objective}: ") for curve in study.curves] == [1] * 4
    for path in write_report(study, tmp_path / "both.html"):
        told = path.read_text("utf-8")
        assert "inimum" not in told.partition("Within tolerance")[0]
        assert "Share of starts that reach" not in told
