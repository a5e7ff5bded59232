# ruff: noqa: E501  (each sentence stands whole, to be searched for)
from __future__ import annotations

import subprocess
import sys
import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from gdsim.config import loads
from gdsim.errors import ConfigError, InputError
from gdsim.networks import ACTIVATIONS, DATA, LOSSES, NETWORKS, Network, examples, layer_of, network, network_objective

MODULES = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        self.inner = nn.Linear(2, width)
        self.outer = nn.Linear(width, 2)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)))


class Norm(Net):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(4)

    def forward(self, x):
        return self.outer(self.norm(self.inner(x)))


class Narrow(Net):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 4)


class Wide(Net):
    def __init__(self):
        super().__init__()
        self.outer = nn.Linear(4, 7)


class Twice(Net):
    def forward(self, x):
        return super().forward(x), x


class Apart(Net):
    def forward(self, x):
        return super().forward(x).detach()


class Unused(Net):
    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(3, 3)


class Frozen(Net):
    def __init__(self):
        super().__init__()
        self.inner.weight.requires_grad_(False)


class Fine(Net):
    def __init__(self):
        super().__init__()
        self.double()


class Counting(Net):
    def __init__(self):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, x):
        if self.training:
            self.seen += 1
        return super().forward(x)


class Restless(Net):
    def forward(self, x):
        return super().forward(x) + torch.rand(2)


class Huge(Net):
    def __init__(self):
        super().__init__(1_000_000)


class Shifting(Net):
    def forward(self, x):
        x -= 1
        return super().forward(x)


class Crowded(Net):
    def forward(self, x):
        if len(x) > 16:
            raise ValueError("too many")
        return super().forward(x)


class Softening(Net):
    def forward(self, x):
        scores = super().forward(x)
        return scores if self.training else scores[:, :1]


class Leaving(Net):
    def forward(self, x):
        raise SystemExit(0)


