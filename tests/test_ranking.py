"""Ranks with their uncertainty: against plain loops, SciPy, and simulated experiments whose truth is known."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

import gdsim
from gdsim.analysis import Tuning, compare, plan_study
from gdsim.analysis.ranking import Scores, needed, scores, standings, typical_start, wilson

OUTCOMES = st.lists(st.tuples(st.booleans(), st.integers(1, 9) | st.just(math.inf), st.integers(0, 3)), min_size=6)


def made(outcomes: list[tuple[bool, float, float]]) -> Scores:
    return Scores(*np.array(outcomes, dtype=np.float64).T)


@settings(deadline=None, max_examples=60)
@given(st.lists(OUTCOMES.map(lambda each: each[:6]), min_size=2, max_size=4))
def test_ranks_are_those_of_plain_loops(every: list[list[tuple[bool, float, float]]]) -> None:
    draws = np.random.default_rng(0).integers(6, size=(1000, 6))
    ranks: list[list[int]] = [[] for _ in every]
    for chosen in draws.tolist():
        keys = []
        for outcomes in every:
            solved, spent, lows = zip(*(outcomes[start] for start in chosen), strict=True)
            keys.append((-sum(solved), sorted(spent)[3], statistics.median(lows)))
        for index, key in enumerate(keys):
            ranks[index].append(1 + sum(other < key for other in keys))
    for outcomes, own, standing in zip(every, ranks, standings([made(each) for each in every]), strict=True):
        if all(spent == math.inf for _, spent, _ in outcomes):
            assert standing.ranks is None
        else:
            assert standing.ranks == (sorted(own)[24], sorted(own)[974])


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_a_share_is_wilsons(counts: tuple[int, int]) -> None:
    expected = binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_more_starts_are_needed_the_closer_two_are() -> None:
    counts = [needed(wins, 32) for wins in (0.97, 0.9, 0.8, 0.6, 0.51)]
    assert counts == sorted(counts)
    assert 32 <= counts[0] < 40
    assert needed(0.975, 32) == needed(1.0, 32) == 0
    assert needed(0.5, 32) == math.inf


@pytest.mark.parametrize(("better", "expected"), [(0.9, 1.0), (0.5, 0.05)])
def test_two_are_told_apart_as_often_as_is_true(better: float, expected: float) -> None:
    """With equal chances hardly ever, and of the better one only; with very different ones always."""
    rng = np.random.default_rng(4)
    wrong = right = 0
    for _ in range(100):
        one, other = (rng.random(64) < chance for chance in (better, 0.5))
        first, second = (made([(each, 1.0, 0.0) for each in hits]) for hits in (one, other))
        found = standings([first, second])
        if found[0].ranks == (1, 1) and found[1].ranks == (2, 2):
            right += 1
        wrong += found[1].ranks == (1, 1) and found[0].ranks == (2, 2)
    if expected == 1.0:
        assert right == 100
    else:
        assert right + wrong <= 12


def test_a_typical_start_is_in_the_middle_for_all() -> None:
    spent = [[3.0, 1.0, 2.0, 5.0, 4.0], [30.0, 10.0, 20.0, math.inf, 40.0]]
    assert typical_start([made([(True, each, 0.0) for each in own]) for own in spent]) == 0


CONFIG = """
objective: rosenbrock
steps: 200
optimizers:
  Momentum: {class: SGD, lr: 0.001, momentum: 0.9}
  Adam: {lr: 0.3}
"""


def test_five_seeds_of_a_comparison_do_not_contradict_one_another() -> None:
    """If any seed is sure of the first, no other seed is sure of another one."""
    sure = set()
    for seed in range(5):
        experiment = gdsim.loads(CONFIG, overrides=[f"seed={seed}"])
        table = plan_study(experiment, starts=32, tuning=Tuning(("lr",), budget=11)).run().table
        if "cannot be told apart with 32 starts" not in table.caption:
            sure.add(table.rows[0].optimizer)
            assert (table.rows[0].rank_low, table.rows[0].rank_high) == (1, 1)
        else:
            assert table.rows[0].rank_low == table.rows[1].rank_low == 1
    assert len(sure) < 2


def test_an_optimizer_that_never_comes_within_tolerance_has_no_rank() -> None:
    texts = {"Slow": {"class": "SGD", "lr": 1e-9}, "Wild": {"class": "SGD", "lr": 0.1}, "Adam": {"lr": 0.3}}
    text = f"{{objective: rosenbrock, start: {{random: 8}}, steps: 300, optimizers: {texts}}}".replace("'", "")
    table = compare(gdsim.simulate(gdsim.loads(text)))
    rows = {row.optimizer: row for row in table}
    assert table.rows[0].optimizer == "Adam"
    assert rows["Slow"].rank_low is rows["Wild"].rank_low is None
    assert rows["Wild"].diverged > 4


def test_a_tuned_rate_that_mostly_diverges_is_named() -> None:
    text = "{objective: rosenbrock, start: {random: 8}, steps: 50, optimizers: {SGD: {lr: 0.1}}}"
    (trajectory,) = gdsim.simulate(gdsim.loads(text))
    assert (scores(trajectory, 0.0).lows == math.inf).sum() > 4
    table = plan_study(gdsim.loads(text), tuning=Tuning(("lr",), budget=2, ranges={"lr": (0.002, 0.004)})).run().table
    (row,) = table.rows
    said = f"SGD with {row.tuned} diverges from {row.diverged} of 8 starts" in table.caption
    assert said == (row.diverged > 4)
