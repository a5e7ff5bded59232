"""Optimizers compared on equal terms: what tuning finds, and how the figures are computed."""

from __future__ import annotations

import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

import gdsim
from gdsim.analysis import Tuning, plan_study
from gdsim.analysis.rows import sort_key
from gdsim.analysis.tuning import RANGES, for_tuning
from gdsim.errors import ConfigError, GdsimError, InputError

SMALL = """
objective: rosenbrock
start: [[-1.2, 1], [0.5, -0.5], [1.5, 1.8]]
steps: 25
optimizers:
  SGD:
  Momentum: {class: SGD, momentum: 0.9}
  Adam:
"""


def plain_descent(f, class_, settings, point, steps):
    """Values and the last point of the loop that everyone writes."""
    x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
    optimizer = class_([x], **settings)
    values = []
    for step in range(steps + 1):
        optimizer.zero_grad()
        loss = f(x)
        loss.backward()
        values.append(loss.item())
        if step < steps:
            optimizer.step()
    return values, x.tolist()


def judged(runs, objective, lowest):
    """What a table is sorted by, from the values, gradient counts and last point of each start."""
    spent, lows, there = [], [], []
    for values, counts, last in runs:
        floor = lowest if objective.minimum is None else objective.minimum
        whole = values[0] - floor
        far = not all(math.isfinite(value) for value in values) or min(values) - floor < -1e-3 * abs(whole)
        outside = [k for k, value in enumerate(values) if not value - floor <= 1e-3 * whole]
        stays = max(outside, default=-1) + 1
        is_within = stays < len(values)
        spent.append(counts[stays] if is_within and not far else math.inf)
        lows.append(math.inf if far else min(values))
        near = [math.dist(last, minimum) <= 0.02 * math.dist(*objective.bounds.T) for minimum in objective.minima]
        there.append(any(near) and is_within and np.isfinite(values).all())
    return -sum(there), sorted(spent)[len(spent) // 2], float(np.median(lows))


def plain_runs(objective, class_, settings, points, steps):
    """What `judged` takes, from one loop after another."""
    runs = []
    for point in points:
        values, last = plain_descent(objective.f, class_, settings, point, steps)
        runs.append((values, range(1, steps + 2), last))
    return runs


def brute_force(objective, class_, settings, points, steps, rates):
    """The best rate by the rule by which a table is sorted, then the smaller one."""
    runs = {rate: plain_runs(objective, class_, {**settings, "lr": rate}, points, steps) for rate in rates}
    finite = [values for each in runs.values() for values, _, _ in each if np.isfinite(values).all()]
    lowest = min(map(min, finite))
    return min(rates, key=lambda rate: (*judged(runs[rate], objective, lowest), rate))


@pytest.mark.parametrize(
    ("objective", "steps"),
    [
        ("rosenbrock", 25),
        ("himmelblau", 60),
        ("beale", 150),
        ("{expression: x**4 + y**2 - x}", 40),
    ],
)
def test_the_tuned_value_is_that_of_brute_force(objective, steps):
    experiment = gdsim.loads(SMALL.replace("rosenbrock", objective), overrides=[f"steps={steps}"])
    built = experiment.objectives[0].build()
    tuning = Tuning(budget=11, ranges={"lr": (1e-4, 2.0)})
    found = plan_study(experiment, tuning=tuning).run()
    classes = {"SGD": torch.optim.SGD, "Momentum": torch.optim.SGD, "Adam": torch.optim.Adam}
    for label, spec in experiment.optimizers.items():
        best = brute_force(built, classes[label], spec.settings, experiment.start.points, steps, tuning.values("lr"))
        assert found.experiments[0].optimizers[label].settings["lr"] == best
        (row,) = [row for row in found.table if row.optimizer == label]
        assert row.tuned.startswith(f"lr {best:.6g}")


@pytest.mark.parametrize(("grid", "steps"), [(4, 60), (25, 400)])
def test_the_tuned_value_is_the_one_that_a_table_would_put_first(grid, steps):
    # From these starts nothing diverges, and the table of all rates is sorted by the same rule. Of the larger grid only
    # a few rates are in memory at once.
    text = f"{{objective: himmelblau, start: {{grid: [{grid}, {grid}]}}, steps: {steps}, optimizers: {{Adam: }}}}"
    tuning = Tuning(budget=15, ranges={"lr": (1e-3, 1.0)})
    (tuned,) = plan_study(gdsim.loads(text), tuning=tuning).run().experiments
    every = ", ".join(f"'{rate!r}': {{class: Adam, lr: {rate!r}}}" for rate in tuning.values("lr"))
    table = gdsim.compare(gdsim.loads(text.replace("Adam: ", every)))
    assert not any(row.diverged for row in table)
    assert float(table.rows[0].optimizer) == tuned.optimizers["Adam"].settings["lr"]


def test_ties_go_to_the_smaller_value():
    # Without a momentum there is nothing to dampen.
    text = "{objective: booth, start: [3, 4], steps: 20, optimizers: {SGD: {lr: 0.01}}}"
    tuning = Tuning(("dampening",), budget=5, ranges={"dampening": (0.25, 0.75)})
    (tuned,) = plan_study(gdsim.loads(text), tuning=tuning).run().experiments
    assert tuned.optimizers["SGD"].settings["dampening"] == 0.25


def test_random_starts_are_tuned_from_others():
    text = SMALL.replace("start: [[-1.2, 1], [0.5, -0.5], [1.5, 1.8]]", "start: {random: 6}")
    experiment, tuning = gdsim.loads(text, overrides=["objective=himmelblau"]), Tuning(budget=15)
    found = plan_study(experiment, tuning=tuning).run()
    built = experiment.objectives[0].build()
    others = gdsim.simulate(for_tuning(experiment))[0].points[0]
    own = gdsim.simulate(experiment)[0].points[0]
    assert others.shape == own.shape
    assert not np.isin(others, own).any()
    spec = found.experiments[0].optimizers["SGD"]
    best = brute_force(built, torch.optim.SGD, {}, others.tolist(), experiment.steps, tuning.values("lr"))
    assert spec.settings["lr"] == best
    assert found.experiments[0].start == experiment.start
    assert found.experiments[0].seed == experiment.seed
    assert "from 6 other random starts" in found.table.caption


@pytest.mark.parametrize("start", ["[[1, 2], [3, 3]]", "{grid: [2, 2]}", "[1, 2]"])
def test_starts_that_are_given_serve_both(start):
    experiment = gdsim.loads(SMALL, overrides=[f"start={start}"])
    assert for_tuning(experiment) == experiment
    assert "from the same starts" in plan_study(experiment, tuning=Tuning(budget=2)).run().table.caption


def test_where_no_value_survives_the_configs_own_is_kept():
    text = "{objective: {expression: x**2}, start: [[1], [2]], steps: 900, optimizers: {SGD: {lr: 0.125}, Adam: }}"
    found = plan_study(gdsim.loads(text), tuning=Tuning(budget=3, ranges={"lr": (3.0, 9.0)})).run()
    rows = {row.optimizer: row for row in found.table}
    assert rows["SGD"].tuned == "all trials failed"
    assert rows["SGD"].settings == "SGD · lr 0.125"
    assert rows["SGD"].diverged == 0
    assert rows["Adam"].tuned.startswith("lr ")
    assert found.experiments[0].optimizers["SGD"].settings == {"lr": 0.125}


COUNTING = """
objective: rosenbrock
start: [[-1.2, 1], [0.5, -0.5], [1.5, 1.8]]
steps: 12
optimizers:
  SGD: {lr: 0.001}
  LBFGS: {lr: 0.5, max_iter: 4}
"""


def test_gradients_are_counted_apart_from_steps():
    asked = []
    experiment = gdsim.loads(COUNTING)
    built, (_, path) = experiment.objectives[0].build(), gdsim.simulate(experiment)
    for point in experiment.start.points:
        x = torch.tensor(point, dtype=torch.float64, requires_grad=True)
        optimizer, counts = torch.optim.LBFGS([x], lr=0.5, max_iter=4), [0]

        def closure(x=x, optimizer=optimizer, counts=counts):
            counts[0] += 1
            optimizer.zero_grad()
            loss = built.f(x)
            loss.backward()
            return loss

        before = []
        for _ in range(12):
            before.append(counts[0] + 1)
            optimizer.step(closure)
        asked.append([*before, counts[0] + 1])
    found = plan_study(experiment).run()
    curves = {curve.optimizer: curve for curve in found.curves}
    np.testing.assert_array_equal(curves["SGD"].evaluations, curves["SGD"].steps + 1)
    np.testing.assert_array_equal(curves["LBFGS"].evaluations, np.median(asked, axis=0))
    assert curves["LBFGS"].evaluations[-1] > 2 * 13
    rows = {row.optimizer: row for row in found.table}
    assert rows["SGD"].evaluations == 13
    assert rows["LBFGS"].evaluations == np.median(path.evaluations[-1]) == curves["LBFGS"].evaluations[-1]
    assert "evaluations" in [column.name for column in found.table.columns()]
    assert "the same number of steps, 12" in found.table.caption


def test_a_method_of_two_gradients_a_step_is_counted_so():
    pytest.importorskip("pytorch_optimizer")
    sam = "{class: pytorch_optimizer.SAM, args: {base_optimizer: SGD, lr: 0.001}}"
    found = plan_study(gdsim.loads(COUNTING, overrides=[f"optimizers={{SAM: {sam}}}"])).run()
    assert found.table.rows[0].reason == ""
    (curve,) = found.curves
    np.testing.assert_array_equal(curve.evaluations, 2 * curve.steps + 1)


def test_a_start_that_diverges_counts_as_infinite():
    # On a parabola rates above 1 diverge, after values as low as at the start.
    text = "{objective: {expression: x**2}, start: [[1], [2], [3]], steps: 400, optimizers: {SGD: }}"
    tuning = Tuning(budget=3, ranges={"lr": (1e-9, 5.0)})
    found = plan_study(gdsim.loads(text), tuning=tuning).run()
    assert found.experiments[0].optimizers["SGD"].settings["lr"] == tuning.values("lr")[1]


def test_values_below_the_minimum_are_outside_its_view():
    # McCormick falls for ever beyond its view; a large rate leaves for there.
    text = "{objective: mccormick, start: [4, 4], steps: 60, optimizers: {Adam: }}"
    found = plan_study(gdsim.loads(text), tuning=Tuning(budget=2, ranges={"lr": (1e-3, 4.0)})).run()
    far = gdsim.descend(gdsim.objective("mccormick"), "Adam", start=[4, 4], steps=60, lr=4.0)
    assert far.values.min() < far.objective.minimum - 1
    assert found.experiments[0].optimizers["Adam"].settings["lr"] == 1e-3


def test_the_edge_is_flagged():
    found = plan_study(gdsim.loads(SMALL), tuning=Tuning(budget=4, ranges={"lr": (1e-8, 1e-6)})).run()
    assert {row.tuned for row in found.table} == {"lr 1e-06 (at the edge of its grid)"}
    inside = plan_study(gdsim.loads(SMALL), tuning=Tuning(budget=9, ranges={"lr": (1e-5, 10.0)})).run()
    assert not any("edge" in row.tuned for row in inside.table)


def test_the_table_is_that_of_its_tuned_experiment():
    found = plan_study(gdsim.loads(SMALL), tuning=Tuning(budget=5)).run()
    again = gdsim.loads(found.experiments[0].yaml)
    assert again == found.experiments[0]
    rows = {row.optimizer: row for row in gdsim.compare(again)}
    for row in found.table:
        told = vars(row) | {"tuned": ""}
        assert told == vars(rows[row.optimizer])


def test_without_options_it_is_the_config_as_it_stands():
    experiment = gdsim.loads(SMALL.replace("rosenbrock", "[rosenbrock, {expression: x**4 + y**2}]"))
    found = plan_study(experiment).run()
    assert list(found.table) == list(gdsim.compare(experiment))
    assert [row.tuned for row in found.table] == [""] * 6
    assert found.table.labels == ("SGD", "Momentum", "Adam")
    assert found.tuning is None


def test_noise_is_the_same_while_tuning_and_after():
    text = SMALL.replace("Adam:", "Adam: {noise: 0.5}").replace("rosenbrock", "sphere")
    tuning = Tuning(budget=5, ranges={"lr": (1e-3, 1.0)})
    found = plan_study(gdsim.loads(text), tuning=tuning).run()
    best = found.experiments[0].optimizers["Adam"].settings["lr"]

    def key(rate):
        path = gdsim.simulate(gdsim.loads(text, overrides=[f"optimizers.Adam.lr={rate}"]))[2]
        runs = [(path.values[:, i], path.evaluations[:, i], path.points[-1, i]) for i in range(3)]
        return judged(runs, path.objective, 0.0)

    assert best == min(tuning.values("lr"), key=key)


def test_evaluations_are_one_row_a_problem():
    experiment = gdsim.loads(SMALL.replace("rosenbrock", "[booth, matyas]").replace("steps: 25", "steps: 200"))
    found = plan_study(experiment, tuning=Tuning(budget=7)).run()
    assert found.evaluations.shape == (6, 3)
    for index, part in enumerate(found.experiments):
        for column, path in enumerate(gdsim.simulate(part)):
            minimum = path.objective.minimum
            for start, values in enumerate(path.values.T):
                outside = np.flatnonzero(values - minimum > 1e-3 * (values[0] - minimum))
                stays = outside[-1] + 2 if len(outside) else 1
                expected = stays if stays <= len(values) else np.inf
                assert found.evaluations[3 * index + start, column] == expected


def test_curves_are_the_median_of_the_lowest_so_far():
    found = plan_study(gdsim.loads(SMALL)).run()
    for curve, path in zip(found.curves, gdsim.simulate(gdsim.loads(SMALL)), strict=True):
        lowest = np.array([path.values[: k + 1].min(0) for k in range(26)])
        assert curve.optimizer == path.label
        np.testing.assert_array_equal(curve.steps, np.arange(26))
        np.testing.assert_array_equal(curve.evaluations, np.arange(26) + 1)
        np.testing.assert_array_equal(curve.values, np.median(lowest, axis=1))


def test_long_curves_keep_their_ends():
    (curve,) = plan_study(gdsim.loads("{objective: booth, steps: 5000, optimizers: {SGD: {lr: 0.01}}}")).run().curves
    assert len(curve.steps) == 1001
    assert curve.steps[0] == 0
    assert curve.steps[-1] == 5000


FAILING = """
objective: booth
start: {random: 3}
steps: 40
optimizers:
  Fine: {class: SGD, lr: 0.01}
  Whole: {class: SGD, nesterov: true}
  Missing: {class: pytorch_optimizer.Lione}
"""


def test_a_class_that_cannot_run_is_a_row_with_its_reason():
    found = plan_study(gdsim.loads(FAILING), tuning=Tuning(budget=3)).run()
    rows = {row.optimizer: row for row in found.table}
    assert rows["Fine"].reason == ""
    assert "Nesterov" in rows["Whole"].reason
    assert "did you mean 'Lion'?" in rows["Missing"].reason
    assert rows["Whole"].best_value is None
    assert next(iter(found.table)).optimizer == "Fine"
    assert list(found.experiments[0].optimizers) == ["Fine"]
    assert np.isinf(found.evaluations[:, 1:]).all()
    assert len(found.curves) == 1


def test_where_only_some_values_can_run_the_best_of_them_is_found():
    # Nesterov's needs a momentum above 0, which the grid's first value is not.
    text = "{objective: booth, steps: 50, optimizers: {SGD: {lr: 0.01, nesterov: true}}}"
    found = plan_study(gdsim.loads(text), tuning=Tuning(("momentum",), budget=5)).run()
    assert found.experiments[0].optimizers["SGD"].settings["momentum"] > 0
    assert found.table.rows[0].reason == ""


def test_nothing_that_runs_is_no_experiment():
    text = "{objective: booth, steps: 50, optimizers: {SGD: {nesterov: true}}}"
    found = plan_study(gdsim.loads(text)).run()
    assert found.experiments == ()
    assert "Nesterov" in found.table.rows[0].reason


def test_betas_and_arguments_below_args_are_tuned():
    text = """
objective: booth
steps: 60
optimizers:
  Adam: {lr: 0.1, betas: [0.5, 0.99]}
  Args: {class: Adam, args: {lr: 0.1}}
"""
    (tuned,) = plan_study(gdsim.loads(text), tuning=Tuning(("beta1",), budget=3)).run().experiments
    assert tuned.optimizers["Adam"].settings["betas"][1] == 0.99
    assert tuned.optimizers["Args"].settings["betas"][1] == 0.999
    values = Tuning(("beta1",), budget=3).values("beta1")
    assert tuned.optimizers["Adam"].settings["betas"][0] in values
    (tuned,) = plan_study(gdsim.loads(text), tuning=Tuning(budget=3)).run().experiments
    assert tuned.optimizers["Args"].settings["lr"] in Tuning(budget=3).values("lr")
    assert "args: {lr" in tuned.yaml


def test_several_at_once_are_seeded_and_alike_for_all():
    pytest.importorskip("optuna")
    text = """
objective: booth
start: {grid: [2, 2]}
steps: 30
optimizers:
  One: {class: SGD}
  Same: {class: SGD, momentum: 0.5}
  Adam:
"""
    tuning = Tuning(("lr", "momentum"), budget=12)
    first, second = (plan_study(gdsim.loads(text), tuning=tuning).run() for _ in range(2))
    assert first.table.to_csv() == second.table.to_csv()
    one, same, adam = first.experiments[0].optimizers.values()
    # Two of one class have the same to choose from, and the same trials.
    assert one.settings == same.settings
    assert one.settings.keys() == {"lr", "momentum"}
    assert adam.settings["lr"] in tuning.values("lr")
    # A larger budget begins with the same trials, so it never ends with a worse score.
    more = plan_study(gdsim.loads(text), tuning=Tuning(("lr", "momentum"), budget=24)).run()
    before = {row.optimizer: row for row in first.table}
    for row in more.table:
        if row.optimizer != "Adam":
            assert sort_key(row) <= sort_key(before[row.optimizer])


def test_without_optuna_one_line_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GdsimError, match=r"needs Optuna: pip install 'gdsim\[tune\]'"):
        plan_study(gdsim.loads(SMALL), tuning=Tuning(("lr", "momentum"), budget=2)).run()
    # An optimizer that has only one of the names needs none.
    assert plan_study(gdsim.loads("{objective: booth, steps: 5, optimizers: {Adam: }}"), tuning=Tuning(budget=2)).run()