class Each(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.InstanceNorm1d(2, affine=True)

    def forward(self, x):
        return self.norm(torch.stack([x, x * x], 2)).mean(2)


built = nn.Identity()


class Empty(nn.Module):
    def forward(self, x):
        return x


class Broken(nn.Module):
    def __init__(self):
        raise ValueError("no such thing")


class Plain:
    pass


def made(width):
    return Net(width)


def three():
    return 3


def lazy():
    return nn.LazyLinear(2)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with modules of one's own in it."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "my_net.py").write_text(MODULES)
    (folder / "code.py").write_text("raise SystemExit")
    return folder


def refusal(**objective: Any) -> str:
    """Return the key of the only mistake of an objective."""
    more = {key: objective.pop(key) for key in ("folder", "allow_code") if key in objective}
    steps, rest = objective.pop("steps", 5), objective.pop("rest", "")
    written = ", ".join(f"{key}: {value}" for key, value in objective.items())
    text = f"objective: {{{written}}}\nsteps: {steps}\noptimizers: {{SGD: }}\n{rest}"
    with pytest.raises(ConfigError) as caught:
        loads(text, file="net.yaml", **more)
    (problem,) = caught.value.problems
    assert "\n" not in str(problem)
    return ".".join(map(str, problem.key))


def same(ones: Any, others: Any) -> bool:
    return all(torch.equal(one, other) for one, other in zip(ones, others, strict=True))


# What is trained on


def test_the_digits_are_those_of_scikit_learn() -> None:
    theirs, ours = load_digits(), examples("digits", test=0)
    assert ours.x.shape == (1797, 1, 8, 8)
    assert (ours.classes, ours.outputs, ours.image, len(ours.x_test)) == (10, 10, (8, 8), 0)
    assert np.array_equal(ours.x.reshape(-1, 64) * 16, theirs.data)
    assert np.array_equal(ours.y, theirs.target)
    divided, order = examples("digits"), np.random.default_rng(0).permutation(1797)
    assert np.array_equal(np.concatenate([divided.x, divided.x_test]), ours.x[order])
    assert np.array_equal(np.concatenate([divided.y, divided.y_test]), ours.y[order])


@pytest.mark.parametrize("name", DATA)
def test_all_data_are_float32_seeded_and_divided(name: str) -> None:
    first, again, other = (examples(name, n=80, seed=seed) for seed in (3, 3, 4))
    assert (len(first.x), len(first.x_test)) == (60, 20)
    assert len(first.y) == 60
    assert first.x.dtype == np.float32
    assert np.array_equal(first.x, again.x)
    assert np.array_equal(first.y_test, again.y_test)
    assert not np.array_equal(first.x, other.x)
    if first.classes is None:
        assert first.y.shape == (60, first.outputs)
        assert first.y.dtype == np.float32
    else:
        assert first.y.dtype == np.int64
        assert set(first.y) == set(range(first.classes))


@given(st.sampled_from([*DATA]), st.integers(2, 200), st.floats(0, 0.9), st.integers(0, 2**63 - 1))
@settings(max_examples=40)
def test_no_example_is_lost_or_used_twice(name: str, n: int, test: float, seed: int) -> None:
    whole = examples(name, n=n, test=0, seed=seed)
    if n - round(n * test) < 2:
        with pytest.raises(InputError) as caught:
            examples(name, n=n, test=test, seed=seed)
        assert caught.value.key == ("data", "test")
        return
    found = examples(name, n=n, test=test, seed=seed)
    assert len(found.x_test) == round(n * test)
    assert np.array_equal(np.concatenate([found.x, found.x_test]), whole.x)
    assert np.array_equal(np.concatenate([found.y, found.y_test]), whole.y)


def test_noise_lies_on_what_is_generated() -> None:
    quiet, loud = (examples("moons", n=400, noise=noise) for noise in (0, 0.3))
    assert float(np.std(loud.x - quiet.x)) == pytest.approx(0.3, rel=0.1)
    assert np.allclose(np.hypot(*(quiet.x - np.where(quiet.y[:, None] == 0, [0, 0], [1, 0.5])).T), 1, atol=1e-6)
    curve = examples("regression", noise=0)
    assert np.allclose(curve.y, np.sin(2 * curve.x) + 0.3 * curve.x, atol=1e-6)


# Files


def write(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


def test_a_file_of_images_is_read(tmp_path: Path) -> None:
    x, y = np.random.default_rng(0).integers(0, 256, (12, 5, 4), dtype=np.uint8), np.arange(12) % 3
    path = write(tmp_path / "faces.npz", x=x, y=y)
    found = examples("faces.npz", test=0.25, folder=tmp_path)
    assert (found.name, found.classes, found.image) == ("faces", 3, (5, 4))
    assert (found.x.shape, found.x_test.shape) == ((9, 1, 5, 4), (3, 1, 5, 4))
    rows = {row.tobytes(): label for row, label in zip(x.astype(np.float32), y, strict=True)}
    for image, label in zip(found.x, found.y, strict=True):
        assert rows[image.tobytes()] == label
    write(path, x=x, y=y, x_test=x[:2], y_test=y[:2])
    found = examples("faces.npz", n=10, folder=tmp_path)
    assert len(found.x) == 10
    assert np.array_equal(found.x_test[:, 0], x[:2])
    # What its owner has divided is in its owner's order, so that mini-batches are those of a plain loop.
    assert np.array_equal(examples("faces.npz", folder=tmp_path).x[:, 0], x)
    with pytest.raises(InputError) as caught:
        examples("faces.npz", test=0.1, folder=tmp_path)
    assert (caught.value.key, caught.value.code) == (("data", "test"), "conflict")


def test_a_file_of_numbers_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "line.npz", x=np.arange(8.0)[:, None], y=np.arange(8.0))
    found = examples(str(path), test=0)
    assert (found.classes, found.outputs, found.image, found.y.shape) == (None, 1, None, (8, 1))
    assert np.array_equal(found.y, found.x)
    assert network("mlp", found).loss_name == "mse"


def test_classes_that_were_saved_as_floating_numbers_are_told(tmp_path: Path) -> None:
    path = str(write(tmp_path / "kinds.npz", x=np.zeros((9, 2)), y=np.arange(9.0) % 3))
    (remark,) = network("mlp", examples(path)).remarks
    assert remark.startswith("kinds: y holds whole numbers")
    assert not network("mlp", examples("regression")).remarks


def test_what_may_surprise_about_data_is_told(tmp_path: Path) -> None:
    (remark,) = network("mlp", examples("digits"), batch_size=64).remarks
    assert "4 of 64 examples" in remark
    assert not network("mlp", examples("digits", test=0.2), batch_size=64).remarks
    assert not network("mlp", examples("digits"), batch_size=2000).remarks
    path = str(write(tmp_path / "bytes.npz", x=np.arange(18).reshape(9, 2) % 2 * 255, y=np.arange(9) % 3))
    (remark,) = network("mlp", examples(path)).remarks
    assert remark.startswith("bytes: x ranges from 0 to 255")


def test_more_numbers_than_memory_has_room_for_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdsim.networks.data.MAX_NUMBERS", 17)
    path = write(tmp_path / "many.npz", x=np.zeros((6, 2), dtype=np.uint8), y=Y)
    with pytest.raises(InputError) as caught:
        examples(str(path))
    assert caught.value.code == "too-large"


X, Y = np.zeros((6, 2)), np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "code"),
    [
        ({"x": X}, "missing"),
        ({"x": X, "y": Y, "x_test": X}, "missing"),
        ({"x": X, "y": Y[:4]}, "invalid-value"),
        ({"x": X[:, 0], "y": Y}, "invalid-value"),
        ({"x": X[..., None, None, None], "y": Y}, "invalid-value"),
        ({"x": X[:, :0], "y": Y}, "invalid-value"),
        ({"x": X[:1], "y": Y[:1]}, "invalid-value"),
        ({"x": X[:0], "y": Y[:0]}, "invalid-value"),
        ({"x": np.zeros((6, 8, 8, 3)), "y": Y}, "invalid-value"),
        ({"x": X, "y": Y[:, None]}, "invalid-value"),
        ({"x": X, "y": np.zeros((6, 1, 1))}, "invalid-value"),
        ({"x": X + np.array([np.nan, 0]), "y": Y}, "invalid-value"),
        ({"x": X + 1e39, "y": Y}, "invalid-value"),
        ({"x": X, "y": np.array([0, 1, 2, 3, 4, np.inf])}, "invalid-value"),
        ({"x": X, "y": Y - 1}, "invalid-value"),
        ({"x": X, "y": Y + 1}, "invalid-value"),
        ({"x": X, "y": Y * 0}, "invalid-value"),
        ({"x": X, "y": Y * 5000}, "invalid-value"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "invalid-value"),
        ({"x": X, "y": Y, "x_test": X[:, :1], "y_test": Y}, "invalid-value"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y * 1.0}, "invalid-value"),
        ({"x": X.astype(complex), "y": Y}, "wrong-type"),
        ({"x": X, "y": np.array(list("ababab"))}, "wrong-type"),
        ({"x": X, "y": np.array([None] * 6)}, "unreadable"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_learnt_gets_one_line(tmp_path: Path, arrays: dict[str, Any], code: str) -> None:
    path = write(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(InputError) as caught:
        examples("wrong.npz", folder=tmp_path)
    assert str(caught.value).startswith(f"data: {path}: ")
    assert (caught.value.key, caught.value.code) == (("data",), code)


def test_what_is_no_file_of_arrays_gets_one_line(tmp_path: Path) -> None:
    write(tmp_path / "here.npz", x=X, y=Y)
    (tmp_path / "dead.npz").symlink_to("nowhere")
    (tmp_path / "text.npz").write_text("no archive")
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 9), }"
        header += b" " * (-(len(header) + 11) % 64) + b"\n"
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64))
    codes = {"hear": "not-found", "dead": "not-found", "text": "unreadable", "bomb": "unreadable"}
    for name, code in codes.items():
        with pytest.raises(InputError) as caught:
            examples(f"{name}.npz", folder=tmp_path)
        assert (caught.value.key, caught.value.code) == (("data",), code)


