from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from gdsim import Experiment, Stop, Trajectory, load, loads, read, save, simulate
from gdsim.cli.common import notes
from gdsim.config import View
from gdsim.errors import InputError
from gdsim.networks import Data, Landscape, Network, examples, weights_of
from gdsim.networks.objective import last_weights
from gdsim.optimizers import optimizer_factory
from gdsim.scene.build import build_scene
from gdsim.simulation import remarks
from gdsim.simulation.experiments import evaluate_landscapes
from gdsim.simulation.landscapes import evaluate_landscape as look
from gdsim.simulation.training import train
from tests import networks_made
from tests.commands import call

HERE = Path()


def network(module: Callable[[], nn.Module], data: Data, loss: str = "mse", every: int | None = None) -> Network:
    weights = sum(each.numel() for each in module().parameters())
    return Network("own", "Own", data, module, loss, batch_size=8, record_every=every, weights=weights)


def trained(found: Network, *, steps: int, **optimizers: dict[str, Any]) -> tuple[Trajectory, ...]:
    shapes = [tuple(each.shape) for each in found.module(0).parameters()]
    methods = [
        optimizer_factory(label, each.pop("class", label), each, shapes)
        for label, each in ((label, dict(each)) for label, each in optimizers.items())
    ]
    return train(found, methods, steps=steps, seed=0)


def seen(paths: Sequence[Trajectory], seed: int = 0, **view: Any) -> tuple[Trajectory, ...]:
    return look(paths, View(**view), folder=HERE, seed=seed)


def plane_of(paths: Sequence[Trajectory]) -> Landscape:
    landscape = paths[0].objective.landscape
    assert landscape is not None
    assert all(each.objective is paths[0].objective for each in paths)
    return landscape


def numbers(seed: int, count: int = 40) -> Data:
    """Points about a line."""
    x = np.random.default_rng(seed).normal(size=(count, 1)).astype(np.float32)
    y = (2 * x + 1 + 0.1 * np.sin(7 * x)).astype(np.float32)
    return Data("line", x[:30], y[:30], x[30:], y[30:], None, None)


def line_loss(data: Data, weights: np.ndarray) -> np.ndarray:
    """The loss of a line at slopes and offsets (…, 2), worked out by hand in double precision."""
    x, y = data.x[:, 0].astype(float), data.y[:, 0].astype(float)
    return ((weights[..., :1] * x + weights[..., 1:] - y) ** 2).mean(-1)


def line_slope(data: Data, weights: np.ndarray) -> np.ndarray:
    x, y = data.x[:, 0].astype(float), data.y[:, 0].astype(float)
    error = weights[..., :1] * x + weights[..., 1:] - y
    return np.stack([2 * (error * x).mean(-1), 2 * error.mean(-1)], -1)


def classes() -> Data:
    """Two clouds that overlap."""
    chances = np.random.default_rng(1)
    y = np.arange(60) % 2
    x = (chances.normal(size=(60, 2)) + 1.2 * y[:, None]).astype(np.float32)
    return Data("clouds", x[:45], y[:45], x[45:], y[45:], 2, None)


def small() -> nn.Module:
    return nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.Linear(5, 2))


def plain(weights: np.ndarray, data: Data) -> tuple[float, float, np.ndarray]:
    """Loss, accuracy and gradient of `small` by nothing but torch, in double precision."""
    module = small().double()
    torch.nn.utils.vector_to_parameters(torch.from_numpy(np.array(weights, np.float64)), module.parameters())
    outputs = module(torch.from_numpy(data.x).double())
    loss = nn.functional.cross_entropy(outputs, torch.from_numpy(data.y))
    slopes = torch.autograd.grad(loss, [*module.parameters()])
    right = (outputs.argmax(1) == torch.from_numpy(data.y)).double().mean()
    return loss.item(), right.item(), torch.cat([each.reshape(-1) for each in slopes]).numpy()


@pytest.fixture(scope="module")
def line() -> Network:
    return network(lambda: nn.Linear(1, 1), numbers(0))


@pytest.fixture(scope="module")
def lines(line: Network) -> tuple[Trajectory, ...]:
    return seen(trained(line, steps=12, SGD={"lr": 0.1}, Adam={"lr": 0.2}))


@pytest.fixture(scope="module")
def clouds() -> Network:
    return network(small, classes(), "cross_entropy")


@pytest.fixture(scope="module")
def raw(clouds: Network) -> tuple[Trajectory, ...]:
    return trained(clouds, steps=14, SGD={"lr": 0.5}, Adam={"lr": 0.05})


