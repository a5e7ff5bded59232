"""Optimizers on equal terms: what tuning finds, what is kept, and what the figures rest on."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as some

import gdsim
from gdsim.errors import ConfigError, GdsimError, InputError
from gdsim.study import RANGES, Finished, Tuning, moved, study

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
    """Values and gradient counts of the loop that everyone writes."""
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
    return values


def brute_force(objective, class_, settings, points, steps, rates):
    """The best rate by the stated rule, from one loop after another."""

    def score(rate):
        gaps, counts = [], []
        for point in points:
            values = plain_descent(objective.f, class_, {**settings, "lr": rate}, point, steps)
            whole = values[0] - objective.minimum
            best = min(values) - objective.minimum
            far = not all(math.isfinite(value) for value in values)
            gaps.append(math.inf if far else 0.0 if best <= 1e-12 * whole else best)
            within = [k + 1 for k, value in enumerate(values) if value - objective.minimum <= 1e-3 * whole]
            counts.append(within[0] if within else math.inf)
        return float(np.median(gaps)), sorted(counts)[len(counts) // 2], rate

    return min(map(score, rates))[2]


def test_the_tuned_value_is_that_of_brute_force():
    experiment = gdsim.loads(SMALL)
    objective = experiment.objectives[0].build()
    tuning = Tuning(budget=9, ranges={"lr": (1e-4, 1.0)})
    found = study(experiment, tuning=tuning)
    classes = {"SGD": torch.optim.SGD, "Momentum": torch.optim.SGD, "Adam": torch.optim.Adam}
    for label, spec in experiment.optimizers.items():
        best = brute_force(
            objective, classes[label], spec.settings, experiment.start.points, experiment.steps, tuning.values("lr")
        )
        assert found.experiments[0].optimizers[label].settings["lr"] == best
        (row,) = [row for row in found.table if row.optimizer == label]
        assert row.tuned.startswith(f"lr {best:.6g}")


@pytest.mark.parametrize(("objective", "steps"), [("sphere", 300), ("{expression: 'x**2 + 3*y**2 - 5'}", 120)])
def test_ties_go_to_the_faster(objective, steps):
    # On the sphere a rate of 0.5 jumps to the minimum; others reach it to rounding, too, and later.
    experiment = gdsim.loads(f"{{objective: {objective}, start: [3, 4], steps: {steps}, optimizers: {{SGD: }}}}")
    built = experiment.objectives[0].build()
    tuning = Tuning(budget=12, ranges={"lr": (0.05, 0.95)})
    runs = {
        rate: plain_descent(built.f, torch.optim.SGD, {"lr": rate}, [3.0, 4.0], steps) for rate in tuning.values("lr")
    }
    lowest = min(min(values) for values in runs.values())

    def key(rate):
        values = runs[rate]
        floor = built.minimum if built.minimum is not None else min(values)
        gap = min(values) - (0.0 if built.minimum is None else built.minimum)
        if built.minimum is not None and gap <= 1e-12 * (values[0] - floor):
            gap = 0.0
        return gap, next(k for k, v in enumerate(values) if v - floor <= 1e-3 * (values[0] - floor)), rate

    best = min((rate for rate in runs if math.isfinite(sum(runs[rate]))), key=key)
    assert study(experiment, tuning=tuning).experiments[0].optimizers["SGD"].settings["lr"] == best
    assert math.isfinite(lowest)


def test_a_start_that_diverges_counts_as_infinite():
    # On a parabola rates above 1 diverge, after values as low as at the start.
    text = "{objective: {expression: x**2}, start: [[1], [2], [3]], steps: 400, optimizers: {SGD: }}"
    tuning = Tuning(budget=3, ranges={"lr": (1e-9, 5.0)})
    found = study(gdsim.loads(text), tuning=tuning)
    assert found.experiments[0].optimizers["SGD"].settings["lr"] == tuning.values("lr")[1]


def test_values_below_the_minimum_are_outside_its_view():
    # McCormick falls for ever beyond its view; a large rate leaves for there.
    text = "{objective: mccormick, start: [4, 4], steps: 60, optimizers: {Adam: }}"
    found = study(gdsim.loads(text), tuning=Tuning(budget=2, ranges={"lr": (1e-3, 4.0)}))
    far = gdsim.descend(gdsim.objective("mccormick"), "Adam", start=[4, 4], steps=60, lr=4.0)
    assert far.values.min() < far.objective.minimum - 1
    assert found.experiments[0].optimizers["Adam"].settings["lr"] == 1e-3


def test_the_edge_is_flagged():
    found = study(gdsim.loads(SMALL), tuning=Tuning(budget=4, ranges={"lr": (1e-8, 1e-6)}))
    assert {row.tuned for row in found.table} == {"lr 1e-06 (at the edge of its grid)"}
    inside = study(gdsim.loads(SMALL), tuning=Tuning(budget=9, ranges={"lr": (1e-5, 10.0)}))
    assert not any("edge" in row.tuned for row in inside.table)


def test_the_table_is_that_of_its_tuned_experiment():
    found = study(gdsim.loads(SMALL), tuning=Tuning(budget=5))
    again = gdsim.loads(found.experiments[0].yaml)
    assert again == found.experiments[0]
    rows = {row.optimizer: row for row in gdsim.compare(again)}
    for row in found.table:
        told = vars(row) | {"tuned": ""}
        assert told == vars(rows[row.optimizer])


def test_without_options_it_is_the_config_as_it_stands():
    experiment = gdsim.loads(SMALL.replace("rosenbrock", "[rosenbrock, {expression: x**4 + y**2}]"))
    found = study(experiment)
    assert list(found.table) == list(gdsim.compare(experiment))
    assert [row.tuned for row in found.table] == [""] * 6
    assert found.labels == ("SGD", "Momentum", "Adam")


def test_noise_is_the_same_while_tuning_and_after():
    text = SMALL.replace("Adam:", "Adam: {noise: 0.5}").replace("rosenbrock", "sphere")
    tuning = Tuning(budget=5, ranges={"lr": (1e-3, 1.0)})
    found = study(gdsim.loads(text), tuning=tuning)
    best = found.experiments[0].optimizers["Adam"].settings["lr"]

    def gap(rate):
        changed = gdsim.loads(text, overrides=[f"optimizers.Adam.lr={rate}"])
        return np.median(gdsim.simulate(changed)[2].values.min(0))

    assert best == min(tuning.values("lr"), key=gap)


def test_evaluations_are_one_row_a_problem():
    experiment = gdsim.loads(SMALL.replace("rosenbrock", "[booth, matyas]").replace("steps: 25", "steps: 200"))
    found = study(experiment, tuning=Tuning(budget=7))
    assert found.evaluations.shape == (6, 3)
    for index, part in enumerate(found.experiments):
        for column, path in enumerate(gdsim.simulate(part)):
            minimum = path.objective.minimum
            for start, values in enumerate(path.values.T):
                within = np.flatnonzero(values - minimum <= 1e-3 * (values[0] - minimum))
                first = within[0] + 1 if len(within) else np.inf
                assert found.evaluations[3 * index + start, column] == first


def test_curves_are_the_median_of_the_lowest_so_far():
    found = study(gdsim.loads(SMALL))
    for curve, path in zip(found.curves, gdsim.simulate(gdsim.loads(SMALL)), strict=True):
        lowest = np.array([path.values[: k + 1].min(0) for k in range(26)])
        assert curve.optimizer == path.label
        np.testing.assert_array_equal(curve.steps, np.arange(26))
        np.testing.assert_array_equal(curve.evaluations, np.arange(26) + 1)
        np.testing.assert_array_equal(curve.values, np.median(lowest, axis=1))


def test_long_curves_keep_their_ends():
    (curve,) = study(gdsim.loads("{objective: booth, steps: 5000, optimizers: {SGD: {lr: 0.01}}}")).curves
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
    found = study(gdsim.loads(FAILING), tuning=Tuning(budget=3))
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
    found = study(gdsim.loads(text), tuning=Tuning(("momentum",), budget=5))
    assert found.experiments[0].optimizers["SGD"].settings["momentum"] > 0
    assert found.table.rows[0].reason == ""


def test_nothing_that_runs_is_no_experiment():
    text = "{objective: booth, steps: 50, optimizers: {SGD: {nesterov: true}}}"
    found = study(gdsim.loads(text))
    assert found.experiments == ()
    assert "Nesterov" in found.table.rows[0].reason


def test_betas_and_arguments_of_what_is_wrapped_are_tuned():
    text = """