# Modules


def layers(of: Network) -> tuple[str, ...]:
    with torch.random.fork_rng(devices=[]):
        return tuple(dict.fromkeys(layer_of(name) for name, _ in of.make().named_parameters()))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_an_mlp_is_the_plain_sequence_of_layers(activation: str) -> None:
    found = network("mlp", examples("moons"), hidden=[5, 3], activation=activation)
    torch.manual_seed(7)
    kind = getattr(nn, ACTIVATIONS[activation])
    theirs = nn.Sequential(nn.Linear(2, 5), kind(), nn.Linear(5, 3), kind(), nn.Linear(3, 2))
    drawn = torch.rand(3)
    ours = found.module(7)
    assert torch.equal(torch.rand(3), drawn)
    assert ours.training
    assert same(ours.parameters(), theirs.parameters())
    x = torch.from_numpy(found.data.x)
    assert torch.equal(ours(x), theirs(x))
    assert layers(found) == ("hidden1", "hidden2", "output")
    assert found.weights == sum(each.numel() for each in theirs.parameters())


def test_a_residual_mlp_adds_what_goes_in() -> None:
    found = network("mlp", examples("moons"), hidden=[4, 4, 4], residual=True)
    ours, x = found.module(0), torch.from_numpy(found.data.x)
    first, second, third, last = (module for module in ours.modules() if isinstance(module, nn.Linear))
    h = first(x).relu()
    h = h + second(h).relu()
    h = h + third(h).relu()
    assert torch.equal(ours(x), last(h))