@pytest.fixture(scope="module")
def paths(clouds: Network, raw: tuple[Trajectory, ...]) -> tuple[Trajectory, ...]:
    return seen(raw)


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few points of a plane, where it is not they that are looked at."""
    monkeypatch.setattr("gdsim.simulation.planes.SIDE", 7)
    monkeypatch.setattr("gdsim.simulation.planes.ARROWS", 3)


def test_two_weights_are_their_own_plane(line: Network, lines: tuple[Trajectory, ...]) -> None:
    landscape, data = plane_of(lines), line.data
    np.testing.assert_array_equal(landscape.axes, np.eye(2))
    assert landscape.share == pytest.approx(1)
    grid = landscape.lift(np.stack(np.meshgrid(landscape.x, landscape.y), -1))
    assert landscape.values.shape == (51, 51)
    np.testing.assert_allclose(landscape.values, line_loss(data, grid), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(landscape.gradients, line_slope(data, landscape.lift(landscape.arrow_points)), atol=1e-5)
    for each in lines:
        assert each.training is not None
        assert each.training.figures["off_plane"].max() < 1e-9
        lifted = landscape.lift(each.points[:, 0])
        np.testing.assert_allclose(lifted, each.training.weights, atol=1e-12)
        np.testing.assert_allclose(each.values[:, 0], line_loss(data, lifted), rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(each.training.figures["plane_loss"], each.values[:, 0], atol=1e-6)
        np.testing.assert_allclose(each.gradients[:, 0], line_slope(data, lifted), atol=1e-5)
        assert np.isnan(each.training.figures["accuracy"]).all()


def test_the_view_is_square_and_holds_all_paths(lines: tuple[Trajectory, ...], paths: tuple[Trajectory, ...]) -> None:
    for group in (lines, paths):
        bounds = plane_of(group).bounds
        assert np.ptp(bounds[0]) == pytest.approx(np.ptp(bounds[1]))
        spots = np.concatenate([each.points[:, 0] for each in group])
        assert (spots > bounds[:, 0]).all()
        assert (spots < bounds[:, 1]).all()
        np.testing.assert_array_equal(group[0].objective.bounds, bounds)


def test_one_weight_is_a_plane_that_does_not_change_across() -> None:
    found = network(lambda: nn.Linear(1, 1, bias=False), numbers(0))
    (path,) = seen(trained(found, steps=5, SGD={"lr": 0.1}), plane="random")
    landscape = plane_of([path])
    np.testing.assert_array_equal(landscape.values, landscape.values[:1].repeat(51, 0))
    assert not path.points[..., 1].any()


def test_the_plane_of_the_paths_holds_most_of_them(clouds: Network, paths: tuple[Trajectory, ...]) -> None:
    landscape = plane_of(paths)
    rows = np.concatenate([each.training.weights for each in paths if each.training]).astype(float)
    last = [each.training.weights[-1] for each in paths if each.training]
    np.testing.assert_allclose(landscape.origin, np.mean(last, 0), atol=1e-7)
    _, sizes, directions = np.linalg.svd(rows - landscape.origin, full_matrices=False)
    np.testing.assert_allclose(np.abs(landscape.axes @ directions[:2].T), np.eye(2), atol=1e-6)
    assert landscape.share == pytest.approx((sizes[:2] ** 2).sum() / (sizes**2).sum())
    np.testing.assert_allclose(landscape.axes @ landscape.axes.T, np.eye(2), atol=1e-12)
    assert (landscape.axes[[0, 1], np.abs(landscape.axes).argmax(1)] > 0).all()


@pytest.mark.usefixtures("coarse")
def test_many_weights_or_steps_have_the_same_plane(
    monkeypatch: pytest.MonkeyPatch, clouds: Network, raw: tuple[Trajectory, ...], paths: tuple[Trajectory, ...]
) -> None:
    alone = plane_of(seen(raw[:1]))
    monkeypatch.setattr("gdsim.simulation.planes.MAX_COMPARED", 26)
    monkeypatch.setattr("gdsim.simulation.planes.MAX_NUMBERS", 100)
    np.testing.assert_allclose(plane_of(seen(raw[:1])).axes, alone.axes, atol=1e-6)
    # Of many steps it is enough to compare some.
    assert plane_of(seen(raw)).share == pytest.approx(plane_of(paths).share, abs=0.01)


def test_losses_and_arrows_are_those_of_the_network_on_the_plane(
    clouds: Network, paths: tuple[Trajectory, ...]
) -> None:
    landscape = plane_of(paths)
    for row, column in ((0, 0), (17, 40), (50, 3)):
        loss = plain(landscape.lift(np.array([landscape.x[column], landscape.y[row]])), clouds.data)[0]
        assert landscape.values[row, column] == pytest.approx(loss, rel=1e-5)
    assert landscape.arrow_points.shape == (169, 2)
    for index in (0, 100, 168):
        slope = landscape.axes @ plain(landscape.lift(landscape.arrow_points[index]), clouds.data)[2]
        np.testing.assert_allclose(landscape.gradients[index], slope, rtol=1e-4, atol=1e-6)
    width = np.ptp(landscape.x)
    assert landscape.arrow_points[0] == pytest.approx(landscape.bounds[:, 0] + width / 26)
    assert landscape.arrow_points[1] - landscape.arrow_points[0] == pytest.approx([width / 13, 0])
    spot = np.array([landscape.x[20], landscape.y[30]])
    assert paths[0].objective.values(spot) == pytest.approx(landscape.values[30, 20])


def test_figures_are_those_of_all_the_data_at_the_true_weights(clouds: Network, paths: tuple[Trajectory, ...]) -> None:
    landscape, data = plane_of(paths), clouds.data
    test = replace(data, x=data.x_test, y=data.y_test)
    for each in paths:
        assert each.training is not None
        for row in (0, 9, 14):
            weights, figures = each.training.weights[row].astype(float), each.training.figures
            loss, accuracy, slope = plain(weights, data)
            assert each.values[row, 0] == pytest.approx(loss, rel=1e-5)
            assert figures["accuracy"][row] == pytest.approx(accuracy)
            assert figures["gradient_norm"][row] == pytest.approx(np.linalg.norm(slope), rel=1e-4)
            np.testing.assert_allclose(each.gradients[row, 0], landscape.axes @ slope, rtol=1e-3, atol=1e-6)
            assert figures["test_loss"][row] == pytest.approx(plain(weights, test)[0], rel=1e-5)
            assert figures["test_accuracy"][row] == pytest.approx(plain(weights, test)[1])
            offset = weights - landscape.origin
            spot = landscape.axes @ offset
            np.testing.assert_allclose(each.points[row, 0], spot, atol=1e-6)
            off = np.linalg.norm(offset - spot @ landscape.axes)
            assert figures["off_plane"][row] == pytest.approx(off, rel=1e-6)
            lifted = plain(landscape.origin + spot @ landscape.axes, data)[0]
            assert figures["plane_loss"][row] == pytest.approx(lifted, rel=1e-5)
        # What it does not hold it does not pretend to.
        assert np.abs(each.training.figures["plane_loss"] - each.values[:, 0]).max() > 1e-4


@pytest.mark.usefixtures("coarse")
def test_figures_run_straight_between_the_weights_that_were_kept(
    clouds: Network, paths: tuple[Trajectory, ...]
) -> None:
    found = replace(clouds, record_every=6)
    (path,) = seen(trained(found, steps=14, SGD={"lr": 0.5}))
    assert path.training is not None
    np.testing.assert_array_equal(path.training.kept, [0, 6, 12, 14])
    np.testing.assert_allclose(path.values[[0, 6, 12, 14]], paths[0].values[[0, 6, 12, 14]], rtol=1e-12)
    assert path.values[8, 0] == pytest.approx(path.values[6, 0] * 2 / 3 + path.values[12, 0] / 3)
    np.testing.assert_allclose(path.points[13], (path.points[12] + path.points[14]) / 2)


@pytest.mark.usefixtures("coarse")
def test_a_part_of_the_examples_is_drawn_by_the_seed(clouds: Network, raw: tuple[Trajectory, ...]) -> None:
    found = [plane_of(seen(raw, seed, examples=20)) for seed in (0, 0, 1)]
    assert (found[0].examples, found[0].total_examples) == (20, 45)
    np.testing.assert_array_equal(found[0].values, found[1].values)
    assert not np.array_equal(found[0].values, found[2].values)
    assert plane_of(seen(raw, examples=1000)).examples == 45
    part = seen(raw, examples=20)
    # The paths' own figures are still those of all.
    assert part[0].values[0, 0] == pytest.approx(plain(part[0].training.weights[0], clouds.data)[0], rel=1e-5)
    assert "is that of 20 of 45 examples" in " ".join(remarks(part))


@pytest.mark.usefixtures("coarse")
def test_a_random_plane_has_filters_as_long_as_the_weights(clouds: Network, raw: tuple[Trajectory, ...]) -> None:
    landscape = plane_of(seen(raw, plane="random"))
    assert landscape.plane == "random"
    np.testing.assert_allclose(landscape.axes @ landscape.axes.T, np.eye(2), atol=1e-12)
    matrices = np.r_[0:10, 15:25]
    biases = np.setdiff1d(np.arange(27), matrices)
    assert not landscape.axes[:, biases].any()
    length = np.linalg.norm(landscape.origin[matrices])
    np.testing.assert_allclose(landscape.bounds, [[-length, length]] * 2)
    # The first direction is as it was drawn, but for its length.
    for rows in np.split(np.arange(10), 5):
        assert np.linalg.norm(landscape.axes[0, rows]) * length == pytest.approx(np.linalg.norm(landscape.origin[rows]))
    other = plane_of(seen(raw, 1, plane="random"))
    assert abs(float(landscape.axes[0] @ other.axes[0])) < 0.9


@pytest.mark.usefixtures("coarse")
def test_an_optimizer_that_diverges_does_not_turn_the_plane(clouds: Network, paths: tuple[Trajectory, ...]) -> None:
    wild = trained(clouds, steps=14, SGD={"lr": 0.5}, Adam={"lr": 0.05}, Wild={"class": "SGD", "lr": 1e30})
    found = seen(wild)
    np.testing.assert_allclose(plane_of(found).axes, plane_of(paths).axes, atol=1e-9)
    assert np.abs(found[2].points).max() > 1e20
    assert np.isfinite(plane_of(seen(wild[2:])).axes).all()


@pytest.mark.usefixtures("coarse")
def test_a_path_that_breaks_off_stands_still_there(line: Network) -> None:
    found = seen(trained(line, steps=14, Adam={"lr": 0.1}, Wild={"class": "SGD", "lr": 1e9}))
    last = int(found[1].stop_steps[0])
    assert 0 < last < 14
    assert found[1].stops == (Stop.DIVERGED,)
    assert np.isfinite(found[1].values).all()
    np.testing.assert_array_equal(found[1].points[last:], found[1].points[last:][:1].repeat(15 - last, 0))
    assert np.ptp(plane_of(found).x) < 10


@pytest.mark.usefixtures("coarse")
@pytest.mark.parametrize("plane", ["pca", "random"])
def test_what_runs_away_alone_is_seen_where_it_began(clouds: Network, plane: str) -> None:
    paths = seen(trained(clouds, steps=6, Wild={"class": "SGD", "lr": 1e10}), plane=plane)
    landscape, (training,) = plane_of(paths), [each.training for each in paths]
    assert training is not None
    assert np.abs(training.weights).max() > 1e6
    np.testing.assert_array_equal(landscape.origin, training.weights[0])
    assert np.ptp(landscape.bounds) < 10
    assert np.isfinite(landscape.values).all()
    assert np.ptp(landscape.values) > 0


class Steep(nn.Module):
    """A loss that is infinite a few units away."""

    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Parameter(torch.tensor([40.0, 0.5, 0.1]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.a[2] + torch.exp(self.a[0] ** 2 / 40) * self.a[1].abs()


def test_losses_that_are_no_numbers_far_out_do_not_break_the_picture() -> None:
    found = network(Steep, numbers(0))
    paths = seen(trained(found, steps=4, SGD={"lr": 1e-40}, Adam={"lr": 1.0}))
    landscape = plane_of(paths)
    assert np.isnan(landscape.values).any()
    assert not np.isinf(landscape.values).any()
    assert np.isfinite(paths[0].objective.values(landscape.arrow_points)).all()
    assert len(build_scene(paths, view=View(size=[320, 240])))


@pytest.mark.usefixtures("coarse")
def test_a_path_ends_where_all_the_data_has_no_loss_any_more(clouds: Network, raw: tuple[Trajectory, ...]) -> None:
    training = raw[0].training
    assert training is not None
    weights = training.weights.copy()
    weights[9:] = 3e38
    (path,) = seen([replace(raw[0], training=replace(training, weights=weights))])
    assert (path.stops, path.stop_steps.tolist()) == ((Stop.DIVERGED,), [8])
    assert np.isfinite(path.values).all()
    np.testing.assert_array_equal(path.values[8:], path.values[8:9].repeat(7, 0))


@pytest.mark.usefixtures("coarse")
def test_between_kept_weights_a_path_ends_where_the_last_of_them_have_no_loss(
    clouds: Network,
) -> None:
    found = replace(clouds, record_every=6)
    (before,) = trained(found, steps=14, SGD={"lr": 0.5})
    assert before.training is not None
    weights = before.training.weights.copy()
    weights[2:] = 3e38
    (path,) = seen([replace(before, training=replace(before.training, weights=weights))])
    assert path.training is not None
    # Each mini-batch before the next kept weights still had a loss.
    assert (path.stops, path.stop_steps.tolist()) == ((Stop.DIVERGED,), [11])
    np.testing.assert_array_equal(path.values[6:], path.values[6:7].repeat(9, 0))
    np.testing.assert_array_equal(path.training.figures["off_plane"][6:], path.training.figures["off_plane"][6])
    weights[:] = 3e38
    (path,) = seen([replace(before, training=replace(before.training, weights=weights))])
    assert (path.stops, path.stop_steps.tolist()) == ((Stop.DIVERGED,), [0])


def untouchable() -> nn.Module:
    raise AssertionError("a module was built")


def test_what_was_seen_is_not_computed_again(clouds: Network, paths: tuple[Trajectory, ...]) -> None:
    blind = replace(paths[0].objective, network=replace(clouds, make=untouchable))
    paths = tuple(replace(path, objective=blind) for path in paths)
    assert seen(paths, plane="pca") == paths
    assert seen(paths, examples=45) == paths
    with pytest.raises(AssertionError, match="a module was built"):
        seen(paths, plane="random")


def test_progress_is_told_of_all_that_is_computed(clouds: Network, raw: tuple[Trajectory, ...]) -> None:
    counted = []

    def progress(rows: Iterable[int]) -> Iterator[int]:
        counted.append(0)
        for row in rows:
            counted[-1] += 1
            yield row

    look(raw, View(), folder=HERE, seed=0, progress=progress)
    assert counted == [51 * 51 + 13 * 13, 2 * 15]


TEXT = """\
objective: {network: mlp, data: {name: moons, n: 60}, hidden: [4], batch_size: 16}
steps: 6
seed: 3
optimizers:
  SGD: {lr: 0.5}
  Adam: {lr: 0.05}