objective: booth
steps: 60
optimizers:
  Adam: {lr: 0.1, betas: [0.5, 0.99]}
  Args: {class: Adam, args: {lr: 0.1}}
"""
    (tuned,) = study(gdsim.loads(text), tuning=Tuning(("beta1",), budget=3)).experiments
    assert tuned.optimizers["Adam"].settings["betas"][1] == 0.99
    assert tuned.optimizers["Args"].settings["betas"][1] == 0.999
    values = Tuning(("beta1",), budget=3).values("beta1")
    assert tuned.optimizers["Adam"].settings["betas"][0] in values
    (tuned,) = study(gdsim.loads(text), tuning=Tuning(budget=3)).experiments
    assert tuned.optimizers["Args"].settings["lr"] in Tuning(budget=3).values("lr")
    assert "args: {lr" in tuned.yaml


def test_several_at_once_are_seeded_and_alike_for_all():
    pytest.importorskip("optuna")
    text = """
objective: booth
start: {random: 4}
steps: 30
optimizers:
  One: {class: SGD}
  Same: {class: SGD, momentum: 0.5}
  Adam:
"""
    tuning = Tuning(("lr", "momentum"), budget=12)
    first, second = (study(gdsim.loads(text), tuning=tuning) for _ in range(2))
    assert first.table.to_csv() == second.table.to_csv()
    one, same, adam = first.experiments[0].optimizers.values()
    # Two of one class have the same to choose from, and the same trials.
    assert one.settings == same.settings
    assert one.settings.keys() == {"lr", "momentum"}
    assert adam.settings["lr"] in tuning.values("lr")
    # A larger budget begins with the same trials, so it never ends with a worse score.
    more = study(gdsim.loads(text), tuning=Tuning(("lr", "momentum"), budget=24))
    best = {row.optimizer: row.best_value for row in first.table}
    assert all(row.best_value <= best[row.optimizer] + 1e-12 for row in more.table if row.optimizer != "Adam")


def test_without_optuna_one_line_names_the_command(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(GdsimError, match=r"needs Optuna: pip install 'gdsim\[tune\]'"):
        study(gdsim.loads(SMALL), tuning=Tuning(("lr", "momentum"), budget=2))
    # An optimizer that has only one of the names needs none.
    assert study(gdsim.loads("{objective: booth, steps: 5, optimizers: {Adam: }}"), tuning=Tuning(budget=2))


def test_all_is_every_plane_objective_with_a_known_minimum():
    found = study(gdsim.loads(SMALL.replace("steps: 25", "steps: 2")), objectives=["all"], starts=2)
    known = [gdsim.objective(name) for name in gdsim.objectives.names()]
    wanted = {each.title for each in known if each.dim == 2 and each.minimum is not None}
    assert {row.objective for row in found.table} == wanted
    assert found.evaluations.shape == (2 * len(wanted), 3)


def test_starts_are_drawn_in_each_objectives_bounds():
    found = study(gdsim.loads(SMALL), objectives=["booth", "beale"], starts=5)
    for part in found.experiments:
        bounds = part.objectives[0].build().bounds
        points = gdsim.simulate(part)[0].points[0]
        assert len(points) == 5
        assert ((points >= bounds[:, 0]) & (points <= bounds[:, 1])).all()
    assert "5 random starts" in found.table.caption


def test_the_caption_says_how():
    caption = study(gdsim.loads(SMALL), starts=4, tuning=Tuning(budget=3)).table.caption
    for words in ("4 random starts", "25 steps", "seed 0", "budget of 3", "from 1e-05 to 10", "median", "Ties go to"):
        assert words in caption


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"objectives": ["boot"]}, "there is no objective 'boot'; did you mean 'booth'?"),
        ({"objectives": []}, "names no objective"),
        ({"starts": 0}, "must be a whole number from 1 to 10000, not 0"),
        ({"tuning": Tuning(("alpha",))}, "no optimizer has a number 'alpha' to tune"),
        ({"tuning": Tuning(("momentom",), ranges={"momentom": (0, 1)})}, "did you mean 'momentum'?"),
        ({"tuning": Tuning(("nesterov",), ranges={"nesterov": (0, 1)})}, "no optimizer has a number 'nesterov'"),
    ],
)
def test_mistakes_are_told_before_any_work(arguments, words):
    with pytest.raises(InputError) as raised:
        study(gdsim.loads(SMALL), **arguments)
    assert words in str(raised.value)


def test_starts_that_go_with_no_objective_are_told_for_all():
    with pytest.raises(ConfigError):
        study(gdsim.loads(SMALL.replace("rosenbrock", "sphere")), objectives=["double_well"])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"names": ()}, "names no hyper-parameter"),
        ({"names": ("lr", "lr")}, "twice"),
        ({"budget": 0}, "from 1 to 10000"),
        ({"budget": 2.5}, "whole number"),
        ({"ranges": {"momentum": (0, 1)}}, "momentum is not tuned"),
        ({"ranges": {"lr": (0, 1)}}, "above 0"),
        ({"ranges": {"lr": (2, 1)}}, "low before high"),
        ({"ranges": {"lr": (1, math.inf)}}, "finite"),
        ({"names": ("momentum",), "ranges": {"momentum": (0, 1)}}, "below 1"),
        ({"names": ("lambd",)}, "the range of lambd must be given"),
    ],
)
def test_a_tuning_says_what_is_wrong(arguments, words):
    with pytest.raises(InputError, match=words):
        Tuning(**arguments)


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
    found = study(gdsim.loads(SMALL), tuning=Tuning(budget=1))
    assert {row.tuned for row in found.table} == {"lr 0.01"}


def test_an_even_grid_where_the_range_is_not_above_zero():
    assert Tuning(("dampening",), budget=3, ranges={"dampening": (-1, 1)}).values("dampening") == (-1, 0, 1)


class InterruptedStudyError(Exception):
    """Stands for Ctrl-C."""


def until(count):
    """Track work that is interrupted after so much of it."""

    def track(work):
        for done, each in enumerate(work):
            if done == count:
                raise InterruptedStudyError
            yield each

    return track


@pytest.mark.parametrize("objective", ["beale", "{expression: x**4 + y**2 - x}"])
@pytest.mark.parametrize("count", [5, 26 * 7 * 2 + 3, 26 * (7 * 3 + 1) + 1])
def test_an_interrupted_study_goes_on_to_the_same_table(tmp_path, objective, count):
    text = SMALL.replace("rosenbrock", objective)
    tuning, path = Tuning(budget=7), tmp_path / "kept" / "study.jsonl"
    whole = study(gdsim.loads(text), tuning=tuning)
    with pytest.raises(InterruptedStudyError):
        study(gdsim.loads(text), tuning=tuning, finished=Finished(path), track=until(count))
    asked = []

    def counted(work):
        asked.append(len(work))
        return iter(work)

    kept = Finished(path, resume=True)
    again = study(gdsim.loads(text), tuning=tuning, finished=kept, track=counted)
    assert again.table.to_csv() == whole.table.to_csv()
    assert again.table.to_json() == whole.table.to_json()
    np.testing.assert_array_equal(again.evaluations, whole.evaluations)
    for one, other in zip(again.curves, whole.curves, strict=True):
        np.testing.assert_array_equal(one.values, other.values)
    # What was finished is not done again.
    total = 26 * 3 * 8
    assert asked[0] <= total - (count // (26 * 7)) * 26 * 7
    kept.forget()
    assert not path.parent.exists()


def test_what_is_done_is_all_that_was_announced(tmp_path):
    seen = []

    def track(work):
        for each in work:
            seen.append(each)
            yield each

    study(gdsim.loads(FAILING), tuning=Tuning(budget=3), track=track)
    assert seen == list(range((4 + 4 + 1) * 41))


@pytest.mark.parametrize(
    "change",
    [
        {"overrides": ["steps=26"]},
        {"overrides": ["seed=1"]},
        {"overrides": ["start={random: 3}"]},
        {"overrides": ["optimizers.Momentum.momentum=0.8"]},
        {"tuning": Tuning(budget=4)},
        {"tuning": Tuning(budget=3, ranges={"lr": (1e-5, 1.0)})},
        {"overrides": ["objective={name: rosenbrock, bounds: [[-1, 1], [-1, 1]]}"]},
    ],
)
def test_what_was_found_under_other_terms_is_not_taken(tmp_path, change):
    path, tuning = tmp_path / "study.jsonl", Tuning(budget=3)
    study(gdsim.loads(SMALL), tuning=tuning, finished=Finished(path))
    changed = gdsim.loads(SMALL, overrides=change.get("overrides", ()))
    kept = Finished(path, resume=True)
    fresh = study(changed, tuning=change.get("tuning", tuning))
    resumed = study(changed, tuning=change.get("tuning", tuning), finished=kept)
    assert resumed.table.to_csv() == fresh.table.to_csv()
    assert len(kept) > 6


def test_a_torn_last_line_is_done_again(tmp_path):
    path = tmp_path / "study.jsonl"
    whole = study(gdsim.loads(SMALL), tuning=Tuning(budget=3), finished=Finished(path))
    content = path.read_bytes()
    path.write_bytes(content[:-20])
    again = study(gdsim.loads(SMALL), tuning=Tuning(budget=3), finished=Finished(path, resume=True))
    assert again.table.to_csv() == whole.table.to_csv()
    assert len(path.read_bytes().splitlines()) == len(content.splitlines())
    assert Finished(path, resume=True)


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\xfe", b"a: 1\n", b'{"gdsim": 1}\n', b"[" * 100_000 + b"\n"])
def test_a_foreign_file_is_refused(tmp_path, content):
    path = tmp_path / "study.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError, match="nothing that a study") as raised:
        Finished(path, resume=True)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == content


def test_a_broken_line_is_refused_with_its_number(tmp_path):
    path = tmp_path / "study.jsonl"
    study(gdsim.loads(SMALL), finished=Finished(path))
    lines = path.read_text().splitlines(keepends=True)
    changed = json.loads(lines[2])
    changed["found"]["row"]["best_value"] = 0.5
    path.write_text("".join([*lines[:2], json.dumps(changed) + "\n", *lines[3:]]))
    with pytest.raises(InputError, match=r"study\.jsonl:3: is broken"):
        Finished(path, resume=True)


def test_a_place_that_cannot_be_written_stops_nothing(tmp_path):
    (tmp_path / "file").write_text("")
    kept = Finished(tmp_path / "file" / "study.jsonl")
    assert len(study(gdsim.loads(SMALL), finished=kept).table) == 3
    assert "cannot be written" in kept.trouble


def test_a_config_with_samples_moves_to_another_folder(tmp_path):
    np.save(tmp_path / "hill.npy", np.add.outer(np.linspace(-1, 1, 9) ** 2, np.linspace(-1, 1, 9) ** 2))
    text = "{objective: {samples: hill.npy}, steps: 20, optimizers: {SGD: }}"
    experiment = gdsim.loads(text, name="hill", folder=tmp_path)
    found = study(experiment, tuning=Tuning(budget=3))
    (tmp_path / "below").mkdir()
    again = gdsim.loads(moved(found.experiments[0], tmp_path / "below"), folder=tmp_path / "below")
    assert [row.best_value for row in gdsim.compare(again)] == [row.best_value for row in found.table]


def test_code_beside_the_config_stays_there(tmp_path):
    (tmp_path / "bowl_beside.py").write_text("def bowl(p):\n    return (p**2).sum(-1)\n")
    text = "{objective: {python: 'bowl_beside:bowl', dim: 2}, steps: 20, optimizers: {SGD: }}"
    experiment = gdsim.loads(text, name="bowl", folder=tmp_path, allow_code=True)
    found = study(experiment, starts=3, tuning=Tuning(budget=3))
    assert moved(found.experiments[0], tmp_path)
    with pytest.raises(InputError, match="stands beside bowl"):
        moved(found.experiments[0], tmp_path / "elsewhere")


def test_many_values_come_in_chunks_with_the_same_result(monkeypatch):
    whole = study(gdsim.loads(SMALL), tuning=Tuning(budget=7))
    monkeypatch.setattr("gdsim.study.parts.CHUNK", 1)
    assert study(gdsim.loads(SMALL), tuning=Tuning(budget=7)).table.to_csv() == whole.table.to_csv()
