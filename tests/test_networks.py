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
from gdsim.networks import ACTIVATIONS, DATA, LOSSES, NETWORKS, Network, examples, layer_of, network

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
    """Return the only line that an objective gets, without its file and column."""
    more = {key: objective.pop(key) for key in ("folder", "allow_code") if key in objective}
    steps, rest = objective.pop("steps", 5), objective.pop("rest", "")
    written = ", ".join(f"{key}: {value}" for key, value in objective.items())
    text = f"objective: {{{written}}}\nsteps: {steps}\noptimizers: {{SGD: }}\n{rest}"
    with pytest.raises(ConfigError) as caught:
        loads(text, file="net.yaml", **more)
    (line,) = map(str, caught.value.problems)
    return line.partition(": ")[2]


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
        with pytest.raises(InputError, match="at least 2 are needed"):
            examples(name, n=n, test=test, seed=seed)
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
    with pytest.raises(InputError, match="brings its own x_test and y_test"):
        examples("faces.npz", test=0.1, folder=tmp_path)


def test_a_file_of_numbers_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "line.npz", x=np.arange(8.0)[:, None], y=np.arange(8.0))
    found = examples(str(path), test=0)
    assert (found.classes, found.outputs, found.image, found.y.shape) == (None, 1, None, (8, 1))
    assert np.array_equal(found.y, found.x)
    assert network("mlp", found).loss_name == "mse"


def test_classes_that_were_saved_as_floating_numbers_are_told(tmp_path: Path) -> None:
    path = str(write(tmp_path / "kinds.npz", x=np.zeros((9, 2)), y=np.arange(9.0) % 3))
    (remark,) = network("mlp", examples(path)).remarks
    assert remark.startswith("kinds: y holds whole numbers as floating ones")
    assert not network("mlp", examples("regression")).remarks


def test_what_may_surprise_about_data_is_told(tmp_path: Path) -> None:
    (remark,) = network("mlp", examples("digits"), batch_size=64).remarks
    assert remark == (
        "digits: the last mini-batch of an epoch has 4 of 64 examples, and a gradient as noisy as that; another "
        "batch_size, or test: of data, divides the 1,348 better."
    )
    assert not network("mlp", examples("digits", test=0.2), batch_size=64).remarks
    assert not network("mlp", examples("digits"), batch_size=2000).remarks
    path = str(write(tmp_path / "bytes.npz", x=np.arange(18).reshape(9, 2) % 2 * 255, y=np.arange(9) % 3))
    (remark,) = network("mlp", examples(path)).remarks
    assert remark == "bytes: x goes from 0 to 255; networks learn best from about 0 to 1."


def test_more_numbers_than_memory_has_room_for_are_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdsim.networks.data_files.MOST_NUMBERS", 17)
    path = write(tmp_path / "many.npz", x=np.zeros((6, 2), dtype=np.uint8), y=Y)
    with pytest.raises(InputError, match="it holds 18 numbers; at most 17 are taken"):
        examples(str(path))


X, Y = np.zeros((6, 2)), np.array([0, 1, 0, 1, 0, 1])