view: {size: [320, 240]}
"""


@pytest.fixture(scope="module")
def experiment() -> Experiment:
    return loads(TEXT, name="moons")


@pytest.fixture(scope="module")
def made(experiment: Experiment) -> tuple[Trajectory, ...]:
    return simulate(experiment)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory, experiment: Experiment, made: tuple[Trajectory, ...]) -> Path:
    path = tmp_path_factory.mktemp("moons") / "moons.npz"
    save(path, made, experiment)
    return path


def same(one: Trajectory, other: Trajectory) -> None:
    for name in ("points", "values", "gradients", "learning_rates", "evaluations", "stop_steps"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert (one.label, one.settings, one.stops) == (other.label, other.settings, other.stops)
    assert one.training is not None
    assert other.training is not None
    for name in ("kept", "weights", "batch_losses", "layer_gradients", "layer_weights"):
        array = getattr(one.training, name)
        assert array.dtype == getattr(other.training, name).dtype
        np.testing.assert_array_equal(array, getattr(other.training, name))
    assert one.training.layers == other.training.layers
    assert one.training.figures.keys() == other.training.figures.keys()
    for name, figures in one.training.figures.items():
        np.testing.assert_array_equal(figures, other.training.figures[name])
    for name in (
        "origin",
        "axes",
        "x",
        "y",
        "values",
        "arrow_points",
        "gradients",
        "share",
        "examples",
        "total_examples",
        "plane",
    ):
        np.testing.assert_array_equal(getattr(plane_of([one]), name), getattr(plane_of([other]), name))


def test_what_is_read_is_what_was_saved(recording: Path, experiment: Experiment, made: tuple[Trajectory, ...]) -> None:
    found, again = read(recording)
    assert found == experiment
    assert again[0].objective is again[1].objective
    for one, other in zip(again, made, strict=True):
        same(one, other)
    assert again[0].objective.title == made[0].objective.title
    assert made[0].training.weights.dtype == np.float32
    assert evaluate_landscapes(found, again) == again
    with np.load(recording) as arrays:
        assert [name for name in arrays if name.startswith("origin")] == ["origin_0"]


@pytest.mark.usefixtures("coarse")
def test_networks_and_functions_are_saved_together(tmp_path: Path) -> None:
    network = "{network: mlp, data: {name: moons, n: 40}, hidden: [2]}"
    text = f"{{objective: [sphere, {network}], steps: 3, optimizers: {{SGD: {{lr: 0.1}}, Adam: }}}}"
    experiment = loads(text)
    paths = simulate(experiment)
    save(tmp_path / "both.npz", paths, experiment)
    again = read(tmp_path / "both.npz")[1]
    assert [each.objective.kind for each in again] == ["function"] * 2 + ["network"] * 2
    same(again[2], paths[2])
    same(again[3], paths[3])
    assert last_weights(tmp_path / "both.npz").tolist() == paths[2].training.weights[-1].tolist()


@pytest.mark.usefixtures("coarse")
def test_another_plane_is_computed_of_a_recording(recording: Path, made: tuple[Trajectory, ...]) -> None:
    experiment, paths = read(recording)
    other = loads(experiment.yaml, overrides=["view.plane=random"])
    found = evaluate_landscapes(other, paths)
    assert plane_of(found).plane == "random"
    np.testing.assert_allclose(found[0].values, made[0].values, rtol=1e-12)
    assert not np.array_equal(found[0].points, made[0].points)


def test_a_plane_goes_through_three_checkpoints(recording: Path, made: tuple[Trajectory, ...], tmp_path: Path) -> None:
    other = loads(TEXT.replace("lr: 0.5", "lr: 0.1").replace("seed: 3", "seed: 3\n"), name="slow")
    save(tmp_path / "slow.npz", simulate(other), other)
    plane = f"view.plane=[{recording}:Adam, slow.npz]"
    found = evaluate_landscapes(loads(TEXT, overrides=[plane], folder=tmp_path), made)
    landscape = plane_of(found)
    corners = [made[0].training.weights[-1], made[1].training.weights[-1], last_weights(tmp_path / "slow.npz")]
    spots = landscape.project(np.stack(corners).astype(float))
    np.testing.assert_allclose(landscape.distance(np.stack(corners).astype(float)), 0, atol=1e-6)
    np.testing.assert_allclose(spots[0], 0, atol=1e-9)
    assert (spots > landscape.bounds[:, 0]).all()
    assert (spots < landscape.bounds[:, 1]).all()
    assert landscape.plane == f"{recording}:Adam, slow.npz"
    np.testing.assert_allclose(landscape.marks, spots[1:], atol=1e-6)
    assert landscape.mark_names == (f"{recording.stem}:Adam", "slow")
    save(tmp_path / "again.npz", found, loads(TEXT, overrides=[plane], folder=tmp_path))
    again = plane_of(read(tmp_path / "again.npz")[1])
    np.testing.assert_array_equal(again.marks, landscape.marks)
    assert again.mark_names == landscape.mark_names
    assert not len(plane_of(read(recording)[1]).marks)
    for view, key in (
        ("[slow.npz, nowhere.npz]", ("view", "plane", 1)),
        ("[slow.npz, 'slow.npz:Adm']", ("view", "plane", 1)),
        (f"[{recording}, slow.npz]", ("view", "plane")),  # they lie on one line
    ):
        with pytest.raises(InputError) as caught:
            evaluate_landscapes(loads(TEXT, overrides=[f"view.plane={view}"], folder=tmp_path), made)
        assert caught.value.key == key
        assert "\n" not in str(caught.value)


def test_the_last_weights_of_a_recording_are_read(
    recording: Path, made: tuple[Trajectory, ...], tmp_path: Path
) -> None:
    for label, path in ((None, made[0]), ("SGD", made[0]), ("Adam", made[1])):
        np.testing.assert_array_equal(last_weights(recording, label), path.training.weights[-1])
    np.savez(tmp_path / "own.npz", weights=np.arange(6.0).reshape(2, 3))
    np.testing.assert_array_equal(last_weights(tmp_path / "own.npz"), [3, 4, 5])
    small = network(lambda: nn.Linear(1, 1), examples("regression", n=8))
    np.testing.assert_array_equal(weights_of(replace(small, weights=3), "own.npz", tmp_path), [3, 4, 5])
    with pytest.raises(InputError):
        weights_of(small, "own.npz", tmp_path)


@pytest.mark.parametrize(
    ("arrays", "label", "code"),
    [
        ({"points": np.zeros(3)}, None, "unreadable"),
        ({"weights": np.zeros(3)}, "Adam", "unknown-name"),
        ({"labels": np.array(["a"])}, None, "unreadable"),
        ({"labels": np.array(["a", "b"]), "weights_1": np.ones(2)}, "c", "unknown-name"),
        ({"weights": np.array([object()])}, None, "unreadable"),
        ({"weights": np.zeros(3, int)}, None, "unreadable"),
        ({"weights": np.zeros((2, 0))}, None, "unreadable"),
        ({"weights": np.zeros((2, 2, 2))}, None, "unreadable"),
        ({"weights": np.array([1.0, np.nan])}, None, "invalid-value"),
    ],
)
def test_what_holds_no_weights_is_refused(tmp_path: Path, arrays: dict[str, Any], label: str | None, code: str) -> None:
    np.savez(tmp_path / "other.npz", **arrays)
    with pytest.raises(InputError) as caught:
        last_weights(tmp_path / "other.npz", label)
    assert str(caught.value).startswith(f"{tmp_path / 'other.npz'}: ")
    assert caught.value.code == code


def test_a_file_that_is_none_has_no_weights(tmp_path: Path) -> None:
    (tmp_path / "junk.npz").write_bytes(bytes(range(256)))
    for path, code in (("junk.npz", "unreadable"), ("jnk.npz", "not-found"), (".", "unreadable")):
        with pytest.raises(InputError) as caught:
            last_weights(tmp_path / path)
        assert caught.value.code == code


def shortened(path: Path, name: str, array: np.ndarray) -> None:
    """Write an array of which the file promises all and holds the first half."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive, archive.open(f"{name}.npy", "w") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(array))
        file.write(array.tobytes()[: array.nbytes // 2])
    content = bytearray(path.read_bytes())
    told = content.rfind(b"PK\1\2") + 24
    size = int.from_bytes(content[told : told + 4], "little") + array.nbytes - array.nbytes // 2
    content[told : told + 4] = size.to_bytes(4, "little")
    path.write_bytes(content)


@pytest.mark.parametrize("shape", [(4,), (1, 4), (4, 1), (2, 600_000)])
def test_a_file_that_promises_more_than_it_holds_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    shortened(tmp_path / "short.npz", "weights", np.zeros(shape))
    with pytest.raises(InputError) as caught:
        last_weights(tmp_path / "short.npz")
    assert caught.value.code == "unreadable"
    shortened(tmp_path / "short.npz", "format", np.zeros(()))
    assert refused(tmp_path / "short.npz") == "unreadable"


def refused(path: Path) -> str:
    """Return the code of the error of reading a file."""
    with pytest.raises(InputError) as caught:
        read(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return caught.value.code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda arrays: arrays.pop("weights_1"), "missing"),
        (lambda arrays: arrays.pop("origin_0"), "missing"),
        (lambda arrays: arrays.pop("layers_0"), "missing"),
        (lambda arrays: arrays.update(weights_0=arrays["weights_0"].astype(float)), "unreadable"),
        (lambda arrays: arrays.update(weights_0=arrays["weights_0"][:, 1:]), "unreadable"),
        (lambda arrays: arrays["weights_0"].__setitem__((0, 0), np.inf), "unreadable"),
        (lambda arrays: arrays.update(kept_0=arrays["kept_0"][::-1].copy()), "unreadable"),
        (lambda arrays: arrays.update(kept_0=np.array(3)), "unreadable"),
        (lambda arrays: arrays.update(figure_names_0=np.array(["x"] * 7)), "unreadable"),
        (lambda arrays: arrays.update(figure_names_0=np.array(["x"] * 8)), "unreadable"),
        (
            lambda arrays: arrays.update(
                figure_names_0=arrays["figure_names_0"][1:], figures_0=arrays["figures_0"][1:]
            ),
            "unreadable",
        ),
        (lambda arrays: arrays.update(layers_0=np.array([], dtype="<U1")), "unreadable"),
        (lambda arrays: arrays.update(layers_0=np.array(["a\x1b", "b"])), "unreadable"),
        (lambda arrays: arrays.update(axes_0=arrays["axes_0"][:1]), "unreadable"),
        (lambda arrays: arrays["axes_0"].__setitem__((0, 0), np.nan), "unreadable"),
        (lambda arrays: arrays["grid_0"].__setitem__((0, 0), np.inf), "unreadable"),
        (lambda arrays: arrays.update(grid_x_0=arrays["grid_x_0"][::-1].copy()), "unreadable"),
        (lambda arrays: arrays.update(places_0=np.zeros((4, 2)), slopes_0=np.zeros((4, 2))), "unreadable"),
        (
            lambda arrays: arrays.update(grid_x_0=np.arange(501.0), grid_0=np.zeros((51, 501))),
            "unreadable",
        ),
        (
            lambda arrays: arrays.update(places_0=np.zeros((501**2, 2)), slopes_0=np.zeros((501**2, 2))),
            "unreadable",
        ),
        (lambda arrays: arrays.update(share_0=np.array(1.5)), "unreadable"),
        (lambda arrays: arrays.update(examples_0=np.array([9, 3])), "unreadable"),
        (lambda arrays: arrays.update(plane_0=np.array("a\x1b")), "unreadable"),
    ],
)
def test_an_array_of_a_network_that_is_not_as_it_must_be_is_refused(
    recording: Path, tmp_path: Path, change: Callable[[dict[str, Any]], Any], code: str
) -> None:
    with np.load(recording) as archive:
        arrays = dict(archive)
    change(arrays)
    np.savez(tmp_path / "moons.npz", **arrays)
    assert refused(tmp_path / "moons.npz") == code


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_a_damaged_file_is_refused_or_read(recording: Path, data: st.DataObject) -> None:
    whole = bytearray(recording.read_bytes())
    position = data.draw(st.integers(0, len(whole) - 1))
    whole[position] = data.draw(st.integers(0, 255))
    damaged = recording.with_name("damaged.npz")
    damaged.write_bytes(whole)
    outcomes = set()
    for reader in (read, last_weights):
        try:
            outcomes.add(type(reader(damaged)))
        except InputError as error:
            outcomes.add(str(error).partition(":")[0])
    assert outcomes <= {tuple, np.ndarray, str(damaged)}