def test_all_is_every_plane_objective_with_a_known_minimum():
    found = plan_study(gdsim.loads(SMALL.replace("steps: 25", "steps: 2")), objectives=["all"], starts=2).run()
    known = [gdsim.objective(name) for name in gdsim.objectives.names()]
    wanted = {each.title for each in known if each.dim == 2 and each.minimum is not None}
    assert {row.objective for row in found.table} == wanted
    assert found.evaluations.shape == (2 * len(wanted), 3)


def test_starts_are_drawn_in_each_objectives_bounds():
    found = plan_study(gdsim.loads(SMALL), objectives=["booth", "beale"], starts=5).run()
    for part in found.experiments:
        bounds = part.objectives[0].build().bounds
        points = gdsim.simulate(part)[0].points[0]
        assert len(points) == 5
        assert ((points >= bounds[:, 0]) & (points <= bounds[:, 1])).all()
    assert "5 random starts" in found.table.caption


def test_the_caption_says_how():
    caption = plan_study(gdsim.loads(SMALL), starts=4, tuning=Tuning(budget=3)).run().table.caption
    for words in ("From 4 random starts", "4 other random starts", "25", "seed 0", "budget of 3", "from 1e-05 to 10"):
        assert words in caption
    assert "judged by what the table is sorted by, then the smaller one" in caption
    assert caption.partition(" Figures are")[0].count(". ") == 2


