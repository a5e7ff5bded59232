"""Ensembles: runs that differ only in their noise, alone and in pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from gdsim import loads, simulate
from gdsim.analysis import compare
from gdsim.analysis.tuning import for_tuning, sweep_in_chunks
from gdsim.config import with_overrides
from gdsim.errors import ConfigError
from gdsim.simulation import read, save

NOISY = """
objective: {name: quadratic, condition: 8, rotation: 30, bounds: [[-4, 4], [-3, 3]]}
start: [-3.2, 2.2]
ensemble: 24
steps: 40
seed: 5
optimizers:
  SGD: {lr: 0.1, noise: 3.0}
  Momentum: {class: SGD, lr: 0.02, momentum: 0.9, noise: 3.0, clip_norm: 20}
  Adam: {lr: 0.3, noise: 3.0}
  Falling: {class: SGD, lr: 0.1, noise: 3.0, schedule: {class: LinearLR, total_iters: 40}}
"""


def test_run_k_is_that_of_the_seed_plus_k_bit_for_bit() -> None:
    experiment = loads(NOISY)
    ensembles = simulate(experiment)
    for run in (0, 1, 23):
        alone = simulate(with_overrides(experiment, ["ensemble=null", f"seed={5 + run}"]))
        for many, one in zip(ensembles, alone, strict=True):
            for name in ("points", "values", "gradients", "learning_rates", "evaluations"):
                np.testing.assert_array_equal(getattr(many, name)[:, run], getattr(one, name)[:, 0])
            assert many.is_ensemble
            assert not one.is_ensemble


def test_the_start_is_common_to_all_runs_also_if_it_is_random() -> None:
    (ensemble, *_) = simulate(with_overrides(loads(NOISY), ["start={random: 1}"]))
    assert (ensemble.points[0] == ensemble.points[0, 0]).all()
    assert len(np.unique(ensemble.points[1], axis=0)) == 24


@pytest.mark.parametrize("rate", [0.05, 0.2])
def test_the_stationary_variance_is_that_of_theory_along_each_eigenvector(rate: float) -> None:
    # An AR(1) process: x ← (1 − lr λ) x − lr ξ has the variance lr σ² / (λ (2 − lr λ)).
    runs, sigma, eigenvalues, angle = 6000, 1.5, np.array([1.0, 8.0]), np.radians(30)
    changes = [f"ensemble={runs}", f"optimizers={{SGD: {{lr: {rate}, noise: {sigma}}}}}", "steps=200"]
    (trajectory,) = simulate(with_overrides(loads(NOISY), changes))
    axes = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    found = np.var(trajectory.points[-1] @ axes.T, axis=0, ddof=1)
    expected = rate * sigma**2 / (eigenvalues * (2 - rate * eigenvalues))
    # The sample variance of n normal numbers has the relative standard error sqrt(2 / (n − 1)).
    np.testing.assert_allclose(found, expected, rtol=4 * np.sqrt(2 / (runs - 1)))
    assert abs(np.mean(np.prod(trajectory.points[-1] @ axes.T, axis=1))) < 4 * np.sqrt(np.prod(expected) / runs)


def test_a_recording_keeps_the_runs(tmp_path: Path) -> None:
    experiment = loads(NOISY)
    trajectories = simulate(experiment)
    save(tmp_path / "noisy.npz", trajectories, experiment)
    for made, found in zip(trajectories, read(tmp_path / "noisy.npz")[1], strict=True):
        np.testing.assert_array_equal(made.points, found.points)
        assert found.is_ensemble


def test_the_table_has_the_medians_of_the_runs() -> None:
    trajectories = simulate(loads(NOISY))
    table = compare(trajectories)
    for row in table:
        last = next(each for each in trajectories if each.label == row.optimizer).values[-1]
        assert (row.starts, row.runs) == (1, 24)
        assert row.final_value == pytest.approx(np.median(last))
        assert row.final_spread == pytest.approx(np.subtract(*np.quantile(last, [0.75, 0.25])))
    assert "medians over 24 runs" in table.caption
    assert [column.words for column in table.columns() if column.name == "runs"] == [("24",) * 4]
    assert not [column for column in table.columns() if column.name == "starts"]
    assert ",runs," in table.to_csv().splitlines()[0]


def test_tuning_uses_other_noise_than_the_evaluation() -> None:
    experiment = loads(NOISY)
    evaluated, tuned = (next(iter(sweep_in_chunks(each, "SGD", [{}]))) for each in (experiment, for_tuning(experiment)))
    np.testing.assert_array_equal(evaluated.points, simulate(experiment)[0].points)
    assert tuned.points.shape == evaluated.points.shape
    assert not np.isclose(tuned.points[1], evaluated.points[1]).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["optimizers={SGD: {lr: 0.1}}"], "no optimizer has noise: give one `noise: 1.0`"),
        (["start={random: 3}"], "is of runs from a single start, and there are 3"),
        (["start=null", "objective={network: mlp, data: digits}"], "is for functions"),
        (["ensemble=7"], "from 8 to 10000"),
        (["ensemble=5000"], "5000 runs × 4 optimizers × 1 objectives are 20000 paths"),
        (["sweep={x: {setting: optimizers.SGD.lr, range: [0.1, 1]}}"], "remove `ensemble`"),
    ],
)
def test_what_does_not_fit_an_ensemble_is_said(changes: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as raised:
        with_overrides(loads(NOISY), changes)
    assert len(raised.value.problems) == 1