def test_a_file_of_functions_holds_nothing_of_networks(tmp_path: Path) -> None:
    experiment = loads("{objective: sphere, steps: 3, optimizers: {SGD: }}")
    save(tmp_path / "a.npz", simulate(experiment), experiment)
    with np.load(tmp_path / "a.npz") as arrays:
        assert not [name for name in arrays if name.startswith(("weights", "origin", "kept"))]


def test_the_log_says_what_was_kept_and_what_the_plane_leaves_out(
    experiment: Experiment, made: tuple[Trajectory, ...]
) -> None:
    first, second = notes(experiment, made)
    assert "22 weights are kept at each step: 1.2 KiB." in first
    held = 100 * plane_of(made).share
    assert f"the plane (pca) holds {held:.1f} % of the paths' variance. The paths are up to 0." in second
    assert notes(loads("{objective: sphere, steps: 3, optimizers: {SGD: }}"), ()) == []


def test_the_log_says_whose_maps_are_blank_and_why() -> None:
    def told(*blank: str, method: str = "gradcam") -> list[str]:
        paths = networks_made.trained(("SGD", "Adam"), 10, method=method)
        emptied = []
        for each in paths:
            made = each.training.maps if each.training else None
            assert each.training is not None
            assert made is not None
            maps = replace(made, maps=made.maps * (each.label not in blank))
            emptied.append(replace(each, training=replace(each.training, maps=maps)))
        return [words for words in remarks(emptied) if "everywhere" in words or "blank" in words]

    title = "MLP 64–128–10 on digits"
    assert told() == []
    assert told("SGD")[0].startswith(f"{title}: Grad-CAM is blank for SGD: ")
    assert told("SGD", "Adam", method="gradient")[0].startswith(
        f"{title}: The input gradient is 0 everywhere for SGD and Adam: "
    )
    assert told("Adam", method="layer:conv1")[0].startswith(f"{title}: The map (layer:conv1) is 0 everywhere for Adam")


