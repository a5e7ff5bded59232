"""Sweeps: the figures of every cell are those of the run that its settings give."""

from __future__ import annotations

import numpy as np
import pytest

import gdsim
from gdsim.analysis import metrics
from gdsim.errors import GdsimError
from gdsim.sweeps import OUTCOMES, Outcome, engine

FIGURES = ("outcome", "final_value", "best_value", "solved", "steps_to_tolerance", "evaluations", "minimum", "distance")

BASINS = """
objective: himmelblau
steps: 60
optimizers:
  Adam: {lr: 0.3}
  Momentum: {class: SGD, lr: 0.02, momentum: 0.9}
sweep: {x: {setting: start}, y: {setting: start}, size: [7, 5], show: [minimum, final_value]}
"""

RATES = """
objective: {name: quadratic, condition: 50}
start: [3, 2]
steps: 40
optimizers:
  SGD: {lr: 0.3}
  Momentum: {class: SGD, lr: 0.01, momentum: 0.9}
sweep:
  x: {setting: optimizers.*.lr, range: [0.001, 1], scale: log}
  y: {setting: optimizers.Momentum.momentum, range: [0, 0.99]}
  size: [6, 4]
"""


def cell(text, changes):
    """The figures of one cell by label, from `simulate` and the metrics of tables."""
    experiment = gdsim.loads(text, overrides=["sweep=null", *changes])
    found = {}
    for each in gdsim.simulate(experiment):
        lowest, solved = each.objective.minimum, bool(metrics.solved(each)[0])
        reached = metrics.steps_to_tolerance(each, lowest)[0]
        apart = np.linalg.norm(each.points[-1, 0] - each.objective.minima, axis=1)
        near = apart.min() <= metrics.NEAR * np.linalg.norm(np.diff(each.objective.bounds))
        stop = each.stops[0]
        end, first = each.values[-1, 0], each.values[0, 0]
        outcome = Outcome.SOLVED if solved else Outcome.ROSE if end > first else Outcome(stop.value)
        found[each.label] = {
            "outcome": OUTCOMES.index(Outcome(stop.value) if stop.failed else outcome),
            "final_value": end,
            "best_value": each.values[:, 0].min(),
            "solved": solved,
            "steps_to_tolerance": np.nan if reached == len(each.values) else reached,
            "evaluations": np.nan if reached == len(each.values) else each.evaluations[reached, 0],
            "minimum": apart.argmin() if near and not stop.failed else -1,
            "distance": metrics.final_distances(each)[0],
        }
    return found


def assert_equal(result, place, expected):
    for index, label in enumerate(result.labels):
        for name in FIGURES:
            np.testing.assert_array_equal(
                result.figures[name][(index, *place)], expected[label][name], f"{name} {place}"
            )


@pytest.fixture(scope="module")
def basins():
    return gdsim.sweep(gdsim.loads(BASINS))


def test_basins_are_those_of_runs_from_each_start(basins):
    result = basins
    assert result.figures["minimum"].shape == (2, 5, 7)
    assert (result.x.values[0], result.y.values[-1]) == (-5, 5)
    for row, y in enumerate(result.y.values.tolist()):
        for column, x in enumerate(result.x.values.tolist()):
            assert_equal(result, (row, column), cell(BASINS, [f"start=[{x!r}, {y!r}]"]))


def test_settings_are_those_of_runs_with_each_value():
    result = gdsim.sweep(gdsim.loads(RATES))
    assert result.x.values[[0, -1]].tolist() == [0.001, 1]
    for row, momentum in enumerate(result.y.values.tolist()):
        for column, lr in enumerate(result.x.values.tolist()):
            changes = [f"optimizers.{label}.lr={lr!r}" for label in result.labels]
            changes.append(f"optimizers.Momentum.momentum={momentum!r}")
            assert_equal(result, (row, column), cell(RATES, changes))
    assert Outcome.DIVERGED in [OUTCOMES[each] for each in result.figures["outcome"].ravel()]


@pytest.mark.parametrize("name", ["minimum", "final_value", "outcome", "solved", "steps_to_tolerance"])
def test_a_figure_develops_to_its_last_state(name, basins):
    result = basins
    np.testing.assert_array_equal(result.at(name, result.steps), result.figures[name])
    early = result.at(name, 0)
    assert early.shape == result.figures[name].shape
    assert not np.array_equal(early, result.figures[name], equal_nan=True)


@pytest.mark.parametrize("text", [BASINS, RATES], ids=["starts", "settings"])
def test_a_checked_path_that_differs_from_that_of_its_cell_is_an_error(text, monkeypatch):
    gdsim.sweep(gdsim.loads(text))
    plain_path, checked = engine.plain_path, []

    def changed(task, steps):
        points = plain_path(task, steps)
        np.testing.assert_array_equal(points[0], task.points[0])
        checked.append(task)
        # The last bit of one number of the third path that is checked.
        points[7, 1] = np.nextafter(float(points[7, 1]), np.inf) if len(checked) == 3 else points[7, 1]
        return points

    monkeypatch.setattr(engine, "plain_path", changed)
    with pytest.raises(GdsimError, match="step 7 of the sweep differs from that of a plain loop") as caught:
        gdsim.sweep(gdsim.loads(text))
    where = ", ".join(f"{each:g}" for each in checked[2].points[0])
    assert str(caught.value).startswith(f"{checked[2].factory.text} from ({where}): ")