@pytest.mark.parametrize(
    ("arrays", "line"),
    [
        ({"x": X}, "it holds no array 'y', and needs x and y; found: x"),
        ({"x": X, "y": Y, "x_test": X}, "it holds no array 'y_test', and needs x, y, x_test and y_test; found: x, x_test, y"),
        ({"x": X, "y": Y[:4]}, "x has 6 examples and y 4: shapes (6, 2) and (4,)"),
        ({"x": X[:, 0], "y": Y}, "x has the shape (6,); for one number an example write x[:, None]"),
        ({"x": X[..., None, None, None], "y": Y}, "x must have the shape (n, inputs), (n, rows, columns) or (n, channels, rows, columns), not (6, 2, 1, 1, 1)"),
        ({"x": X[:, :0], "y": Y}, "x must have the shape (n, inputs), (n, rows, columns) or (n, channels, rows, columns), not (6, 0)"),
        ({"x": X[:1], "y": Y[:1]}, "x has the shape (1, 2), and at least 2 examples to train on are needed"),
        ({"x": X[:0], "y": Y[:0]}, "x has the shape (0, 2), and at least 2 examples to train on are needed"),
        ({"x": np.zeros((6, 8, 8, 3)), "y": Y}, "x has the shape (6, 8, 8, 3), and channels come before rows and columns: write x.transpose(0, 3, 1, 2)"),
        ({"x": X, "y": Y[:, None]}, "y has the shape (6, 1), and must have (n,) for classes; numbers must be floating"),
        ({"x": X, "y": np.zeros((6, 1, 1))}, "y has the shape (6, 1, 1), and must have (n,) or (n, outputs)"),
        ({"x": X + np.array([np.nan, 0]), "y": Y}, "x holds what is not finite in float32, first in example 0"),
        ({"x": X + 1e39, "y": Y}, "x holds what is not finite in float32, first in example 0"),
        ({"x": X, "y": np.array([0, 1, 2, 3, 4, np.inf])}, "y holds what is not finite in float32, first in example 5"),
        ({"x": X, "y": Y - 1}, "the label -1 of y, example 0, is out of range: classes go from 0 to 0 in y"),
        ({"x": X, "y": Y + 1}, "labels of y go from 1 to 2, and are counted from 0; write y - 1"),
        ({"x": X, "y": Y * 0}, "all labels of y are 0, and at least two classes are needed"),
        ({"x": X, "y": Y * 5000}, "the label 5000 of y, example 1, is out of range: at most 1000 are taken"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y + 1}, "the label 2 of y_test, example 1, is out of range: classes go from 0 to 1 in y"),
        ({"x": X, "y": Y, "x_test": X[:, :1], "y_test": Y}, "x has the shape (6, 2) and x_test (6, 1), which do not fit"),
        ({"x": X, "y": Y, "x_test": X, "y_test": Y * 1.0}, "one of y and y_test holds whole numbers, for classes, and the other floating ones"),
        ({"x": X.astype(complex), "y": Y}, "x holds no real numbers but complex128"),
        ({"x": X, "y": np.array(list("ababab"))}, "y holds no real numbers but <U1; for classes of those names write np.unique(y, return_inverse=True)[1]"),
        ({"x": X, "y": np.array([None] * 6)}, "'y' holds Python objects, which are never unpacked"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_learnt_gets_one_line(tmp_path: Path, arrays: dict[str, Any], line: str) -> None:
    path = write(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(InputError) as caught:
        examples("wrong.npz", folder=tmp_path)
    assert str(caught.value) == f"{path}: {line}"
    assert caught.value.key == ("data",)


def test_what_is_no_file_of_arrays_gets_one_line(tmp_path: Path) -> None:
    write(tmp_path / "here.npz", x=X, y=Y)
    with pytest.raises(InputError, match="no such file; did you mean 'here"):
        examples("hear.npz", folder=tmp_path)
    (tmp_path / "dead.npz").symlink_to("nowhere")
    with pytest.raises(InputError, match=r"dead.npz: is no file, nor a link to one$"):
        examples("dead.npz", folder=tmp_path)
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(InputError, match="it is no "):
        examples("text.npz", folder=tmp_path)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 9), }"
        header += b" " * (-(len(header) + 11) % 64) + b"\n"
        for name in ("x.npy", "y.npy"):
            archive.writestr(name, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64))
    with pytest.raises(InputError, match="declares"):
        examples("bomb.npz", folder=tmp_path)


# Modules


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
    assert found.layers() == ("hidden1", "hidden2", "output")
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
    assert found.layers() == ("conv1", "conv2", "hidden1", "output")
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
    objective = found.objective()
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
        assert (found.weights, found.layers(), found.remarks) == (17, ("inner", "outer"), ())
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(0)
    theirs = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 2))
    assert same(found.module(0).parameters(), theirs.parameters())


def test_a_class_of_an_installed_package_is_trained() -> None:
    found = network("torch.nn.Linear", examples("moons"), args={"in_features": 2, "out_features": 2})
    assert (found.name, found.weights, found.layers()) == ("Linear", 6, ("weight", "bias"))


