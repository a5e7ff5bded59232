"""A trained network's score as a function of its input: that of a plain loop, the same however it is asked for."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gdsim
from gdsim.config import loads
from gdsim.errors import ConfigError, InputError
from gdsim.networks import Data, examples, network
from gdsim.networks import input_objective as objective
from gdsim.networks.objective import DEFAULT_STEPS

STEPS = 30


@pytest.fixture(scope="module")
def digits():
    return examples("digits")


@pytest.fixture(scope="module")
def small(digits):
    return network("mlp", digits, hidden=[8])


@pytest.fixture(scope="module")
def three(small, tmp_path_factory):
    return objective(small, target=3, image=None, trained=STEPS, folder=tmp_path_factory.mktemp("none"))


@pytest.fixture(scope="module")
def by_hand(digits):
    """The same network, trained in a plain loop with nothing of gdsim."""
    torch.manual_seed(0)
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10))
    adam = torch.optim.Adam(module.parameters())
    data = torch.utils.data.TensorDataset(torch.from_numpy(digits.x), torch.from_numpy(digits.y))
    order = torch.Generator().manual_seed(0)
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True, generator=order)
    epochs = (batch for _ in range(10) for batch in loader)
    for x, y in islice(epochs, STEPS):
        adam.zero_grad()
        torch.nn.functional.cross_entropy(module(x), y).backward()
        adam.step()
    return module.double()


def test_value_and_gradient_are_those_of_a_network_trained_in_a_plain_loop(three, by_hand):
    point = torch.from_numpy(np.array(three.start)).requires_grad_()
    score = by_hand(point.reshape(1, 1, 8, 8))[0, 3]
    (slope,) = torch.autograd.grad(score, point)
    value, gradient = three.gradients(three.start)
    assert value == -score.item()
    assert np.array_equal(gradient, -slope.numpy())


@settings(max_examples=20)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1), st.booleans())
def test_a_point_has_the_same_value_alone_in_a_batch_and_in_any_layout(three, rows, seed, transposed):
    points = np.random.default_rng(seed).normal(size=(rows, 64))
    asked = torch.from_numpy(np.asfortranarray(points) if transposed else points)
    together = three.f(asked).numpy()
    gradients = three.gradients(points)[1]
    for row in (0, rows // 2, rows - 1):
        alone, slope = three.gradients(points[row])
        assert together[row] == alone
        assert np.array_equal(gradients[row], slope)


@pytest.mark.parametrize("optimizer", ["SGD", "Adam"])
def test_the_image_is_moved_as_a_plain_loop_moves_it(optimizer, by_hand):
    text = f"""
        objective: {{network: mlp, data: digits, hidden: [8], wrt: input, class: 3, trained: {STEPS}}}
        steps: 12
        optimizers: {{SGD: {{lr: 0.05}}, Adam: {{lr: 0.02}}}}
        view: {{panels: []}}
    """
    found = {each.label: each for each in gdsim.simulate(loads(text, name="dream"))}[optimizer]
    image = torch.from_numpy(np.array(found.objective.start)).requires_grad_()
    moved = getattr(torch.optim, optimizer)([image], lr={"SGD": 0.05, "Adam": 0.02}[optimizer])
    for step in range(13):
        moved.zero_grad()
        loss = -by_hand(image.reshape(1, 1, 8, 8))[0, 3]
        loss.backward()
        assert np.array_equal(found.points[step, 0], image.detach().numpy())
        assert found.values[step, 0] == loss.item()
        moved.step()
    assert found.values[-1, 0] < found.values[0, 0]


def test_what_is_known_of_the_objective(three):
    assert (three.dim, three.shape, three.minimum) == (64, (8, 8), None)
    assert np.array_equal(three.bounds, np.tile([0.0, 1.0], (64, 1)))
    assert three.title == "Class 3 of MLP 64–8–10 on digits"
    assert not three.formula
    assert f"{STEPS} steps of Adam" in three.source
    assert 0.3 < three.start.mean() < 0.7
    assert 0.05 < three.start.std() < 0.15


def test_a_descent_begins_with_an_image_of_the_test_data(small, digits, tmp_path):
    found = objective(small, target=3, image=5, trained=None, folder=tmp_path)
    assert np.array_equal(found.start, digits.x_test[5].ravel())
    assert f"{DEFAULT_STEPS} steps" in found.source


def test_the_weights_of_a_file_are_taken_as_they_are(small, tmp_path):
    weights = np.random.default_rng(0).normal(size=small.weights).astype(np.float32)
    np.savez(tmp_path / "own.npz", weights=weights)
    found = objective(small, target=2, image=0, trained="own.npz", folder=tmp_path)
    first, bias = weights[:512].reshape(8, 64), weights[512:520]
    last, shift = weights[520:600].reshape(10, 8), weights[600:]
    parts = (each.astype(np.float64) for each in (first, bias, last, shift))
    first, bias, last, shift = parts
    score = (last @ np.maximum(first @ found.start + bias, 0) + shift)[2]
    assert found.values(found.start) == pytest.approx(-score, rel=1e-12)


def test_data_of_two_numbers_gives_a_function_of_the_plane(tmp_path):
    moons = network("mlp", examples("moons", n=60), hidden=[4])
    found = objective(moons, target=1, image=None, trained=2, folder=tmp_path)
    assert (found.dim, found.kind) == (2, "function")
    # Its values are seen, not the score itself.
    assert found.formula == r"-\mathrm{score}_{1}"
    inside = (moons.data.x > found.bounds[:, 0]) & (moons.data.x < found.bounds[:, 1])
    assert inside.all()
    assert np.isfinite(found.values(found.start))


def test_training_waits_until_a_value_is_asked_for_and_leaves_no_trace_in_what_is_random(small, tmp_path, monkeypatch):
    trained = []
    plain = torch.optim.Adam

    def counted(parameters):
        trained.append(1)
        return plain(parameters)

    monkeypatch.setattr(torch.optim, "Adam", counted)
    found = objective(small, target=0, image=None, trained=1, folder=tmp_path)
    assert not trained
    before = torch.get_rng_state()
    with torch.no_grad():
        found.values(np.zeros((3, 64)))
    found.gradients(np.zeros(64))
    assert len(trained) == 1
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_and_batch_normalisation_do_not_tie_a_point_to_others(digits, tmp_path):
    def make() -> torch.nn.Module:
        norm = torch.nn.BatchNorm1d(6, track_running_stats=False)
        parts = torch.nn.Flatten(), torch.nn.Linear(64, 6), norm, torch.nn.Dropout(0.5), torch.nn.Linear(6, 10)
        return torch.nn.Sequential(*parts)

    plain = network("mlp", digits, hidden=[8])
    weights = sum(each.numel() for each in make().parameters())
    own = type(plain)("own", "own", digits, make, "cross_entropy", 64, None, weights)
    found = objective(own, target=1, image=0, trained=3, folder=tmp_path)
    points = np.stack([found.start, found.start * 0.5])
    assert np.array_equal(found.values(points), [found.values(each) for each in points])
    assert np.array_equal(found.values(points), found.values(points))


@pytest.mark.parametrize(
    ("given", "key", "code"),
    [
        ({"target": 10}, "class", "invalid-value"),
        ({"image": 449}, "image", "invalid-value"),
        ({"trained": "none.npz"}, "trained", "not-found"),
        ({"trained": "other.npz"}, "trained", "invalid-value"),
    ],
)
def test_a_mistake_is_told_in_one_line_without_training(small, tmp_path, given, key, code):
    np.savez(tmp_path / "other.npz", weights=np.zeros(3))
    wanted = {"target": 3, "image": None, "trained": None} | given
    with pytest.raises(InputError) as caught:
        objective(small, **wanted, folder=tmp_path)
    assert (caught.value.key, caught.value.code) == ((key,), code)
    assert "\n" not in str(caught.value)


def test_numbers_have_no_class_and_colours_no_single_image(tmp_path):
    numbers = network("mlp", examples("regression", n=40), hidden=[4])
    with pytest.raises(InputError) as caught:
        objective(numbers, target=0, image=None, trained=1, folder=tmp_path)
    assert caught.value.key == ("class",)
    x, y = np.zeros((4, 3, 2, 2), np.float32), np.array([0, 1, 0, 1])
    colours = network("mlp", Data("colours", x, y, x, y, 2, (2, 2)), hidden=[4])
    with pytest.raises(InputError) as caught:
        objective(colours, target=0, image=None, trained=1, folder=tmp_path)
    assert caught.value.key == ("wrt",)


@pytest.mark.parametrize(("given", "key"), [(", class: 12", ("objective", "class")), ("", ("objective",))])
def test_a_config_says_where_the_mistake_is(given, key):
    text = f"objective: {{network: mlp, data: digits, wrt: input{given}}}\nsteps: 3\noptimizers: {{SGD: {{lr: 1}}}}\n"
    with pytest.raises(ConfigError, match=rf"^dream:1:\d+: {'.'.join(key)}: ") as caught:
        loads(text, name="dream", file="dream")
    assert caught.value.key == key
