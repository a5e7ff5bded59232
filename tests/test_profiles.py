"""Ranks, shares and profiles, against their definitions in plain loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import rankdata

import gdsim
from gdsim.analysis import Matrix, Row, compare, data_profile, make_table, performance_profile, ranks, solved_shares
from gdsim.analysis.metrics import evaluations_to_tolerance

HIMMELBLAU, BEALE = gdsim.objective("himmelblau"), gdsim.objective("beale")

COUNTS = st.one_of(st.integers(1, 50).map(float), st.just(math.inf))


@st.composite
def evaluations(draw):
    problems, optimizers = draw(st.integers(1, 8)), draw(st.integers(1, 5))
    rows = st.lists(COUNTS, min_size=optimizers, max_size=optimizers)
    return np.array(draw(st.lists(rows, min_size=problems, max_size=problems)))


def labels(spent):
    return [f"o{i}" for i in range(spent.shape[1])]


def at(profile, place, optimizer):
    """The share of the left end of the stretch in which a place lies."""
    shares = [share for x, share in zip(profile.x, profile.shares[:, optimizer], strict=True) if x <= place]
    return shares[-1]


@given(evaluations(), st.floats(1, 60))
def test_a_performance_profile_is_the_share_within_a_factor_of_the_best(spent, factor):
    profile = performance_profile(spent, labels(spent))
    # Where a ratio stands on the very place, its rounding decides.
    assume(not any(abs(a / min(row) - factor) < 1e-9 for row in spent.tolist() for a in row if min(row) < math.inf))
    for s in range(spent.shape[1]):
        solved = [row[s] < math.inf and row[s] <= factor * min(row) for row in spent.tolist()]
        assert at(profile, factor, s) == pytest.approx(sum(solved) / len(solved))


@given(evaluations(), st.floats(0, 60))
def test_a_data_profile_is_the_share_within_a_budget(spent, budget):
    profile = data_profile(spent, labels(spent))
    for s in range(spent.shape[1]):
        solved = [row[s] <= budget for row in spent.tolist()]
        assert at(profile, budget, s) == pytest.approx(sum(solved) / len(solved))


@given(evaluations())
def test_profiles_rise_from_their_first_place_to_the_share_ever_solved(spent):
    ever = np.isfinite(spent).mean(0)
    for profile, first in ((performance_profile(spent, labels(spent)), 1), (data_profile(spent, labels(spent)), 0)):
        assert profile.labels == tuple(labels(spent))
        assert profile.x[0] == first
        assert profile.shares.shape == (len(profile.x), spent.shape[1])
        assert np.isfinite(profile.x).all()
        assert (np.diff(profile.x) > 0).all()
        assert (np.diff(profile.shares, axis=0) >= 0).all()
        # Each place is one where a share rises.
        assert (np.diff(profile.shares, axis=0) > 0).any(1).all()
        np.testing.assert_allclose(profile.shares[-1], ever)
    assert (data_profile(spent, labels(spent)).shares[0] == 0).all()
    # Each problem that is ever solved has at least one optimizer that is its best.
    best = performance_profile(spent, labels(spent)).shares[0]
    assert best.sum() >= np.isfinite(spent).any(1).mean() - 1e-12


@given(evaluations(), st.sampled_from([0.25, 0.5, 2.0, 1024.0]))
def test_scaling_all_evaluations_leaves_the_ratios_alone(spent, scale):
    one, other = performance_profile(spent, labels(spent)), performance_profile(scale * spent, labels(spent))
    np.testing.assert_array_equal(one.x, other.x)
    np.testing.assert_array_equal(one.shares, other.shares)
    one, other = data_profile(spent, labels(spent)), data_profile(scale * spent, labels(spent))
    np.testing.assert_array_equal(scale * one.x, other.x)
    np.testing.assert_array_equal(one.shares, other.shares)


@given(evaluations(), st.randoms())
def test_the_order_of_problems_and_optimizers_does_not_matter(spent, random):
    rows, columns = list(range(len(spent))), list(range(spent.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    for profile in (performance_profile, data_profile):
        one, other = profile(spent, labels(spent)), profile(spent[rows][:, columns], labels(spent))
        np.testing.assert_array_equal(one.x, other.x)
        np.testing.assert_array_equal(one.shares[:, columns], other.shares)


def test_a_profile_by_hand():
    # The first is best on two of three problems; the second solves all, at twice and at three times the cost.
    spent = np.array([[10, 20], [10, 30], [math.inf, 7]])
    profile = performance_profile(spent, ["a", "b"])
    np.testing.assert_array_equal(profile.x, [1, 2, 3])
    np.testing.assert_allclose(profile.shares, [[2 / 3, 1 / 3], [2 / 3, 2 / 3], [2 / 3, 1]])
    profile = data_profile(spent, ["a", "b"])
    np.testing.assert_array_equal(profile.x, [0, 7, 10, 20, 30])
    np.testing.assert_allclose(profile.shares, [[0, 0], [0, 1 / 3], [2 / 3, 1 / 3], [2 / 3, 2 / 3], [2 / 3, 1]])


def test_where_nothing_is_ever_solved_no_share_rises():
    for profile, first in ((performance_profile, 1), (data_profile, 0)):
        made = profile(np.full((1, 2), np.inf), ["a", "b"])
        assert made.x.tolist() == [first]
        assert made.shares.tolist() == [[0, 0]]


def paths():
    starts = np.random.default_rng(5).uniform(-3, 3, (6, 2))
    methods = {"SGD": ("SGD", {"lr": 0.01}), "Adam": ("Adam", {"lr": 0.3}), "Slow": ("SGD", {"lr": 1e-5})}
    return [
        gdsim.descend(objective, name, start=starts, steps=80, label=label, **given)
        for objective in (HIMMELBLAU, BEALE)
        for label, (name, given) in methods.items()
    ]


def test_ranks_are_those_of_the_rule():
    made = paths()
    matrix, shares = ranks(compare(made)), solved_shares(compare(made))
    assert matrix.objectives == shares.objectives == (HIMMELBLAU.title, BEALE.title)
    # In the order given, and not in that of any one objective.
    assert matrix.optimizers == shares.optimizers == ("SGD", "Adam", "Slow")
    for i, objective in enumerate((HIMMELBLAU, BEALE)):
        keys = []
        for s, path in enumerate(made[3 * i : 3 * i + 3]):
            diagonal = math.dist(*objective.bounds.T)
            spent, solved, lows = [], [], []
            for start in range(6):
                goal = objective.minimum + 1e-3 * (path.values[0, start] - objective.minimum)
                late = max((k for k in range(81) if path.values[k, start] > goal), default=-1)
                first = late + 1 if late < 80 else None
                apart = min(math.dist(path.points[-1, start], each) for each in objective.minima)
                broken = path.stops[start].failed
                first = None if broken else first
                lows.append(math.inf if broken else path.values[:, start].min())
                solved.append(first is not None and not broken and apart <= 0.02 * diagonal)
                spent.append(math.inf if first is None else path.evaluations[first, start])
            np.testing.assert_array_equal(evaluations_to_tolerance(path, math.nan), spent)
            assert shares.figures[i, s] == sum(solved) / 6
            keys.append((-sum(solved), sorted(spent)[3], float(np.median(lows))))
        places = [sorted(set(keys)).index(key) for key in keys]
        np.testing.assert_array_equal(matrix.figures[i], rankdata(places))


def test_those_that_tie_share_the_mean_of_their_ranks():
    (row,) = compare(paths()[:1])
    twice = [Row(row.objective, "d", "D", reason="it cannot"), *(renamed(row, label) for label in "abc")]
    better = renamed(row, "e", evaluations_to_tolerance=1, solved=1.0)
    matrix = ranks(make_table([*twice, better]))
    assert matrix.optimizers == ("d", "a", "b", "c", "e")
    np.testing.assert_array_equal(matrix.figures, [[np.nan, 3, 3, 3, 1]])
    assert matrix.words() == (("", "3", "3", "3", "1"),)
    lines = matrix.to_markdown().splitlines()
    assert lines[0] == "| objective | d | a | b | c | e |"
    assert lines[2] == f"| {row.objective} |  | 3 | 3 | 3 | 1 |"
    assert lines[-1] == matrix.caption


def renamed(row, label, **given):
    return replace(row, optimizer=label, **given)


def test_an_optimizer_that_is_not_on_an_objective_has_no_figure_there():
    made = paths()
    matrix = ranks(compare([*made[:3], made[3]]))
    np.testing.assert_array_equal(np.isnan(matrix.figures), [[False] * 3, [False, True, True]])


def test_shares_are_not_known_where_the_minimum_is_not():
    saddle = gdsim.objective("saddle")
    matrix = solved_shares(compare([gdsim.descend(saddle, "SGD", start=[1, 1], steps=5, lr=0.1)]))
    assert np.isnan(matrix.figures).all()


def test_a_mean_is_over_all_objectives_or_not_there():
    nan = np.nan
    matrix = Matrix("", ("f", "g", "h"), ("a", "b", "c"), np.array([[1, 2, nan], [nan] * 3, [2, 1, 1]]))
    np.testing.assert_array_equal(matrix.means(), [1.5, 1.5, nan])
    np.testing.assert_array_equal(Matrix("", ("f",), ("a",), np.array([[nan]])).means(), [nan])
