"""What a sweep can vary: settings against runs with each value, analytic limits, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest

import gdsim
from gdsim.errors import ConfigError
from gdsim.sweeps import OUTCOMES, Outcome
from tests.test_sweeps import assert_equal, cell

OTHERS = {
    "an objective's parameter": ("objective.condition", [1, 100], "optimizers.SGD.lr", [0.01, 0.1]),
    "steps": ("steps", [1, 20], "optimizers.SGD.lr", [0.01, 0.1]),
    "an argument of a schedule": ("optimizers.SGD.schedule.step_size", [1, 9], "optimizers.SGD.lr", [0.01, 0.1]),
    "noise": ("optimizers.SGD.noise", [0, 2], "optimizers.SGD.lr", [0.01, 0.1]),
    "a seed": ("seed", [0, 5], "optimizers.SGD.lr", [0.01, 0.1]),
    "another class": ("optimizers.SGD.clip_norm", [0.1, 5], "optimizers.LBFGS.lr", [0.01, 1]),
    "a third-party class": ("optimizers.Lion.lr", [0.01, 0.1], "start.1", [-1, 3]),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_settings_are_those_of_runs_with_each_value(kind):
    text = """
    objective: {name: quadratic, condition: 10}
    start: [3, 2]
    steps: 15
    optimizers:
      SGD: {lr: 0.05, noise: 0.5, schedule: {class: StepLR, step_size: 5, gamma: 0.5}}
      LBFGS: {lr: 0.5}
      Lion: {class: pytorch_optimizer.Lion, lr: 0.05}
    """
    x, horizontal, y, vertical = OTHERS[kind]
    axes = {"setting": x, "range": horizontal}, {"setting": y, "range": vertical}
    mapping = {"x": axes[0], "y": axes[1], "size": [3, 2]}
    result = gdsim.sweep(gdsim.loads(text, overrides=[f"sweep={gdsim.config.yaml_text.dump(mapping)}"]))
    for row, high in enumerate(result.y.values.tolist()):
        for column, value in enumerate(result.x.values.tolist()):
            whole = x in ("steps", "seed") or "step_size" in x
            changes = [f"{x}={int(value) if whole else value}"]
            changes.append(f"start=[3, {high}]" if y == "start.1" else f"{y}={high}")
            assert_equal(result, (row, column), cell(text, changes))


@pytest.mark.parametrize("momentum", [0.0, 0.5, 0.9])
def test_the_edge_of_stability_is_the_analytic_one(momentum):
    """Descent on a quadratic with curvature λ is stable up to the learning rate 2 (1 + β) / λ."""
    largest = 4.0
    result = gdsim.sweep(
        gdsim.loads(
            f"""
            objective: {{expression: "0.5*x^2 + {largest / 2}*y^2", bounds: [[-5, 5], [-5, 5]]}}
            start: [1, 1]
            steps: 300
            optimizers: {{SGD: {{lr: 0.1, momentum: {momentum}}}}}
            sweep: {{x: {{setting: optimizers.SGD.lr, range: [0.3, 1.2]}}, points: 31, show: outcome}}
            """
        )
    )
    rates, outcomes = result.x.values, result.figures["outcome"][0]
    unstable = np.isin(outcomes, [OUTCOMES.index(each) for each in (Outcome.DIVERGED, Outcome.ROSE)])
    edge = 2 * (1 + momentum) / largest
    assert (np.diff(unstable.astype(int)) >= 0).all()
    assert abs(rates[unstable.argmax()] - edge) <= rates[1] - rates[0]


def test_the_cells_of_a_network_are_those_of_its_training():
    text = """
    objective: {network: mlp, hidden: [4], data: {name: moons, n: 60}, batch_size: 20}
    steps: 12
    optimizers: {SGD: {lr: 0.1}, Adam: {lr: 0.01}}
    sweep:
      x: {setting: optimizers.*.lr, range: [0.001, 1], scale: log}
      y: {setting: seed, values: [0, 3]}
      size: [5, 2]
    """
    result = gdsim.sweep(gdsim.loads(text))
    assert result.agreement == 1
    for row, seed in enumerate(result.y.values):
        for column, lr in enumerate(result.x.values.tolist()):
            changes = [f"optimizers.{label}.lr={lr}" for label in result.labels]
            trained = gdsim.simulate(gdsim.loads(text, overrides=["sweep=null", f"seed={seed:.0f}", *changes]))
            for index, each in enumerate(trained):
                losses = each.training.batch_losses
                found = [result.figures[name][index, row, column] for name in ("final_value", "best_value")]
                np.testing.assert_allclose(found, [losses[-1], losses.min()], rtol=1e-4)


MISTAKES = {
    "an unknown optimizer": ("x: {setting: optimizers.Adm.lr, range: [0.1, 1]}", "x.setting", "did you mean 'Adam'?"),
    "an unknown argument": ("x: {setting: optimizers.Adam.lrr, range: [0.1, 1]}", "x.setting", "did you mean 'lr'?"),
    "an unknown key": ("x: {setting: step, range: [1, 9]}", "x.setting", "did you mean 'steps'?"),
    "an argument alone": ("x: {setting: lr, range: [0.1, 1]}", "x.setting", "did you mean optimizers.*.lr?"),
    "an argument of a label": ("x: {setting: Adam.lr, range: [1, 9]}", "x.setting", "did you mean optimizers.Adam.lr?"),
    "a setting of the view": ("x: {setting: view.dpi, range: [1, 9]}", "x.setting", "does not change the numbers"),
    "a parameter that is not there": ("x: {setting: objective.conditon, range: [1, 9]}", "x.setting", "conditon"),
    "zero on a log scale": (
        "x: {setting: optimizers.Adam.lr, range: [-1, 1], scale: log}",
        "x.range",
        "must be above 0 on a log scale",
    ),
    "a value that the class refuses": (
        "x: {setting: optimizers.Adam.lr, range: [-1, 1]}",
        "x",
        "Invalid learning rate",
    ),
    "a refused value among others": (
        "x: {setting: optimizers.Adam.lr, values: [0.1, -1, 1]}",
        "x",
        "optimizers.Adam.lr = -1: Adam refuses its settings",
    ),
    "not a number": ("x: {setting: steps, range: [.nan, 9]}", "x.range.0", "must be a number, not nan"),
    "an infinite distance": ("x: {setting: start.0, range: [-1.0e308, 1.0e308]}", "x.range", "with a finite distance"),
    "an optimizer without a setting": (
        "x: {setting: optimizers.Adam, range: [0, 1]}",
        "x.setting",
        "optimizers.Adam.lr",
    ),
    "too many cells": (
        "{x: {setting: start}, y: {setting: start}, size: [100000, 100000]}",
        "size",
        "at most 16,777,216 runs are computed",
    ),
    "no values": ("x: {setting: optimizers.Adam.lr}", "x", "needs a range such as"),
    "the same setting twice": (
        "{x: {setting: steps, range: [1, 9]}, y: {setting: steps, range: [1, 9]}}",
        "y.setting",
        "is the setting of x, too",
    ),
    "one start in two dimensions": ("x: {setting: start}", "x.setting", "write start.0"),
    "a coordinate that is not there": ("x: {setting: start.2}", "x.setting", "must be start.0 to start.1"),
    "a size for one axis": ("{x: {setting: steps, range: [1, 9]}, size: [3, 3]}", "size", "one axis takes `points`"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_at_its_place(mistake, tmp_path):
    written, key, words = MISTAKES[mistake]
    written = written if written.startswith("{") else f"{{{written}}}"
    path = tmp_path / "bad.yaml"
    path.write_text(f"objective: himmelblau\nsteps: 9\noptimizers: {{Adam: {{lr: 0.1}}}}\nsweep: {written}\n")
    with pytest.raises(ConfigError) as caught:
        gdsim.sweep(path)
    assert f": sweep.{key}: " in str(caught.value)
    assert words in str(caught.value)
    assert str(caught.value).startswith(f"{path}:4:")
    assert len(str(caught.value).splitlines()) == 1


def test_two_objectives_are_refused():
    text = """
    objective: [sphere, booth]
    steps: 9
    optimizers: {SGD: {lr: 0.1}}
    sweep: {x: {setting: objective.0.dim, values: [2, 3]}}
    """
    with pytest.raises(ConfigError, match="varies the settings of one objective, and there are 2"):
        gdsim.loads(text)


def test_figures_of_an_unknown_minimum_are_refused():
    text = "{objective: x^2, steps: 9, optimizers: {SGD: {lr: 0.1}}, sweep: {x: {setting: start}, show: solved}}"
    with pytest.raises(ConfigError, match="solved needs a known minimum"):
        gdsim.loads(text)