def test_normalisation_keeps_no_statistics_and_says_so(folder: Path) -> None:
    found = own("my_net.py:Norm", folder)
    module = found.module(0)
    assert not list(module.buffers())
    x = torch.from_numpy(found.data.x)
    assert torch.equal(module(x), module.eval()(x))
    (remark,) = found.remarks
    assert "statistics of the batch" in remark
    assert own("my_net.py:Each", folder).remarks == ()


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("Narrow", "Narrow does not take a batch of moons, x of the shape (2, 2) at my_net.py:13: RuntimeError: mat1 and mat2 shapes cannot be multiplied (2x2 and 3x4)"),
        ("Wide", "Wide gives (2, 7) for x of the shape (2, 2), and must give (2, 2): a score a class"),
        ("Twice", "Twice returns tuple, and must return a tensor (2, 2)"),
        ("Apart", "Apart gives outputs that do not follow from its weights in float32"),
        ("Unused", "Unused has the weights 'spare.weight', which take no part in its outputs"),
        ("Frozen", "Frozen has the frozen weights 'inner.weight'; all must be trained (requires_grad)"),
        ("Fine", "Fine has the weights 'inner.weight' in float64, and float32 is what is trained"),
        ("Counting", "Counting changes 'seen' in training, which is no weight and lies on no plane"),
        ("Restless", "Restless gives other outputs each time in eval mode, for the same weights and inputs"),
        ("Huge", "it has 5,000,002 weights; at most 2,000,000 are trained, whose whole path is kept"),
        ("Shifting", "Shifting changes the x that it is given, as x -= 1 and ReLU(inplace=True) do; write x = x - 1"),
        ("Crowded", "Crowded fails in eval mode with 375 examples at once at my_net.py:95: ValueError: too many"),
        ("Softening", "Softening gives (375, 1) for 375 examples in eval mode, and must give (375, 2)"),
        ("Leaving", "Leaving does not take a batch of moons, x of the shape (2, 2) at my_net.py:107: SystemExit: 0"),
        ("built", "built is a module already; name its class, Identity, or a function that returns a new one"),
        ("Empty", "Empty has no weights to train"),
        ("Broken", "Broken cannot be built at my_net.py:129: ValueError: no such thing"),
        ("Plain", "Plain is a class, but no nn.Module; it must be a subclass of torch.nn.Module"),
        ("made", "made needs the argument 'width': args: {width: …}"),
        ("three", "three returns no nn.Module, but int"),
        ("lazy", "lazy has the lazy weights 'weight', of no size before its first batch"),
        ("Nett", "'my_net' has no 'Nett'; did you mean 'Net'?"),
    ],
)  # fmt: skip
def test_a_module_that_cannot_be_trained_gets_one_line(folder: Path, name: str, line: str) -> None:
    assert (
        refusal(network=f"my_net.py:{name}", data="moons", folder=folder, allow_code=True)
        == f"objective.network: {line}"
    )


def test_arguments_that_an_own_module_does_not_have(folder: Path) -> None:
    more = {"network": "my_net.py:Net", "data": "moons", "folder": folder, "allow_code": True}
    assert (
        refusal(args="{widht: 3}", **more) == "objective.args.widht: Net has no argument 'widht'; did you mean 'width'?"
    )
    assert refusal(args="{width: wide}", **more).startswith(
        "objective.network: Net cannot be built at my_net.py:9: TypeError: "
    )
    assert (
        refusal(hidden="[3]", **more)
        == "objective.hidden: hidden goes with mlp or cnn; what a module of one's own takes goes into args"
    )


def test_a_last_batch_of_one_that_normalisation_does_not_take(folder: Path) -> None:
    more = {"network": "my_net.py:Norm", "folder": folder, "allow_code": True}
    line = refusal(data="{name: moons, n: 41, test: 0}", batch_size=8, **more)
    assert line.startswith(
        "objective.batch_size: of 41 examples the last mini-batch has one example, which Norm does not take"
    )
    assert refusal(data="moons", batch_size=1, **more).startswith("objective.batch_size: each mini-batch has one")


