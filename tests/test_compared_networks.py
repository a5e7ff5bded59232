"""`gdsim compare` of networks: the figures are those of the run, and what would not be true is refused."""

from __future__ import annotations

import pytest

import gdsim
from gdsim.comparison import compare
from gdsim.report import write_report
from gdsim.study import Finished, Tuning, check, study

MOONS = """
objective: {network: mlp, data: {name: moons, n: 40}, hidden: [4], batch_size: 8}
steps: 6
optimizers: {SGD: {lr: 0.5}, Adam: {lr: 0.1}}
view: {size: [320, 240], panels: [accuracy]}
animation: {fps: 5, seconds: 0.4, hold: 0}
"""

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def moons():
    return gdsim.loads(MOONS)


@pytest.fixture(scope="module")
def found(moons):
    return study(moons)


def test_a_study_has_the_figures_of_the_run(moons, found):
    ran = compare(gdsim.simulate(moons))
    assert found.table.rows == ran.rows
    assert found.table.caption.startswith("From the same weights, seed 0; ")


def test_tuning_a_network_is_refused_before_any_work(moons):
    with pytest.raises(gdsim.InputError, match="a network is trained as its configuration says") as caught:
        check(moons, tuning=Tuning(("lr",)))
    assert caught.value.key == ("tune",)


def test_random_starts_of_a_network_are_refused_before_any_work(moons):
    with pytest.raises(gdsim.InputError, match="start"):
        check(moons, starts=3)


def test_what_is_kept_is_known_by_its_data(moons, found, tmp_path):
    kept = tmp_path / "kept.jsonl"
    study(moons, finished=Finished(kept))
    steps = []
    again = study(moons, finished=Finished(kept, resume=True), track=lambda each: steps.append(len(each)) or each)
    assert again.table.rows == found.table.rows
    other = gdsim.loads(MOONS.replace("n: 40", "n: 40, seed: 1"))
    study(other, finished=Finished(kept, resume=True), track=lambda each: steps.append(len(each)) or each)
    assert (steps[0], steps[1] > 0) == (0, True)


def test_a_report_tells_of_loss_and_accuracy(found, tmp_path):
    page, text = (path.read_text("utf-8") for path in write_report(found, tmp_path / "report.html"))
    for words in (" at the lowest loss, ", " the highest test accuracy, "):
        assert words in page
        assert words in text
    assert "lowest loss so far" in text
    assert "The loss on the test data after the last step." in page
    assert "path over straight" not in text
