from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import gdsim
from gdsim.errors import InputError
from gdsim.objectives import Objective, import_class, import_function, objective

BOUNDS = [[-2.0, 3.0], [-1.0, 2.5]]

BATCH = "written for batches"
POINT = "written for one point, vectorised"
LOOP = "written for one point, called for each"


def made(function: Any, dim: int = 2, bounds: Any = BOUNDS) -> Objective:
    return objective(function, dim=dim, bounds=bounds)


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(call: Callable[[], Any]) -> InputError:
    with pytest.raises(InputError) as caught:
        call()
    assert "\n" not in str(caught.value)
    assert caught.value.key
    return caught.value


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed packages, as pip leaves it."""
    packages = tmp_path / "lib" / "site-packages"
    metadata = "Metadata-Version: 2.1\nName: losses\nVersion: 1.0\nRequires-Dist: torch\n"
    write(packages, "losses-1.0.dist-info/METADATA", metadata)
    write(packages, "losses/__init__.py", "import os\n")
    shapes = "class Shapes:\n    @staticmethod\n    def bowl(p):\n        return (p**2).sum(-1)\n\nlevel = 3\n"
    write(packages, "losses/shapes.py", shapes)
    write(packages, "losses/broken.py", "import torch\n\nscale = 1 / 0\n")
    monkeypatch.syspath_prepend(str(packages))
    before = set(sys.modules)
    yield packages
    for name in set(sys.modules) - before:
        if name.partition(".")[0] == "losses":
            del sys.modules[name]


# Importing


def test_a_function_of_an_installed_package_is_imported(installed: Path) -> None:
    for reference in ("losses.shapes:Shapes.bowl", "losses.shapes.Shapes"):
        assert refusal(lambda reference=reference: import_function(reference)).code == "not-allowed"
    assert not any(name.startswith("losses") for name in sys.modules)
    function = import_function("losses.shapes:Shapes.bowl", allow_code=True)
    assert function(torch.tensor([3.0, 4.0])) == 25
    assert import_function("mpmath:cos", allow_code=True)(0) == 1


@pytest.mark.parametrize(
    ("reference", "code"),
    [
        ("my_loss", "invalid-value"),
        ("my_loss.py", "invalid-value"),
        ("my_loss.py.py:valley", "invalid-value"),
        ("", "invalid-value"),
        (":f", "invalid-value"),
        ("a:b:c", "invalid-value"),
        ("../evil:f", "invalid-value"),
        ("a/b:f", "invalid-value"),
        ("/evil:f", "invalid-value"),
        ("..evil:f", "invalid-value"),
        ("evil:f()", "invalid-value"),
        ("nowhere.py:f", "not-found"),
        ("torch.py:sum", "not-found"),
        ("a.nowhere.py:f", "not-found"),
        ("os:system", "unsupported"),
        ("os.path:join", "unsupported"),
        ("code.py:f", "unsupported"),
        ("losses:os", "wrong-type"),
        ("losses.shapes:level", "wrong-type"),
        ("losses.shapes:Shapes.bowk", "unknown-name"),
        ("losses.shape:bowl", "unknown-name"),
        ("losses.broken:f", "unreadable"),
        ("nowhere_at_all:f", "not-installed"),
    ],
)
def test_what_is_not_a_function_is_refused(installed: Path, tmp_path: Path, reference: str, code: str) -> None:
    call = partial(import_function, reference, folder=tmp_path)
    assert refusal(partial(call, allow_code=True)).code == code
    assert refusal(call).code == ("invalid-value" if code == "invalid-value" else "not-allowed")


SENTINEL = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\ndef valley(p): return (p**2).sum(-1)\n"


@pytest.mark.parametrize("file", ["evil_loss.py", "evil_loss/__init__.py", "evil_loss/inner.py"])
@pytest.mark.parametrize("searched", [True, False])
def test_nothing_beside_the_configuration_runs_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, searched: bool
) -> None:
    path = write(tmp_path, file, SENTINEL)
    monkeypatch.chdir(tmp_path)
    if searched:
        monkeypatch.syspath_prepend("")
    module = "evil_loss.inner" if "inner" in file else "evil_loss"
    for folder in (None, tmp_path, tmp_path / "elsewhere"):
        error = refusal(lambda folder=folder: import_function(f"{module}:valley", folder=folder))
        assert error.code == "not-allowed"
    assert not path.with_name("ran").exists()
    import_function(f"{module}:valley", folder=tmp_path, allow_code=True)
    assert path.with_name("ran").exists()


def test_an_allowed_file_leaves_no_trace_and_is_read_afresh(tmp_path: Path) -> None:
    write(tmp_path, "sibling_of_loss.py", "scale = 2")
    text = "from sibling_of_loss import scale\ndef valley(p): return scale * (p**2).sum(-1) + {}\n"
    before = (list(sys.path), list(sys.meta_path), set(sys.modules))
    values = []
    for constant in (1, 5):
        write(tmp_path, "fresh_loss.py", text.format(constant))
        function = import_function("fresh_loss:valley", folder=tmp_path, allow_code=True)
        assert function.__module__ == "fresh_loss"
        values.append(function(torch.tensor([3.0, 4.0])).item())
    assert values == [51, 55]
    assert (list(sys.path), list(sys.meta_path), set(sys.modules)) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fresh_loss.py", "sibling_of_loss.py"]


def test_a_package_beside_the_configuration_may_import_its_own(tmp_path: Path) -> None:
    write(tmp_path, "pack_of_losses/__init__.py", "")
    write(
        tmp_path, "pack_of_losses/inner.py", "from .scales import two\nfrom . import scales\nvalley = lambda p: two\n"
    )
    write(tmp_path, "pack_of_losses/scales.py", "two = 2")
    assert import_function("pack_of_losses.inner:valley", folder=tmp_path, allow_code=True)(0) == 2
    assert not [name for name in sys.modules if name.startswith("pack_of_losses")]


def test_a_file_beside_takes_precedence_over_an_installed_package_only_when_allowed(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    path = write(folder, "losses.py", SENTINEL)
    monkeypatch.chdir(folder)
    known = import_class("losses.shapes.Shapes", ("class",), folder=folder, allow_code=False)
    assert known.bowl(torch.tensor([3.0, 4.0])) == 25
    assert not path.with_name("ran").exists()
    known = sys.modules["losses"]
    assert import_function("losses:valley", folder=folder, allow_code=True).__name__ == "valley"
    assert path.with_name("ran").exists()
    assert sys.modules["losses"] is known


def test_a_configuration_never_runs_a_file_that_is_named_like_a_package(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(installed, "losses/optim.py", "import torch\n\nclass Plain(torch.optim.SGD):\n    pass\n")
    folder = tmp_path / "here"
    path = write(folder, "losses.py", SENTINEL)
    monkeypatch.chdir(folder)
    text = "objective: sphere\nsteps: 3\noptimizers: {Plain: {class: losses.optim.Plain, lr: 0.1}}"
    write(folder, "race.yaml", text)
    (trajectory,) = gdsim.simulate(gdsim.load(folder / "race.yaml"))
    assert trajectory.values[-1, 0] < trajectory.values[0, 0]
    assert not path.with_name("ran").exists()


def test_a_folder_of_pictures_hides_no_package(installed: Path, tmp_path: Path) -> None:
    write(tmp_path, "losses/plot.svg", "")
    assert import_function("losses.shapes:Shapes.bowl", folder=tmp_path, allow_code=True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = 1\ny = = 2\n", "at bad_loss.py:2: SyntaxError: invalid syntax"),
        ("import sys\n\nsys.exit('bye')\n", "at bad_loss.py:3: SystemExit: bye"),
        (
            "import nowhere_at_all\n",
            "at bad_loss.py:1: ModuleNotFoundError: No module named 'nowhere_at_all'; get it with: pip install nowhere",
        ),
        ("import nunpy\n", "at bad_loss.py:1: ModuleNotFoundError: No module named 'nunpy'; did you mean 'numpy'?"),
        ("def g():\n    raise ValueError('one\\ntwo')\ng()\n", "at bad_loss.py:2: ValueError: one"),
    ],
)
def test_an_exception_while_importing_has_its_line(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path, "bad_loss.py", text)
    assert words in str(refusal(lambda: import_function("bad_loss:f", folder=tmp_path, allow_code=True)))
    assert "bad_loss" not in sys.modules


def test_importing_needs_no_torch() -> None:
    code = "import sys, gdsim.objectives; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# Forms


def by_batch(p: Any) -> Any:
    return p[:, 0] ** 2 + p[:, 1] ** 4


def by_any(p: Any) -> Any:
    return p[..., 0] ** 2 + p[..., 1] ** 4


def by_index(p: Any) -> Any:
    return p[0] ** 2 + p[1] ** 4


def by_unpacking(p: Any) -> Any:
    x, y = p
    return x**2 + y**4


def by_coordinates(x: Any, y: Any) -> Any:
    return x**2 + y**4


def by_stacking(x: Any, y: Any) -> Any:
    return (torch.stack([x, y**2]) ** 2).sum()


def by_branch(p: Any) -> Any:
    return p[0] * p[0] + p[1] ** 4 if p[0] > 0 else p[1] ** 4 + p[0] ** 2


def by_coordinate_branch(x: Any, y: Any) -> Any:
    if x.item() > 0.5:
        return y**4 + x * x
    return x**2 + y**4


def by_filling(p: Any) -> Any:
    total = torch.zeros((), dtype=torch.float64)
    total += p[0] ** 2
    total += p[1] ** 4
    return total


def by_single_row(p: Any) -> Any:
    ((x, y),) = p
    return (x**2 + y**4).reshape(1)


def with_setting(p: Any, power: int = 4) -> Any:
    return p[0] ** 2 + p[1] ** power


def by_any_number(*coordinates: Any) -> Any:
    x, y = coordinates
    return x**2 + y**4


class Network(torch.nn.Module):
    def forward(self, p: Any) -> Any:
        return p[..., 0] ** 2 + p[..., 1] ** 4


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (by_batch, BATCH),
        (by_any, BATCH),
        (by_coordinates, BATCH),
        (by_any_number, BATCH),
        (Network(), BATCH),
        (by_index, POINT),
        (by_unpacking, POINT),
        (by_stacking, POINT),
        (with_setting, POINT),
        (by_branch, LOOP),
        (by_coordinate_branch, LOOP),
        (by_filling, LOOP),
        (by_single_row, LOOP),
        (lambda p: by_index(p), POINT),
    ],
)
def test_each_form_is_recognised_and_gives_the_function(function: Any, form: str) -> None:
    found = made(function)
    f = found.f
    assert found.source == form
    points = torch.linspace(-1.9, 2.4, 24, dtype=torch.float64).reshape(3, 4, 2).requires_grad_()
    values = f(points)
    (gradients,) = torch.autograd.grad(values.sum(), points)
    x, y = points.detach().numpy().reshape(-1, 2).T
    assert values.shape == (3, 4)
    assert values.dtype == torch.float64
    np.testing.assert_allclose(values.detach().numpy().ravel(), x**2 + y**4, rtol=1e-14)
    np.testing.assert_allclose(gradients.numpy().reshape(-1, 2), np.stack([2 * x, 4 * y**3], 1), rtol=1e-14)
    with torch.no_grad():
        assert torch.equal(f(points), values)
        assert f(points[0, 0]).shape == ()
        assert f(points[:0]).shape == (0, 4)


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (lambda x: x**2 + x, BATCH),
        (lambda p: p[0] ** 2 + p[0], POINT),
        (lambda p: p[:, 0] ** 2 + p[:, 0], BATCH),
        (lambda x: x**2 + x if x > 0 else x * x + x, LOOP),
    ],
)
def test_one_dimension_is_a_point_or_a_number(function: Any, form: str) -> None:
    found = made(function, 1, [[-1, 2]])
    assert found.source == form
    assert found.f(torch.tensor([[3.0], [0.5]], dtype=torch.float64)).tolist() == [12, 0.75]


def test_as_many_points_as_coordinates_mislead_nobody() -> None:
    for dim in (2, 7, 32):
        found = made(by_index, dim, [[-2, 3]] * dim)
        points = torch.rand(dim, dim, dtype=torch.float64)
        assert found.source == POINT
        assert torch.equal(found.f(points), torch.stack([by_index(point) for point in points]))


@pytest.mark.parametrize("function", [by_coordinates, lambda p: (p**4).sum(-1), lambda p: p[0] ** 3.7 + p[1].exp()])
@given(keep=st.lists(st.integers(0, 199), min_size=1, max_size=50))
@settings(max_examples=15, deadline=None)
def test_a_point_has_the_same_bits_in_any_batch(function: Any, keep: list[int]) -> None:
    found = made(function, 2, [[0.1, 3], [0.1, 3]])
    f = found.f
    points = torch.rand(200, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)) * 3
    assert found.source != LOOP
    whole, part = points.clone().requires_grad_(), points[keep].requires_grad_()
    values, same = f(whole), f(part)
    (gradients,), (alike,) = torch.autograd.grad(values.sum(), whole), torch.autograd.grad(same.sum(), part)
    assert torch.equal(values[keep], same)
    assert torch.equal(gradients[keep], alike)


def test_points_that_fill_a_batch_up_add_nothing_to_a_gradient() -> None:
    f = made(lambda p: p.abs().sqrt().sum(-1)).f
    points = torch.tensor([[1.0, 4.0], [4.0, 0.25]], dtype=torch.float64, requires_grad=True)
    (gradients,) = torch.autograd.grad(f(points).sum(), points)
    assert gradients.tolist() == [[0.5, 0.25], [0.25, 1.0]]


def test_a_function_that_mixes_the_points_of_a_batch_is_called_for_each() -> None:
    found = made(lambda p: (p**2).sum(-1) / p.abs().max())
    assert found.source == POINT
    assert found.f(torch.tensor([[3.0, 4.0], [6.0, 8.0]], dtype=torch.float64)).tolist() == [6.25, 12.5]


def test_a_branch_may_return_a_number() -> None:
    found = made(lambda p: (p**2).sum() if p[0] > 0 else 4.0)
    points = torch.tensor([[-1.0, 4.0], [-3.0, 1.0]], dtype=torch.float64, requires_grad=True)
    values = found.f(points)
    assert found.source == LOOP
    assert values.tolist() == [4, 4]
    assert not torch.autograd.grad(values.sum(), points)[0].any()


@pytest.mark.parametrize(
    "function", [lambda p: (p.float() ** 2).sum(-1), lambda p: p[0].float() ** 2 + p[1].float().sin()]
)
def test_single_precision_is_cast_and_noted(function: Any) -> None:
    found = made(function)
    assert found.f(torch.zeros(3, 2, dtype=torch.float64)).dtype == torch.float64
    assert "float32" in found.source


@pytest.mark.parametrize(
    "function",
    [
        lambda p: p.abs().sum() + torch.relu(p[0]),
        lambda p: torch.where(p[0] > 0, p[0] ** 2, 3 - p[1]),
        lambda p: (200 * p).cos().sum() + p.round().sum(),
        lambda p: 1e12 + (p**2).sum(),
        lambda p: 1e-12 * (p**2).sum(),
        lambda p: 1e5 * (p[1] - p[0] ** 2) ** 2 + (1 - p[0]) ** 2,
        lambda p: p[0].log() + p[1] ** 2,
        lambda p: torch.linalg.norm(p),
        lambda p: torch.tanh(1e3 * p[0]) + p[1],
    ],
)
def test_a_true_gradient_is_never_refused(function: Any) -> None:
    assert np.isfinite(made(function).values([[1.0, 1.5], [0.5, 2.0]])).all()


def test_the_trial_leaves_random_numbers_and_points_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)

    def overwriting(p: Any) -> Any:
        p *= 2
        return (p**2).sum()

    found = made(overwriting)
    points = torch.ones(4, 2, dtype=torch.float64)
    assert found.f(points).tolist() == [8] * 4
    assert points.eq(1).all()
    assert torch.equal(torch.rand(2), expected)


# Refusals


def sine_of_math(p: Any) -> Any:
    return math.sin(p[0]) + p[1] ** 2


def sine_of_numpy(p: Any) -> Any:
    return np.sin(p[0]) + p[1] ** 2


def all_of_math(p: Any) -> Any:
    return math.sin(p[0])


def without_gradient(p: Any) -> Any:
    with torch.no_grad():
        return (p**2).sum()


def detached(p: Any) -> Any:
    return (p.detach() ** 2).sum()


def through_item(p: Any) -> Any:
    return p[0] ** 2 + p[1].item()


def rebuilt(p: Any) -> Any:
    return (torch.tensor([p[0], p[1]]) ** 2).sum()


def small_part(p: Any) -> Any:
    return 100 * (p[1] - p[0] ** 2) ** 2 + math.pow(1 - p[0], 2)


def failing(p: Any) -> Any:
    raise KeyError("level")


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (sine_of_math, "autograd gives the slope"),
        (sine_of_numpy, "NumPy has no gradients"),
        (all_of_math, "no gradient: it returns a float"),
        (without_gradient, "no gradient: it returns a tensor without one"),
        (detached, "no gradient: it returns a tensor without one"),
        (through_item, "autograd gives the slope"),
        (rebuilt, "no gradient"),
        (lambda p: p[0] // 1 + p[1], "cannot be differentiated"),
        (small_part, "autograd gives the slope"),
        (lambda _: 3.0, "the function has no gradient: it returns a float"),
        (lambda p: p, "shape (2,)"),
        (lambda p: (p**2).sum().reshape(1, 1), "shape (1, 1)"),
        (lambda _: None, "returns nothing"),
        (lambda _: "high", "returns a str"),
        (lambda p: p[0] + 1j * p[1], "complex"),
        (lambda p: (p[0] > 0).int(), "integer"),
        (lambda p: (p - 9).log().sum(), "NaN or infinite at all of 7 points"),
        (lambda p: (p * 0).sqrt().sum(), "has a gradient that is NaN or infinite"),
        (lambda p: (p + torch.rand(2)).sum(), "different values"),
        (lambda p: torch.ones(2, 2) @ p, "points are float64"),
        (lambda p: p[:, 0] ** 2 + p[:, 2], "given a batch, the function fails at test_imported.py"),
        (failing, f"failing fails at test_imported.py:{failing.__code__.co_firstlineno + 1}: KeyError: 'level'"),
        (lambda x, y, z: x + y + z, "must take one argument, the point, or 2, its coordinates; it takes 3"),
        (lambda p, *, k: k * p, "missing 1 required keyword-only argument: 'k'"),
    ],
)
def test_what_cannot_be_descended_is_refused_in_one_line(function: Any, words: str) -> None:
    error = refusal(lambda: made(function))
    assert words in str(error)
    assert error.key == ("python",)


def test_an_exception_later_has_its_line_too(tmp_path: Path) -> None:
    text = "def valley(x, y):\n    assert abs(x) < 10, 'too far'\n    return x**2 + y**2\n"
    write(tmp_path, "narrow_loss.py", text)
    function = import_function("narrow_loss:valley", folder=tmp_path, allow_code=True)
    found = made(function)
    assert found.source == LOOP
    error = refusal(lambda: found.f(torch.full((2,), 20.0, dtype=torch.float64)))
    assert error.message == "valley fails at narrow_loss.py:2: AssertionError: too far"


def leaving(_: torch.Tensor) -> torch.Tensor:
    raise SystemExit("gone")


def test_a_function_that_exits_fails() -> None:
    message = str(refusal(lambda: made(leaving)))
    assert "leaving fails at test_imported.py" in message
    assert message.endswith("SystemExit: gone")


def test_a_file_that_is_called_like_a_tool_is_none(tmp_path: Path) -> None:
    write(tmp_path, "wheel.py", "def turn(x, y):\n    return x * y\n")
    assert import_function("wheel:turn", folder=tmp_path, allow_code=True)(2, 3) == 6


# Dimensions


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (by_coordinates, 2),
        (lambda x, y, z: x + y + z, 3),
        (by_unpacking, 2),
        (by_index, 2),
        (by_batch, 2),
        (lambda p: p[0] * p[2], 3),
        (lambda x: x**2, 1),
    ],
)
def test_the_number_of_coordinates_is_read_off_where_it_can_be(function: Any, expected: int) -> None:
    assert objective(function).dim == expected


@pytest.mark.parametrize("function", [lambda p: (p**2).sum(-1), lambda p: p[0] ** 2, failing, lambda *x: sum(x)])
def test_the_number_of_coordinates_is_asked_for_where_it_cannot(function: Any) -> None:
    error = refusal(lambda: objective(function))
    assert (error.key, error.code) == (("dim",), "missing")