# What may run


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("my_net.py:Net", "its code runs only under --allow-code"),
        ("my_net.Net", "its code runs only under --allow-code"),
        ("code.py:Net", "'code.py:Net' belongs to Python itself; rename code.py"),
        ("os.system", "'os.system' belongs to Python itself"),
        ("subprocess:run", "belongs to Python itself"),
        ("torch.load", "it runs only under --allow-code"),
        ("torch.hub.load", "it runs only under --allow-code"),
        # It declares that it returns a module, and runs a text among its arguments.
        ("torch.fx.graph_module.reduce_graph_module", "it runs only under --allow-code"),
        ("numpy.loadtxt", "it runs only under --allow-code"),
        ("torch._utils.Net", "'_utils' is private to its package"),
        ("gdsim.cli.main", "'gdsim' is a tool"),
        ("no_such_package.Net", "no module 'no_such_package' is installed"),
        ("torch.nn.Linaer", "'torch.nn' has no 'Linaer'; did you mean 'Linear'?"),
        ("torch.nn", "'nn' in 'torch.nn' is a module"),
        ("my_net.py", "must name a class of the file, as in 'my_net.py:Net'"),
        ("my_net.py:", "must be 'file.py:Class', as in 'my_net.py:Net', not 'my_net.py:'"),
        ("../my_net.py:Net", "must be 'file.py:Class'"),
        ("mpl", "there is no network 'mpl'; did you mean 'mlp'?"),
        ("transformer", "there is no network 'transformer'; there are mlp and cnn, nn.Modules by their dotted names, and my_net.py:Net"),
    ],
)  # fmt: skip
def test_no_code_runs_that_may_not(folder: Path, name: str, words: str) -> None:
    line = refusal(network=f'"{name}"', data="moons", args="{f: evil}", folder=folder)
    assert line.startswith("objective.network: ")
    assert words in line


def test_a_function_of_a_package_runs_only_if_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "lib" / "site-packages"
    package.mkdir(parents=True)
    text = "from torch import nn\n\ndef small() -> nn.Linear:\n    return nn.Linear(2, 2)\n\ndef secret():\n    raise SystemExit\n"
    (package / "zoo_of_nets.py").write_text(text)
    monkeypatch.syspath_prepend(str(package))
    assert network("zoo_of_nets.small", examples("moons"), allow_code=True).title == "small on moons"
    for name in ("small", "secret"):
        assert "only under --allow-code" in refusal(network=f"zoo_of_nets.{name}", data="moons")
    del sys.modules["zoo_of_nets"]


# Mistakes in the YAML