@pytest.mark.parametrize(
    ("arguments", "key", "code"),
    [
        ({"objectives": ["boot"]}, "objectives", "unknown-name"),
        ({"objectives": []}, "objectives", "missing"),
        ({"starts": 0}, "starts", "invalid-value"),
        ({"tuning": Tuning(("alpha",))}, "tune", "unknown-name"),
        ({"tuning": Tuning(("momentom",), ranges={"momentom": (0, 1)})}, "tune", "unknown-name"),
        ({"tuning": Tuning(("nesterov",), ranges={"nesterov": (0, 1)})}, "tune", "unknown-name"),
    ],
)
def test_mistakes_are_raised_before_any_work(arguments, key, code):
    def progress(work):
        raise AssertionError("work has begun")

    with pytest.raises(InputError) as caught:
        plan_study(gdsim.loads(SMALL), **arguments).run(progress=progress)
    assert (caught.value.key, caught.value.code) == ((key,), code)


def test_starts_that_go_with_no_objective_are_told_for_all():
    with pytest.raises(ConfigError):
        plan_study(gdsim.loads(SMALL.replace("rosenbrock", "sphere")), objectives=["double_well"]).run()


@pytest.mark.parametrize(
    ("arguments", "key", "code"),
    [
        ({"names": ()}, "tune", "missing"),
        ({"names": ("lr", "lr")}, "tune", "duplicate"),
        ({"budget": 0}, "budget", "invalid-value"),
        ({"budget": 2.5}, "budget", "invalid-value"),
        ({"ranges": {"momentum": (0, 1)}}, "range", "unknown-name"),
        ({"ranges": {"lr": (0, 1)}}, "range", "invalid-value"),
        ({"ranges": {"lr": (2, 1)}}, "range", "invalid-value"),
        ({"ranges": {"lr": (1, math.inf)}}, "range", "invalid-value"),
        ({"names": ("momentum",), "ranges": {"momentum": (0, 1)}}, "range", "invalid-value"),
        ({"names": ("lambd",)}, "range", "missing"),
        ({"names": ("lrr",)}, "tune", "unknown-name"),
    ],
)
def test_an_invalid_tuning_is_refused(arguments, key, code):
    with pytest.raises(InputError) as caught:
        Tuning(**arguments)
    assert (caught.value.key, caught.value.code) == ((key,), code)