@pytest.mark.parametrize(
    "changes",
    [
        {"marks": np.array([[0.0, np.nan]]), "mark_names": ("a",)},
        {"marks": np.zeros((3, 2)), "mark_names": ("a", "b", "c")},
        {"marks": np.zeros((1, 2)), "mark_names": ("a\x1b",)},
        {"marks": np.zeros((2, 2)), "mark_names": ("a",)},
        {"marks": np.zeros((1, 3)), "mark_names": ("a",)},
    ],
)
def test_marks_that_are_none_are_refused(
    tmp_path: Path, experiment: Experiment, made: tuple[Trajectory, ...], changes: dict[str, Any]
) -> None:
    objective = replace(made[0].objective, landscape=replace(plane_of(made), **changes))
    save(tmp_path / "a.npz", [replace(each, objective=objective) for each in made], experiment)
    assert refused(tmp_path / "a.npz") == "unreadable"


@pytest.mark.parametrize(
    ("share", "words"),
    [(0.98, "98.0 %"), (1.0, "100.0 %"), (0.9999, "over 99.9 %"), (2e-4, "under 0.1 %"), (0, "0.0 %")],
)
def test_a_share_does_not_round_to_all_or_nothing(share: float, words: str) -> None:
    assert replace(networks_made.landscape().landscape, share=share).share_text == words