def test_a_cnn_is_what_it_says() -> None:
    found = network("cnn", examples("digits"), channels=[2, 3], hidden=[5])
    torch.manual_seed(1)
    theirs = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(48, 5), nn.ReLU(), nn.Linear(5, 10),
    )  # fmt: skip
    ours, x = found.module(1), torch.from_numpy(found.data.x[:9])
    assert same(ours.parameters(), theirs.parameters())
    assert torch.equal(ours(x), theirs(x))
    assert layers(found) == ("conv1", "conv2", "hidden1", "output")
    assert found.weights == sum(each.numel() for each in theirs.parameters())


def test_layers_are_the_modules_that_hold_parameters() -> None:
    assert [layer_of(name) for name in ("conv1.weight", "inner.block.0.bias", "weight")] == [
        "conv1",
        "inner.block.0",
        "weight",
    ]


@pytest.mark.parametrize(
    ("name", "given", "title"),
    [
        ("mlp", {"hidden": [128]}, "MLP 64–128–10 on digits"),
        ("mlp", {"hidden": []}, "MLP 64–10 on digits"),
        ("mlp", {"hidden": [32] * 8, "activation": "sigmoid"}, "Sigmoid MLP 64–8 × 32–10 on digits"),
        ("mlp", {"hidden": [16, 16], "residual": True}, "Residual MLP 64–16–16–10 on digits"),
        ("mlp", {"hidden": [4], "activation": "leaky_relu"}, "Leaky relu MLP 64–4–10 on digits"),
        ("cnn", {"channels": [8, 16], "hidden": [32]}, "CNN 8–16–32–10 on digits"),
    ],
)
def test_a_title_says_what_is_trained(name: str, given: dict[str, Any], title: str) -> None:
    found = network(name, examples("digits"), **given)
    assert found.title == title
    objective = network_objective(found)
    assert (objective.name, objective.title, objective.dim) == (name, title, 2)
    assert objective.landscape is not None
    assert objective.landscape.origin.shape == (found.weights,)


# The order of mini-batches, and losses