@given(
    budget=some.integers(2, 200),
    low=some.floats(1e-8, 1.0),
    factor=some.floats(1.001, 1e6),
    name=some.sampled_from(["lr", "lambd"]),
)
def test_a_grid_is_log_uniform_with_both_ends(budget, low, factor, name):
    values = Tuning((name,), budget=budget, ranges={name: (low, low * factor)}).values(name)
    assert len(values) == budget
    assert values[0] == low
    assert values[-1] == low * factor
    np.testing.assert_allclose(values, np.geomspace(low, low * factor, budget), rtol=6e-3)


@pytest.mark.parametrize("name", RANGES)
def test_default_ranges_make_grids(name):
    tuning = Tuning((name,))
    values = np.array(tuning.values(name))
    assert len(values) == 41
    assert tuple(values[[0, -1]]) == RANGES[name]
    assert (np.diff(values) > 0).all()
    spaced = 1 - values if RANGES[name][1] < 1 and name not in ("weight_decay", "eps") else values
    ratios = spaced[1:] / spaced[:-1]
    np.testing.assert_allclose(ratios, ratios.mean(), rtol=0.02)


def test_a_budget_of_one_is_the_middle():
    assert Tuning(budget=1).values("lr") == (0.01,)
    found = plan_study(gdsim.loads(SMALL, overrides=["objective=sphere"]), tuning=Tuning(budget=1)).run()
    assert {row.tuned for row in found.table} == {"lr 0.01"}


def test_an_even_grid_where_the_range_is_not_above_zero():
    assert Tuning(("dampening",), budget=3, ranges={"dampening": (-1, 1)}).values("dampening") == (-1, 0, 1)


def test_progress_counts_every_optimizer_on_every_objective():
    seen, lengths = [], []

    def progress(work):
        lengths.append(len(work))
        for each in work:
            seen.append(each)
            yield each

    plan_study(gdsim.loads(FAILING), objectives=["booth", "beale"], tuning=Tuning(budget=3)).run(progress=progress)
    assert seen == list(range(6))
    assert lengths == [6]