@pytest.mark.usefixtures("coarse")
def test_the_log_says_how_often_weights_are_kept_and_nothing_of_a_plane_that_leaves_nothing_out(
    clouds: Network,
) -> None:
    (path,) = seen(trained(replace(clouds, record_every=4), steps=9, SGD={"lr": 0.5}))
    assert "27 weights are kept every 4 steps: 0.422 KiB. " in remarks([path])[0]
    (path,) = seen(trained(clouds, steps=1, SGD={"lr": 0.5}))
    assert remarks([path])[1].endswith("the plane (pca) holds 100.0 % of the paths' variance.")


@pytest.mark.usefixtures("coarse")
def test_a_recording_whose_data_has_changed_is_drawn_again_but_on_no_other_plane(tmp_path: Path) -> None:
    def measure(seed: int) -> None:
        x = np.random.default_rng(seed).normal(size=(30, 2))
        np.savez(tmp_path / "mine.npz", x=x, y=np.arange(30) % 2)

    measure(0)
    experiment = loads(TEXT.replace("{name: moons, n: 60}", "mine.npz"), folder=tmp_path)
    save(tmp_path / "run.npz", simulate(experiment), experiment)
    found, paths = read(tmp_path / "run.npz")
    other = loads(found.yaml, overrides=["view.plane=random"], folder=tmp_path)
    assert plane_of(evaluate_landscapes(other, paths)).plane == "random"
    measure(1)
    found, paths = read(tmp_path / "run.npz")
    assert evaluate_landscapes(found, paths) == paths
    with pytest.raises(InputError, match="was recorded with a first loss of 0") as caught:
        evaluate_landscapes(loads(found.yaml, overrides=["view.plane=random"], folder=tmp_path), paths)
    assert caught.value.key == ("objective",)


