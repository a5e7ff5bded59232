"""Ensembles: runs that differ only in their noise, alone and in pictures."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.path import Path as Path2D

from gdsim import loads, simulate
from gdsim.analysis import compare
from gdsim.analysis.tuning import for_tuning, sweep_in_chunks
from gdsim.config import View, with_overrides
from gdsim.errors import ConfigError, InputError
from gdsim.scene.build import build_scene
from gdsim.scene.spreads import SHARES, regions
from gdsim.simulation import read, save
from gdsim.simulation.experiments import simulate_settings

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


def test_tuning_simulates_as_many_ensembles_at_once_as_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    experiment, counts = loads(NOISY), []
    expected = next(iter(sweep_in_chunks(experiment, "SGD", [{"lr": 0.02}])))

    def counted(experiment, label, settings):
        counts.append(len(settings))
        return simulate_settings(experiment, label, settings)

    monkeypatch.setattr("gdsim.simulation.experiments.simulate_settings", counted)
    figures = sum(each[0, 0].size for each in (expected.points, expected.values, expected.gradients)) + 2
    monkeypatch.setattr("gdsim.analysis.tuning.CHUNK", 2 * 8 * figures * expected.values.size)
    trials = [{"lr": 0.01 * k} for k in range(1, 6)]
    found = [*sweep_in_chunks(experiment, "SGD", trials)]
    assert counts == [2, 2, 1]
    np.testing.assert_array_equal(found[1].points, expected.points)


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


@settings(max_examples=60)
@given(
    arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(8, 40), st.integers(1, 2)), elements=st.floats(-9, 9)),
    st.floats(1e-3, 1e3),
)
def test_each_region_contains_its_share_of_the_runs(points: np.ndarray, scale: float) -> None:
    points = scale * points
    for rows, around in zip(points, regions(points), strict=True):
        for share, line in zip(SHARES, around, strict=True):
            # A little larger, because some runs are on the line, and it is a polygon.
            outline = rows.mean(0) + 1.01 * (line - rows.mean(0))
            if rows.shape[1] == 1:
                inside = (rows[:, 0] >= outline.min() - 1e-9 * scale) & (rows[:, 0] <= outline.max() + 1e-9 * scale)
            else:
                inside = Path2D(outline).contains_points(rows, radius=1e-6 * scale)
                inside |= np.ptp(rows, axis=0).min() < 1e-3 * scale  # too narrow for matplotlib's test
            assert inside.sum() >= np.ceil(share * len(rows))


def test_regions_of_normal_runs_have_the_axes_of_their_covariance() -> None:
    rng = np.random.default_rng(0)
    covariance = np.array([[4.0, 1.5], [1.5, 1.0]])
    line = regions(rng.multivariate_normal([1, 2], covariance, 20_000)[None])[0, 1]
    # The ellipse of 90 % of a normal distribution in the plane has the squared Mahalanobis radius −2 ln 0.1.
    offsets = line - [1, 2]
    np.testing.assert_allclose((offsets @ np.linalg.inv(covariance) * offsets).sum(-1), -2 * np.log(0.1), rtol=0.06)


def test_runs_that_coincide_have_a_spread_of_zero() -> None:
    np.testing.assert_array_equal(regions(np.full((1, 8, 2), 3.0)), 3.0)


@pytest.mark.parametrize("kind", ["contour", "surface"])
def test_the_picture_shows_the_first_run_the_mean_and_the_spread(kind: str) -> None:
    experiment = loads(NOISY)
    trajectories = simulate(experiment)
    (facet,) = build_scene(trajectories, view=View(kind=kind, panels=["loss"])).facets
    for trajectory, path, spread in zip(trajectories, facet.paths, facet.spreads, strict=True):
        whole = np.searchsorted(path.times, np.arange(41))
        np.testing.assert_array_equal(path.points[whole, :, :2], trajectory.points[:, :1])
        whole = np.searchsorted(spread.mean.times, np.arange(41))
        np.testing.assert_allclose(spread.mean.points[whole, 0, :2], trajectory.points.mean(1))
        assert spread.regions.shape[:2] == (41, len(SHARES))
        np.testing.assert_allclose(spread.regions[0, ..., :2] - trajectory.points[0, 0], 0, atol=1e-12)


def test_on_a_curve_the_spread_is_on_the_curve() -> None:
    text = "{objective: double_well, ensemble: 20, steps: 30, optimizers: {SGD: {lr: 0.05, noise: 6.0}}}"
    experiment = loads(text)
    trajectories = simulate(experiment)
    (facet,) = build_scene(trajectories, view=experiment.view).facets
    x, heights = np.moveaxis(facet.spreads[0].regions, -1, 0)
    np.testing.assert_allclose(heights, trajectories[0].objective.values(x[..., None]))
    low, high = x[-1, 1].min(), x[-1, 1].max()
    assert ((trajectories[0].points[-1] >= low) & (trajectories[0].points[-1] <= high)).sum() == 18


def test_a_grid_has_the_spread_of_its_own_optimizer_in_each_view() -> None:
    facets = build_scene(simulate(loads(NOISY)), view=View(layout="grid")).facets
    assert [[spread.mean.style.label for spread in facet.spreads] for facet in facets] == [
        ["SGD"],
        ["Momentum"],
        ["Adam"],
        ["Falling"],
    ]


def test_panels_show_the_median_and_the_middle_of_the_runs() -> None:
    trajectories = simulate(loads(NOISY))
    panel = build_scene(trajectories, view=View(panels=["distance"])).groups[0].panels[0]
    apart = np.sort(np.linalg.norm(trajectories[0].points, axis=-1), axis=1)
    np.testing.assert_allclose(panel.curves[0].points[:, 0, 1], apart[:, 12])
    np.testing.assert_allclose(panel.curves[0].band, apart[:, [2, 21]])


def test_runs_that_diverge_do_not_belong_to_the_spread() -> None:
    experiment = with_overrides(loads(NOISY), ["optimizers={SGD: {lr: 0.2495, noise: 3.0e+3}}", "steps=60"])
    (ensemble,) = simulate(experiment)
    failed = np.array([stop.failed for stop in ensemble.stops])
    assert 0 < failed.sum() < 24
    scene = build_scene([ensemble], view=experiment.view)
    (spread,) = scene.facets[0].spreads
    assert spread.runs == 24 - failed.sum()
    np.testing.assert_allclose(spread.mean.points[-1, 0], ensemble.points[-1, ~failed].mean(0))
    assert f"{failed.sum()} of 24 runs diverge" in scene.alt_text


def test_the_title_compares_the_spreads() -> None:
    changes = ["optimizers={Large: {class: SGD, lr: 0.2, noise: 3.0}, Small: {class: SGD, lr: 0.02, noise: 3.0}}"]
    trajectories = simulate(with_overrides(loads(NOISY), [*changes, "steps=200", "ensemble=64"]))
    low, high = (
        np.sort(np.linalg.norm(each.points[-1] - each.points[-1].mean(0), axis=-1))[57] for each in trajectories[::-1]
    )
    scene = build_scene(trajectories)
    assert scene.title == f"Small ends with the least spread, {low:.2g} against {high:.2g}"
    assert build_scene(trajectories[:1]).title == f"Large: 90 % of 64 runs end within {high:.2g} of their mean"


def test_the_title_does_not_compare_runs_without_noise() -> None:
    changes = ["optimizers={Noisy: {class: SGD, lr: 0.1, noise: 3.0}, Plain: {class: SGD, lr: 0.1}}"]
    scene = build_scene(simulate(with_overrides(loads(NOISY), changes)))
    assert re.fullmatch(r"Noisy: 90 % of 24 runs end within [\d.]+ of their mean", scene.title)
    assert "Plain: 90 % of 24 runs end within 0 of their mean" in scene.alt_text


def test_an_ensemble_is_not_coloured_by_minima() -> None:
    text = "{objective: himmelblau, ensemble: 20, steps: 30, optimizers: {SGD: {lr: 0.01, noise: 20.0}}}"
    trajectories = simulate(loads(text))
    assert [style.label for style in build_scene(trajectories).styles] == ["SGD"]
    with pytest.raises(InputError, match="an ensemble is shown by one run"):
        build_scene(trajectories, view=View(color_by="minimum"))
