"""Each figure of the table, against a few plain lines."""

from __future__ import annotations

import csv

import numpy as np
import pytest

import gdsim
from gdsim.comparison import compare, grouped, write_csv

SPHERE = gdsim.objective("sphere")


def test_figures_of_one_start():
    path = gdsim.descend(SPHERE, "SGD", start=[3, 4], steps=30, lr=0.1)
    (row,) = compare([path])
    # f(x_k) = 25 · 0.8^(2k) in closed form; below a thousandth of 25 first at k = 16.
    assert row.steps_to_tolerance == 16
    assert row.final_value == row.best_value == pytest.approx(25 * 0.64**30)
    assert row.distance_to_minimum == pytest.approx(5 * 0.8**30)
    assert (row.optimizer, row.settings, row.starts, row.stopped) == ("SGD", "SGD · lr 0.1", 1, "ran all steps")
    assert row.objective == SPHERE.title


def test_best_is_not_last_and_never_is_never():
    path = gdsim.descend(SPHERE, "SGD", start=[3, 4], steps=4, lr=1.01)
    (row,) = compare([path])
    assert row.best_value == 25
    assert row.final_value == path.values[-1, 0] > 25
    assert row.steps_to_tolerance is None


def test_figures_of_several_starts_are_medians():
    starts = np.random.default_rng(3).uniform(-4, 4, (7, 2))
    path = gdsim.descend(SPHERE, "Adam", start=starts, steps=60, lr=0.1)
    (row,) = compare([path])
    finals, steps, far = [], [], []
    for start in range(7):
        values = path.values[:, start]
        finals.append(values[-1])
        steps.append(next((k for k, value in enumerate(values) if value <= 1e-3 * values[0]), len(values)))
        far.append(np.hypot(*path.points[-1, start]))
    assert row.final_value == sorted(finals)[3]
    assert row.steps_to_tolerance == sorted(steps)[3]
    assert row.distance_to_minimum == pytest.approx(sorted(far)[3])


def test_half_of_the_starts_in_time_is_not_more_than_half():
    path = gdsim.descend(SPHERE, "SGD", start=[[1, 1], [2, 2]], steps=3, lr=0.5)
    path.values[1:, 1] = 8.0
    (row,) = compare([path])
    assert row.steps_to_tolerance is None


def test_without_a_known_minimum_the_best_of_all_is_the_goal():
    saddle = gdsim.objective("saddle")
    paths = [gdsim.descend(saddle, "SGD", start=[0.5, 0.5], steps=n, lr=0.1) for n in (20, 20)]
    rows = compare(paths)
    lowest = min(path.values.min() for path in paths)
    values = paths[0].values[:, 0]
    expected = next(k for k, v in enumerate(values) if v <= lowest + 1e-3 * (values[0] - lowest))
    assert rows[0].steps_to_tolerance == expected
    assert rows[0].distance_to_minimum is None


def test_each_objective_has_its_own_best():
    # The second falls far below the first, and would leave it out of reach of its tolerance.
    shallow, deep = gdsim.objective("saddle"), gdsim.objective("saddle", bounds=[[-9, 9], [-9, 9]])
    paths = [gdsim.descend(each, "SGD", start=[0.5, 0.5], steps=n, lr=0.1) for each, n in ((shallow, 9), (deep, 30))]
    both, alone = compare([paths[0], paths[1], paths[0]]), compare(paths[:1])
    assert both[0] == both[2] == alone[0]
    assert both[1] == compare(paths[1:])[0]
    assert both[0].objective == shallow.title


def test_formulas_of_the_same_letters_are_different_objectives():
    one, same, other = (gdsim.objective("k*x", constants={"k": k}, bounds=[-1, 1]) for k in (1.0, 1.0, 5.0))
    paths = [gdsim.descend(each, "SGD", start=[0], steps=5, lr=0.1) for each in (one, other, same)]
    assert [[path.objective for path in group] for group in grouped(paths)] == [[one, same], [other]]
    assert len({row.objective for row in compare(paths)}) == 1


def test_how_it_stopped():
    himmelblau = gdsim.objective("himmelblau")
    (row,) = compare([gdsim.descend(himmelblau, "SGD", start=[-0.5, 4.2], steps=50, lr=0.05)])
    assert row.stopped.startswith("diverged at step ")
    (row,) = compare([gdsim.descend(SPHERE, "SGD", start=[[0, 0], [1, 1], [2, 1]], steps=5, lr=0.1)])
    assert row.stopped == "2 ran all steps, 1 came to rest"


def test_the_csv_reads_back(tmp_path):
    paths = [gdsim.descend(SPHERE, "SGD", start=[3, 4], steps=n, lr=0.1, label=f'{n}, "so"') for n in (3, 30)]
    rows = compare(paths)
    write_csv(rows, tmp_path / "a.csv")
    read = list(csv.DictReader((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(each["final_value"]) for each in read] == [row.final_value for row in rows]
    assert [each["optimizer"] for each in read] == ['3, "so"', '30, "so"']
    assert read[0]["steps_to_tolerance"] == ""
    assert list(read[0]) == [
        "objective", "optimizer", "settings", "starts", "final_value", "best_value",
        "steps_to_tolerance", "distance_to_minimum", "stopped",
    ]  # fmt: skip