@pytest.mark.usefixtures("coarse")
def test_a_recording_is_drawn_on_another_plane(recording: Path, tmp_path: Path) -> None:
    words = ["render", str(recording), "--out", str(tmp_path), "--format", "png", "--set", "view.plane=random"]
    told = call(*words)
    assert told.exit_code == 0
    assert told.stdout == f"{tmp_path / 'moons' / 'moons.png'}\n"
    assert "the plane (random) holds" in told.stderr
    nowhere = call(*words[:-1], "view.plane=[a.npz, b.npz]")
    assert nowhere.exit_code == 2
    assert "view.plane.0: " in nowhere.stderr
    assert "a.npz: no such file" in nowhere.stderr


@pytest.mark.usefixtures("coarse")
def test_maps_are_made_once_and_with_no_new_plane(recording: Path, tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    text = TEXT.replace("{name: moons, n: 60}", "{name: digits, n: 60}").replace("steps: 6", "steps: 2")
    text = text.replace("view: {", "view: {panels: [saliency], examples: 5, saliency: {image: 2}, ")
    experiment = loads(text, name="digits")
    paths = simulate(experiment)
    maps = paths[0].training.maps
    assert (maps.number, maps.label, maps.target) == (2, maps.target, maps.label)
    save(tmp_path / "digits.npz", paths, experiment)
    found, again = read(tmp_path / "digits.npz")
    np.testing.assert_array_equal(again[0].training.maps.maps, maps.maps)
    np.testing.assert_array_equal(again[0].training.maps.image, maps.image)
    holed = replace(maps, maps=np.where(maps.maps > 0, np.nan, maps.maps))
    training = replace(again[0].training, maps=holed)
    save(tmp_path / "holed.npz", [replace(again[0], training=training), *again[1:]], found)
    np.testing.assert_array_equal(read(tmp_path / "holed.npz")[1][0].training.maps.maps, holed.maps)
    assert evaluate_landscapes(found, again) == again
    other = evaluate_landscapes(loads(text, overrides=[f"view.saliency.class={(maps.target + 1) % 10}"]), again)
    assert other[0].training.maps.target == (maps.target + 1) % 10
    assert other[0].objective is again[0].objective
    assert evaluate_landscapes(found, other)[0].training.maps.target == maps.target


@pytest.mark.usefixtures("coarse")
def test_a_recording_is_read_from_a_file_with_its_own_code_only_when_allowed(tmp_path: Path) -> None:
    (tmp_path / "my_net.py").write_text("from torch import nn\nclass Net(nn.Linear):\n    pass\n")
    (tmp_path / "own.yaml").write_text(
        "objective: {network: my_net.py:Net, args: {in_features: 2, out_features: 2}, data: {name: moons, n: 40}}\n"
        "steps: 2\noptimizers: {SGD: {lr: 0.1}}\n"
    )
    experiment = load(tmp_path / "own.yaml", allow_code=True)
    save(tmp_path / "own.npz", simulate(experiment), experiment)
    assert refused(tmp_path / "own.npz")
    assert read(tmp_path / "own.npz", allow_code=True)[1][0].training is not None