MLP = {"network": "mlp", "data": "digits"}


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"network": "mlp"}, "objective: needs data: digits, moons, spirals, regression, or the path of an .npz file with x and y"),
        ({"network": "mlp", "data": "digit"}, "objective.data: there is no data 'digit'; did you mean 'digits'?"),
        ({"network": "mlpp", "data": "moons", "hidden": "[8]"}, "objective.network: there is no network 'mlpp'; did you mean 'mlp'?"),
        ({"network": "mlp", "data": "cifar"}, "objective.data: there is no data 'cifar'; there are digits, moons, spirals, regression, or the path of an .npz file"),
        ({"network": "mlp", "data": "none.npz"}, "objective.data: none.npz: no such file"),
        ({"network": "mlp", "data": "{name: digits, noise: 1}"}, "objective.data.noise: noise goes with what is generated: moons, spirals, regression"),
        ({"network": "mlp", "data": "{name: digits, n: 5000}"}, "objective.data.n: digits has 1,797 examples, not 5,000"),
        ({"network": "mlp", "data": "{nam: digits}"}, "objective.data: unknown key 'nam'; did you mean 'name'?"),
        ({"network": "mlp", "data": "{name: moons, n: 3, test: 0.9}"}, "objective.data.test: leaves 0 of 3 examples to train on; at least 2 are needed"),
        ({**MLP, "activation": "rele"}, "objective.activation: there is no activation 'rele'; did you mean 'relu'?"),
        ({**MLP, "loss": "mse"}, "objective.loss: mse takes numbers, and y of digits holds classes; take cross_entropy"),
        ({"network": "mlp", "data": "regression", "loss": "cross_entropy"}, "objective.loss: cross_entropy takes classes, and y of regression holds numbers; take mse or l1 or huber"),
        ({**MLP, "loss": "hubr"}, "objective.loss: there is no loss 'hubr'; did you mean 'huber'?"),
        ({**MLP, "residual": "true", "hidden": "[3, 4]"}, "objective.residual: needs two or more hidden layers of one width, which can add their input, not [3, 4]"),
        ({**MLP, "channels": "[3]"}, "objective.channels: channels goes with cnn"),
        ({**MLP, "args": "{x: 3}"}, "objective.args: args goes with a module of one's own"),
        ({**MLP, "hidden": "[4000, 4000]"}, "objective.network: it has 16,304,010 weights; at most 2,000,000 are trained, whose whole path is kept"),
        ({"network": "cnn", "data": "moons"}, "objective.network: cnn needs images, x of the shape (n, channels, rows, columns); moons has (375, 2)"),
        ({**MLP, "hidden": "128"}, "objective.hidden: must be a list of items, each a whole number from 1 to 4096, not 128; write [128]"),
        ({**MLP, "layers": "[128]"}, "objective: unknown key 'layers'; did you mean 'hidden'?"),
        ({**MLP, "seed": 3}, "objective: unknown key 'seed'; it belongs at the top, beside objective"),
        ({**MLP, "rest": "batch_size: 3"}, "unknown key 'batch_size'; it belongs below objective"),
        ({"network": "torch.nn.Linear", "data": "moons", "args": "[2, 2]"}, "objective.args: must be a mapping, not [2, 2]"),
        ({"network": "mlp", "data": "regression", "rest": "view: {panels: [accuracy]}"}, "view.panels.0: accuracy goes with classes, and y of regression holds numbers"),
        ({**MLP, "rest": "view: {layers: lines}"}, "view.layers: goes with panels: [layers] or [weights]"),
        ({**MLP, "hiden": "[3]"}, "objective: unknown key 'hiden'; did you mean 'hidden'?"),
        ({**MLP, "expression": "x"}, "objective: must have one of name, expression, samples, python, network, not 'expression' and 'network'"),
        ({**MLP, "class": 3}, "objective: 'class' goes with wrt: input"),
        ({**MLP, "wrt": "input"}, "objective: needs the class whose score is to rise, as in {wrt: input, class: 3}"),
        ({**MLP, "wrt": "input", "class": 10}, "objective.class: there is no class 10; the classes of digits are 0 to 9"),
        ({**MLP, "wrt": "input", "class": 1, "record_every": 2}, "objective: record_every goes with the weights; with wrt: input they stand still"),
        ({"expression": "x", "hidden": "[3]"}, "objective: 'hidden' goes with network"),
        ({**MLP, "rest": "start: [0, 0]"}, "start: is for functions; a network starts from the weights that the seed gives it: leave start away"),
        ({**MLP, "steps": 300000}, "steps: at most 200000 are allowed with 1 optimizer: a network's steps take long"),
        ({**MLP, "steps": 100000, "record_every": 1}, "steps: of MLP 64–128–10 on digits, record_every: 1 keeps more than 1,024 MiB of weights; 4 would do"),
        ({"network": "mlp", "data": "moons", "rest": "view: {panels: [loss, saliency]}"}, "view.panels.1: saliency goes with images in classes, and moons has no images; digits has, and an .npz file whose x is (n, channels, rows, columns) and whose y holds whole numbers"),
        ({**MLP, "data": "{name: digits, test: 0}", "rest": "view: {panels: [saliency]}"}, "view.panels.0: the data digits has no images to test with: give it a share, as in test: 0.25"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {image: 900}}"}, "view.saliency.image: there is no image 900; the test images of digits are 0 to 448"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {class: 10}}"}, "view.saliency.class: there is no class 10; the classes of digits are 0 to 9"),
        ({**MLP, "rest": "view: {panels: [saliency], saliency: {method: gradcam}}"}, "view.saliency.method: gradcam looks at the last convolution, and an mlp has none; cnn has"),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_line(given: dict[str, Any], line: str, tmp_path: Path) -> None:
    assert refusal(**given) == line


def test_the_name_of_a_network_is_no_objective() -> None:
    with pytest.raises(ConfigError, match=r"for a network write \{network: mlp, data: digits\}"):
        loads("{objective: mlp, steps: 1, optimizers: {SGD: }}")


def test_networks_and_functions_stand_side_by_side() -> None:
    text = "{objective: [{network: mlp, data: digits}, {network: cnn, data: digits}, himmelblau], steps: 1, optimizers: {SGD: }}"
    experiment = loads(text)
    assert experiment == loads(text)
    assert [spec.to_train() and spec.to_train().name for spec in experiment.objectives] == ["mlp", "cnn", None]
    first = experiment.objectives[0]
    assert first.build() is first.build()
    assert first.to_train() is first.to_train()


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
    monkeypatch.setattr("gdsim.networks.data.find", lambda _: None)
    assert refusal(**MLP) == "objective.data: digits needs scikit-learn: pip install 'gdsim[networks]'"


def test_everything_that_is_listed_has_a_line_of_its_own() -> None:
    for listed in (NETWORKS, DATA):
        assert all(line and "\n" not in line for line in listed.values())