@pytest.mark.parametrize("batch_size", [1, 7, 60, 100])
def test_mini_batches_are_those_of_a_plain_loader(batch_size: int) -> None:
    found = network("mlp", examples("moons", n=80), batch_size=batch_size)
    tensors = TensorDataset(torch.from_numpy(found.data.x), torch.from_numpy(found.data.y))
    generator = torch.Generator().manual_seed(5)
    loader = DataLoader(tensors, batch_size=batch_size, shuffle=True, generator=generator)
    theirs = [batch for _ in range(3) for batch in loader]
    ours = islice(found.batches(5), len(theirs))
    assert all(same(one, other) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", LOSSES)
def test_losses_are_those_of_pytorch(name: str) -> None:
    classes = {"cross_entropy": nn.CrossEntropyLoss, "mse": nn.MSELoss, "l1": nn.L1Loss, "huber": nn.HuberLoss}
    found = network("mlp", examples("moons" if name == "cross_entropy" else "regression"), loss=name)
    x, y = next(found.batches(0))
    outputs = found.module(0)(x)
    assert torch.equal(found.loss(outputs, y), classes[name]()(outputs, y))


# Modules of one's own


def own(name: str, folder: Path, **more: Any) -> Network:
    return network(name, examples("moons", n=80), folder=folder, allow_code=True, **more)


def test_an_own_module_is_trained_as_it_is(folder: Path) -> None:
    state = torch.get_rng_state()
    for name, args in (("my_net.py:Net", {"width": 3}), ("my_net:Net", {"width": 3}), ("my_net:made", {"width": 3})):
        found = own(name, folder, args=args)
        assert found.title == f"{name.rpartition(':')[2]} on moons"
        assert (found.weights, layers(found), found.remarks) == (17, ("inner", "outer"), ())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    assert same(found.module(0).parameters(), theirs.parameters())


def test_a_class_of_an_installed_package_is_trained() -> None:
    more = {"args": {"in_features": 2, "out_features": 2}, "allow_code": True}
    found = network("torch.nn.Linear", examples("moons"), **more)
    assert (found.name, found.weights, layers(found)) == ("Linear", 6, ("weight", "bias"))


def test_normalisation_keeps_no_statistics_and_says_so(folder: Path) -> None:
    found = own("my_net.py:Norm", folder)
    module = found.module(0)
    assert not list(module.buffers())
    x = torch.from_numpy(found.data.x)
    assert torch.equal(module(x), module.eval()(x))
    (remark,) = found.remarks
    assert "statistics" in remark
    assert own("my_net.py:Each", folder).remarks == ()


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Narrow", "unsupported"),
        ("Wide", "unsupported"),
        ("Twice", "wrong-type"),
        ("Apart", "unsupported"),
        ("Unused", "unsupported"),
        ("Frozen", "unsupported"),
        ("Fine", "unsupported"),
        ("Counting", "unsupported"),
        ("Restless", "unsupported"),
        ("Huge", "too-large"),
        ("Shifting", "unsupported"),
        ("Crowded", "unsupported"),
        ("Softening", "unsupported"),
        ("Leaving", "unsupported"),
        ("built", "wrong-type"),
        ("Empty", "unsupported"),
        ("Broken", "unsupported"),
        ("Plain", "wrong-type"),
        ("made", "missing"),
        ("three", "wrong-type"),
        ("lazy", "unsupported"),
        ("Nett", "unknown-name"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_trained_gets_one_line(folder: Path, name: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        network(f"my_net.py:{name}", examples("moons"), folder=folder, allow_code=True)
    assert (caught.value.key, caught.value.code) == (("network",), code)
    assert "\n" not in str(caught.value)


def test_a_module_that_is_too_large_takes_no_memory() -> None:
    """It would take 3.6 TB."""
    with pytest.raises(InputError) as caught:
        network(
            "torch.nn.Linear",
            examples("moons"),
            allow_code=True,
            args={"in_features": 2, "out_features": 300_000_000_000},
        )
    assert (caught.value.key, caught.value.code) == (("network",), "too-large")


def test_layers_that_are_too_large_take_no_memory(tmp_path: Path) -> None:
    """The values of their units in a step would take 5 GB, and their gradients as much."""
    with pytest.raises(InputError, match="12,800 units; at most 5,368 are evaluated for 100,000 examples") as caught:
        network("mlp", examples("moons", n=100_000, test=0), hidden=[128] * 100, batch_size=100_000)
    assert (caught.value.key, caught.value.code) == (("network",), "too-large")
    path = write(tmp_path / "photographs.npz", x=np.zeros((64, 512, 512), np.uint8), y=np.arange(64) % 2)
    with pytest.raises(InputError, match="33,816,576 units; at most 8,388,608 are evaluated for 64 examples"):
        network("cnn", examples(str(path), test=0), channels=[128, 1])


@pytest.mark.parametrize(("name", "line"), [("Narrow", 13), ("Crowded", 95), ("Leaving", 107), ("Broken", 129)])
def test_a_failure_names_the_line_of_the_module(folder: Path, name: str, line: int) -> None:
    with pytest.raises(InputError, match=f" at my_net.py:{line}: "):
        network(f"my_net.py:{name}", examples("moons"), folder=folder, allow_code=True)


def test_arguments_that_an_own_module_does_not_have(folder: Path) -> None:
    more = {"network": "my_net.py:Net", "data": "moons", "folder": folder, "allow_code": True}
    assert refusal(args="{widht: 3}", **more) == "objective.args.widht"
    assert refusal(args="{width: wide}", **more) == "objective.network"
    assert refusal(hidden="[3]", **more) == "objective.hidden"


def test_a_last_batch_of_one_that_normalisation_does_not_take(folder: Path) -> None:
    more = {"network": "my_net.py:Norm", "folder": folder, "allow_code": True}
    assert refusal(data="{name: moons, n: 41, test: 0}", batch_size=8, **more) == "objective.batch_size"
    assert refusal(data="moons", batch_size=1, **more) == "objective.batch_size"


# What may run


@pytest.mark.parametrize(
    ("name", "code", "code_if_allowed"),
    [
        ("my_net.py:Net", "not-allowed", None),
        ("my_net.Net", "not-allowed", None),
        ("code.py:Net", "not-allowed", "unsupported"),
        ("os.system", "not-allowed", "unsupported"),
        ("torch.hub.load", "not-allowed", "missing"),
        ("torch._utils.Net", "not-allowed", "unknown-name"),
        ("no_such_package.Net", "not-allowed", "not-installed"),
        ("torch.nn.Linaer", "not-allowed", "unknown-name"),
        ("torch.nn", "not-allowed", "wrong-type"),
        ("my_net.py", "invalid-value", "invalid-value"),
        ("my_net.py:", "invalid-value", "invalid-value"),
        ("../my_net.py:Net", "invalid-value", "invalid-value"),
        ("mpl", "unknown-name", "unknown-name"),
        ("transformer", "unknown-name", "unknown-name"),
    ],
)  # fmt: skip
def test_only_our_own_networks_run_unless_code_may(
    folder: Path, name: str, code: str, code_if_allowed: str | None
) -> None:
    for allow_code, expected in ((False, code), (True, code_if_allowed)):
        if expected is not None:
            with pytest.raises(InputError) as caught:
                network(name, examples("moons"), folder=folder, allow_code=allow_code)
            assert (caught.value.key, caught.value.code) == (("network",), expected)


# Mistakes in the YAML


MLP = {"network": "mlp", "data": "digits"}


@pytest.mark.parametrize(
    ("given", "key"),
    [
        ({"network": "mlp"}, "objective"),
        ({"network": "mlp", "data": "digit"}, "objective.data"),
        ({"network": "mlpp", "data": "moons", "hidden": "[8]"}, "objective.network"),
        ({"network": "mlp", "data": "cifar"}, "objective.data"),
        ({"network": "mlp", "data": "none.npz"}, "objective.data"),
        ({"network": "mlp", "data": "{name: digits, noise: 1}"}, "objective.data.noise"),
        ({"network": "mlp", "data": "{name: digits, n: 5000}"}, "objective.data.n"),
        ({"network": "mlp", "data": "{nam: digits}"}, "objective.data.nam"),
        ({"network": "mlp", "data": "{name: moons, n: 3, test: 0.9}"}, "objective.data.test"),
        ({**MLP, "activation": "rele"}, "objective.activation"),
        ({**MLP, "loss": "mse"}, "objective.loss"),
        ({"network": "mlp", "data": "regression", "loss": "cross_entropy"}, "objective.loss"),
        ({**MLP, "loss": "hubr"}, "objective.loss"),
        ({**MLP, "residual": "true", "hidden": "[3, 4]"}, "objective.residual"),
        ({**MLP, "channels": "[3]"}, "objective.channels"),
        ({**MLP, "args": "{x: 3}"}, "objective.args"),
        ({**MLP, "hidden": "[4000, 4000]"}, "objective.network"),
        ({"network": "cnn", "data": "moons"}, "objective.network"),
        ({**MLP, "hidden": "128"}, "objective.hidden"),
        ({**MLP, "layers": "[128]"}, "objective.layers"),
        ({**MLP, "seed": 3}, "objective.seed"),
        ({**MLP, "rest": "batch_size: 3"}, "batch_size"),
        ({"network": "torch.nn.Linear", "data": "moons", "args": "[2, 2]"}, "objective.args"),
        ({"network": "mlp", "data": "regression", "rest": "view: {panels: [accuracy]}"}, "view.panels.0"),
        ({**MLP, "rest": "view: {layers: lines}"}, "view.layers"),
        ({**MLP, "hiden": "[3]"}, "objective.hiden"),
        ({**MLP, "expression": "x"}, "objective"),
        ({**MLP, "class": 3}, "objective.class"),
        ({**MLP, "wrt": "input"}, "objective"),
        ({**MLP, "wrt": "input", "class": 10}, "objective.class"),
        ({**MLP, "wrt": "input", "class": 1, "record_every": 2}, "objective.record_every"),
        ({"expression": "x", "hidden": "[3]"}, "objective.hidden"),
        ({**MLP, "rest": "start: [0, 0]"}, "start"),
        ({**MLP, "steps": 300000}, "steps"),
        ({**MLP, "steps": 100000, "record_every": 1}, "steps"),
        ({"network": "mlp", "data": "moons", "rest": "view: {panels: [loss, saliency]}"}, "view.panels.1"),
        ({**MLP, "data": "{name: digits, test: 0}", "rest": "view: {panels: [saliency]}"}, "view.panels.0"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {image: 900}}"}, "view.saliency.image"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {class: 10}}"}, "view.saliency.class"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {method: gradcam}}"}, "view.saliency.method"),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_key(given: dict[str, Any], key: str) -> None:
    assert refusal(**given) == key


def test_the_name_of_a_network_is_no_objective() -> None:
    with pytest.raises(ConfigError) as caught:
        loads("{objective: mlp, steps: 1, optimizers: {SGD: }}")
    assert caught.value.key[0] == "objective"


def test_networks_and_functions_stand_side_by_side() -> None:
    text = "{objective: [{network: mlp, data: digits}, {network: cnn, data: digits}, himmelblau], steps: 1, optimizers: {SGD: }}"
    experiment = loads(text)
    assert experiment == loads(text)
    assert [spec.build().kind for spec in experiment.objectives] == ["network", "network", "function"]
    first = experiment.objectives[0]
    assert first.build() is first.build()


def test_what_is_known_without_torch_is_told_without_it(tmp_path: Path) -> None:
    (tmp_path / "net.yaml").write_text(
        "{objective: {network: mlp, data: digits, activation: rele}, steps: 1, optimizers: {SGD: }}"
    )
    script = """
        import sys, gdsim
        try:
            gdsim.load("net.yaml")
        except gdsim.ConfigError as error:
            print(error)
        sys.exit(bool({"torch", "sklearn", "matplotlib"} & {*sys.modules}))
    """
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(line[8:] for line in script.splitlines())],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "did you mean 'relu'?" in done.stdout


def test_digits_without_scikit_learn_say_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gdsim.networks.data.find_spec", lambda _: None)
    with pytest.raises(InputError) as caught:
        examples("digits")
    assert (caught.value.key, caught.value.code) == (("data", "name"), "not-installed")


def test_everything_that_is_listed_has_a_line_of_its_own() -> None:
    for listed in (NETWORKS, DATA):
        assert all(line and "\n" not in line for line in listed.values())
