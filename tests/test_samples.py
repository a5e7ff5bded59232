from __future__ import annotations

import io
import math
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.interpolate import CubicSpline, RectBivariateSpline
from torch import Tensor

from gdsim.errors import InputError
from gdsim.objectives import Samples, inside
from gdsim.objectives.interpolation import interpolate
from gdsim.objectives.samples import read_samples

Interpolant = Callable[[Tensor], Tensor]

FINITE: list[dict[str, Any]] = [
    {"gradient": "finite_differences"},
    {"gradient": "finite_differences", "edge_order": 2},
]
EVERY_GRADIENT: list[dict[str, Any]] = [{}, *FINITE]


def with_gradient(f: Interpolant, points: npt.ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    inputs = torch.tensor(np.array(points, dtype=np.float64, order="C"), requires_grad=True)
    values = f(inputs)
    (gradients,) = torch.autograd.grad(values.sum(), inputs)
    return values.detach().numpy(), gradients.numpy()


def uneven(rng: np.random.Generator, count: int, *, spread: float = 4.0) -> np.ndarray:
    return np.cumsum(rng.uniform(1, spread, count)) / count - 2


def waves(count: int = 50) -> Samples:
    along = np.linspace(0, 2 * np.pi, count)
    return Samples(np.sin(along)[:, None] * np.cos(along), (along, along))


def lattice(count: int) -> np.ndarray:
    along = np.linspace(0, 2 * np.pi, count)
    return np.stack(np.meshgrid(along, along, indexing="ij"), -1)


def wave_errors(f: Interpolant) -> tuple[np.ndarray, np.ndarray]:
    points = lattice(393)  # eight places a cell, the samples' own among them
    values, gradients = with_gradient(f, points)
    x, y = np.moveaxis(points, -1, 0)
    exact = np.stack((np.cos(x) * np.cos(y), -np.sin(x) * np.sin(y)), -1)
    return np.abs(values - np.sin(x) * np.cos(y)), np.linalg.norm(gradients - exact, axis=-1)


# The function


def test_autograd_finds_the_gradient_of_sampled_waves() -> None:
    values, gradients = wave_errors(interpolate(waves()))
    assert values.max() < 1e-5
    assert gradients.max() < 1e-3
    assert gradients.mean() < 1e-4


@pytest.mark.parametrize(("edge_order", "limit"), [(1, 6.5e-2), (2, 6e-3)])
def test_finite_differences_find_it_as_well_as_they_can(edge_order: int, limit: float) -> None:
    f = interpolate(waves(), gradient="finite_differences", edge_order=edge_order)
    values, gradients = wave_errors(f)
    assert values.max() < 1e-5
    # The error at the edge is that of the difference itself: h / 2 or h² / 3, with h = 2π / 49.
    assert limit / 2 < gradients.max() < limit
    assert gradients[16:-16, 16:-16].max() < 3e-3


@pytest.mark.parametrize("kind", EVERY_GRADIENT)
def test_a_finer_grid_is_nearer_to_the_truth(kind: dict[str, Any]) -> None:
    coarse, fine = (wave_errors(interpolate(waves(count), **kind))[1].mean() for count in (25, 99))
    assert fine < coarse / 10


@pytest.mark.parametrize("shape", [(4,), (5,), (31,), (4, 4), (4, 9), (23, 6)])
def test_it_is_the_spline_that_scipy_finds(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(len(shape) * 100 + shape[0])
    along = tuple(uneven(rng, count) for count in shape)
    samples = Samples(rng.normal(size=shape), along)
    points = rng.uniform(*samples.bounds.T, (500, len(shape)))
    values, gradients = with_gradient(interpolate(samples), points)
    if len(shape) == 1:
        spline = CubicSpline(*along, samples.values)
        expected, slopes = spline(points[:, 0]), [spline(points[:, 0], 1)]
    else:
        surface = RectBivariateSpline(*along, samples.values, s=0)
        expected = surface.ev(*points.T)
        slopes = [surface.ev(*points.T, dx=1), surface.ev(*points.T, dy=1)]
    np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-11)
    np.testing.assert_allclose(gradients, np.stack(slopes, -1), rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
def test_spacings_that_jump_a_thousandfold_are_met(axis: int) -> None:
    along = np.array([0, 1, 1.001, 1.002, 2, 5, 5.01, 8])
    other = np.linspace(0, 1, 5)
    rows = np.random.default_rng(3).normal(size=(8, 5))
    samples = Samples(rows, (along, other)) if axis == 0 else Samples(rows.T, (other, along))
    points = np.linspace(0, 8, 300)
    places = np.stack((points, np.full(300, 0.25)), -1)
    _, gradients = with_gradient(interpolate(samples), places if axis == 0 else places[:, ::-1])
    expected = CubicSpline(along, rows[:, 1])(points, 1)
    np.testing.assert_allclose(gradients[:, axis], expected, rtol=1e-7, atol=1e-7 * np.abs(expected).max())


@given(
    seed=st.integers(0, 2**32 - 1),
    counts=st.lists(st.integers(4, 12), min_size=1, max_size=2),
    spread=st.floats(1, 50),
)
def test_cubic_polynomials_are_met_exactly(seed: int, counts: Sequence[int], spread: float) -> None:
    rng = np.random.default_rng(seed)
    along = tuple(uneven(rng, count, spread=spread) for count in counts)
    factors = [np.polynomial.Polynomial(rng.normal(size=4)) for _ in counts]
    grids = [factor(axis) for factor, axis in zip(factors, along, strict=True)]
    samples = Samples(grids[0] if len(grids) == 1 else np.outer(*grids), along)
    points = rng.uniform(*samples.bounds.T, (50, len(counts)))
    values, gradients = with_gradient(interpolate(samples), points)

    def product_of(degrees: Sequence[int]) -> np.ndarray:
        parts = [factor.deriv(k)(p) for factor, k, p in zip(factors, degrees, points.T, strict=True)]
        return np.prod(parts, axis=0)

    scale = np.abs(samples.values).max() + 1
    expected = np.stack([product_of(row) for row in np.eye(len(counts), dtype=int)], -1)
    np.testing.assert_allclose(values, product_of([0] * len(counts)), atol=1e-11 * scale)
    steepest = scale / min(np.diff(axis).min() for axis in along)
    np.testing.assert_allclose(gradients, expected, atol=1e-10 * steepest)


@pytest.mark.parametrize("count", [2, 3])
def test_two_samples_make_a_line_and_three_a_parabola(count: int) -> None:
    along, other = np.array([0.0, 0.5, 2.0])[:count], np.linspace(-1, 1, 6)
    power = count - 1
    points = np.random.default_rng(0).uniform((0, -1), (along[-1], 1), (50, 2))
    for kind in EVERY_GRADIENT[:count]:
        line = interpolate(Samples(along**power, (along,)), **kind)
        surface = interpolate(Samples(np.outer(along**power, other), (along, other)), **kind)
        np.testing.assert_allclose(line(torch.tensor(points[:, :1])), points[:, 0] ** power, atol=1e-14)
        np.testing.assert_allclose(surface(torch.tensor(points)), points[:, 0] ** power * points[:, 1], atol=1e-14)
    _, slopes = with_gradient(interpolate(Samples(along**power, (along,))), points[:, :1])
    np.testing.assert_allclose(slopes[:, 0], power * points[:, 0] ** (power - 1), atol=1e-13)


@pytest.mark.parametrize("kind", EVERY_GRADIENT)
def test_samples_are_met_to_the_last_bit(kind: dict[str, Any]) -> None:
    rng = np.random.default_rng(1)
    along = uneven(rng, 9), uneven(rng, 7)
    samples = Samples(rng.normal(size=(9, 7)), along)
    points = torch.tensor(np.stack(np.meshgrid(*along, indexing="ij"), -1))
    np.testing.assert_array_equal(interpolate(samples, **kind)(points), samples.values)


@pytest.mark.parametrize("kind", EVERY_GRADIENT)
def test_value_and_gradient_are_continuous_across_cells(kind: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    along = uneven(rng, 8), uneven(rng, 8)
    f = interpolate(Samples(rng.normal(size=(8, 8)), along), **kind)
    for axis in (0, 1):
        points = rng.uniform(along[1 - axis][0], along[1 - axis][-1], (30, 2))
        for border in along[axis][1:-1]:
            points[:, axis] = np.nextafter(border, -9)
            before = with_gradient(f, points)
            points[:, axis] = border
            after = with_gradient(f, points)
            np.testing.assert_allclose(before[0], after[0], atol=1e-12)
            np.testing.assert_allclose(before[1], after[1], atol=1e-11)


@pytest.mark.parametrize("kind", EVERY_GRADIENT)
@pytest.mark.parametrize("dim", [1, 2])
def test_a_point_alone_equals_the_point_in_a_batch(kind: dict[str, Any], dim: int) -> None:
    rng = np.random.default_rng(4)
    along = tuple(uneven(rng, 12) for _ in range(dim))
    samples = Samples(rng.normal(size=(12,) * dim), along)
    f = interpolate(samples, **kind)
    points = rng.uniform(*samples.bounds.T, (6, 200, dim))
    values, gradients = with_gradient(f, points)
    assert values.shape == (6, 200)
    turned = with_gradient(lambda p: f(p.transpose(0, 1)).transpose(0, 1), points)
    np.testing.assert_array_equal(values, turned[0])
    np.testing.assert_array_equal(gradients, turned[1])
    for place in product(range(6), range(0, 200, 9)):
        value, gradient = with_gradient(f, points[place])
        assert value == values[place]
        np.testing.assert_array_equal(gradient, gradients[place])


def test_autograd_differentiates_twice() -> None:
    f = interpolate(waves())
    hessian = torch.autograd.functional.hessian(f, torch.tensor([1.1, 2.3], dtype=torch.float64))
    sines = math.sin(1.1) * math.sin(2.3), math.sin(1.1) * math.cos(2.3), math.cos(1.1) * math.sin(2.3)
    np.testing.assert_allclose(hessian, [[-sines[1], -sines[2]], [-sines[2], -sines[1]]], atol=5e-3)


@pytest.mark.parametrize("kind", EVERY_GRADIENT)
def test_outside_there_is_no_value_and_no_gradient(kind: dict[str, Any]) -> None:
    samples = waves(9)
    edge = 2 * math.pi
    outside = [[-1e-9, 1], [1, edge + 1e-9], [math.nan, 1], [math.inf, 1], [1, -math.inf]]
    border = [[0, 0], [edge, edge], [0, edge], [edge, 1]]
    values, gradients = with_gradient(interpolate(samples, **kind), outside + border)
    assert np.isnan(values[:5]).all()
    assert np.isnan(gradients[:5]).all()
    assert np.isfinite(values[5:]).all()
    assert np.isfinite(gradients[5:]).all()
    assert inside(np.array(outside + border), samples.bounds).tolist() == [False] * 5 + [True] * 4


# Finite differences


@pytest.mark.parametrize("edge_order", [1, 2])
def test_differences_are_those_of_numpy_on_uneven_spacing(edge_order: int) -> None:
    rng = np.random.default_rng(5)
    along = uneven(rng, 7), uneven(rng, 9)
    values = rng.normal(size=(7, 9))
    expected = np.gradient(values, *along, edge_order=edge_order)
    points = np.stack(np.meshgrid(*along, indexing="ij"), -1)
    f = interpolate(Samples(values, along), gradient="finite_differences", edge_order=edge_order)
    np.testing.assert_allclose(with_gradient(f, points)[1], np.stack(expected, -1), rtol=1e-12)


@pytest.mark.parametrize(
    ("settings", "key", "code"),
    [
        ({"gradient": "autgrad"}, "gradient", "unknown-name"),
        ({"gradient": "finite_differences", "edge_order": 3}, "edge_order", "invalid-value"),
        ({"gradient": "finite_differences", "edge_order": 2}, "edge_order", "invalid-value"),
    ],
)
def test_a_gradient_that_cannot_be_is_refused(settings: dict[str, Any], key: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        interpolate(Samples(np.zeros(2), (np.arange(2.0),)), **settings)
    assert (caught.value.key, caught.value.code) == ((key,), code)


@pytest.mark.parametrize(
    ("values", "along"),
    [
        ([1e308, -1e308, 1e308, 0], [0, 1, 2, 3]),
        ([0, 1, 0, 1], [0, 5e-324, 1e-323, 2e-323]),
        ([1, 2, 5], [0, 1e-300, 2e-300]),
    ],
)
def test_slopes_that_overflow_are_refused(values: list[float], along: list[float]) -> None:
    with pytest.raises(InputError) as caught:
        interpolate(Samples(np.array(values, dtype=float), (np.array(along),)))
    assert caught.value.key == ("samples",)


# Samples in memory


@pytest.mark.parametrize(
    ("values", "coordinates", "words"),
    [
        (np.zeros((2, 2, 2)), (np.arange(2),) * 3, "one or two axes"),
        (np.zeros((3, 2)), (np.arange(2), np.arange(3)), "one row per y"),
        (np.zeros((3, 2)), (np.arange(3),), "one row per y"),
        (np.zeros((1, 4)), (np.arange(1), np.arange(4)), "1 along x"),
        (np.zeros((4, 0)), (np.arange(4), np.arange(0)), "0 along y"),
        (np.zeros((2, 3)), (np.arange(2), [0, 2, 1]), "y must ascend: number 3"),
        (np.zeros(3), ([0, 1, 1],), "x must ascend: number 3"),
        (np.zeros(3), ([0, math.nan, 1],), "x must ascend: number 2 is nan"),
        (np.zeros(2), ([-1.7e308, 1.7e308],), "width of x"),
        (np.array([[0, 1], [2, math.inf]]), (np.arange(2), np.array([5, 7])), "x = 1, y = 7"),
    ],
)
def test_samples_that_are_no_grid_are_refused(values: Any, coordinates: Any, words: str) -> None:
    with pytest.raises(InputError) as caught:
        Samples(values, coordinates)
    assert words in str(caught.value)


def test_samples_are_not_to_be_written_to() -> None:
    samples = waves(5)
    for array in (samples.values, *samples.coordinates):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


# Files


def saved(path: Path, **arrays: Any) -> Path:
    if path.suffix == ".npy":
        np.save(path, arrays["values"])
    elif path.suffix == ".npz":
        np.savez(path, **arrays)
    else:
        path.write_text(arrays["text"], encoding="utf-8")
    return path


def assert_holds(samples: Samples, values: npt.ArrayLike, *coordinates: npt.ArrayLike) -> None:
    np.testing.assert_array_equal(samples.values, values)
    assert len(samples.coordinates) == len(coordinates)
    for along, expected in zip(samples.coordinates, coordinates, strict=True):
        np.testing.assert_array_equal(along, expected)


def test_a_column_of_an_array_is_an_x_and_a_row_a_y(tmp_path: Path) -> None:
    x, y = np.meshgrid([0.0, 1, 2, 3], [10.0, 20, 30])
    samples = read_samples(saved(tmp_path / "a.npy", values=x + y), bounds=[[0, 3], [10, 30]])
    assert_holds(samples, (x + y).T, [0, 1, 2, 3], [10, 20, 30])
    assert interpolate(samples)(torch.tensor([2.0, 20.0], dtype=torch.float64)) == 22


@pytest.mark.parametrize("dtype", ["<f8", ">f8", "f4", "i2", "u1", "?"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_of_any_number_type_are_read(tmp_path: Path, dtype: str, order: Any) -> None:
    rows = np.array([[0, 1, 0], [1, 1, 0]]).astype(dtype, order=order)
    assert_holds(read_samples(saved(tmp_path / "a.npy", values=rows)), rows.T, [0, 1, 2], [0, 1])


def test_an_array_of_one_axis_is_a_curve(tmp_path: Path) -> None:
    path = saved(tmp_path / "curve.npy", values=np.array([3, 1, 2]))
    assert_holds(read_samples(path), [3, 1, 2], [0, 1, 2])
    assert_holds(read_samples(path, bounds=[-1, 1]), [3, 1, 2], [-1, 0, 1])
    assert_holds(read_samples(path, bounds=[[-1, 1]]), [3, 1, 2], [-1, 0, 1])


def test_an_archive_brings_its_coordinates(tmp_path: Path) -> None:
    rows, x, y = np.arange(6).reshape(2, 3), [0, 1, 5], [7, 9]
    path = saved(tmp_path / "a.npz", values=rows, x=x, y=y, note=np.array("a word"))
    assert_holds(read_samples(path), rows.T, x, y)
    assert_holds(read_samples(path, bounds=[[0, 5], [7, 9]]), rows.T, x, y)
    assert_holds(read_samples(saved(tmp_path / "b.npz", height=rows)), rows.T, [0, 1, 2], [0, 1])
    assert_holds(read_samples(saved(tmp_path / "c.npz", values=[4, 5], x=[1, 3])), [4, 5], [1, 3])
    with pytest.raises(InputError) as caught:
        read_samples(path, bounds=[[0, 4], [7, 9]])
    assert (caught.value.key, caught.value.code) == (("bounds",), "conflict")


@pytest.mark.parametrize(
    ("text", "values", "coordinates"),
    [
        ("1,2,3,4\n5,6,7,8\n", [[1, 5], [2, 6], [3, 7], [4, 8]], [range(4), range(2)]),
        ("\ufeff\n3\n1\n\n2\n", [3, 1, 2], [range(3)]),
        ("height\n3\n1\n", [3, 1], [range(2)]),
        ("x,value\r\n5,1\r\n0,2\r\n1,3\r\n", [2, 3, 1], [[0, 1, 5]]),
        ("0, 1e1\n1, -2", [10, -2], [[0, 1]]),
        ("# value, X\n7,2\n8,1\n", [8, 7], [[1, 2]]),
        (
            "# made by hand, today\n1,2,3,4\n # half way, x\n5,6,7,8\n",
            [[1, 5], [2, 6], [3, 7], [4, 8]],
            [range(4), range(2)],
        ),
        ('"0","5","1"\n0,6,2\n3,6,4\n3,5,3\n', [[1, 2], [3, 4]], [[0, 3], [5, 6]]),
        ("y,height,x\n5,1,0\n6,2,0\n5,3,3\n6,4,3\n", [[1, 2], [3, 4]], [[0, 3], [5, 6]]),
        ("lon,lat,height\n0,5,1\n0,6,2\n3,5,3\n3,6,4\n", [[1, 2], [3, 4]], [[0, 3], [5, 6]]),
    ],
)
def test_a_table_is_read_by_its_columns(tmp_path: Path, text: str, values: Any, coordinates: Any) -> None:
    assert_holds(read_samples(saved(tmp_path / "a.csv", text=text)), values, *map(list, coordinates))


@given(seed=st.integers(0, 2**32 - 1), shape=st.tuples(st.integers(2, 6), st.integers(2, 6)))
def test_the_rows_of_a_table_may_come_in_any_order(
    seed: int, shape: tuple[int, int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    rng = np.random.default_rng(seed)
    x, y = (uneven(rng, count) for count in shape)
    values = rng.normal(size=shape)
    rows = [
        f"{x[i]!r},{y[j]!r},{values[i, j]!r}".replace("np.float64(", "").replace(")", "") for i, j in np.ndindex(shape)
    ]
    rng.shuffle(rows)
    path = tmp_path_factory.getbasetemp() / "shuffled.csv"
    assert_holds(read_samples(saved(path, text="\n".join(rows))), values, x, y)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG"])
def test_brightness_is_height_and_a_picture_stands_as_one_sees_it(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"picture{suffix}"
    shades = np.full((32, 48), 128, dtype=np.uint8)
    shades[:16, :24] = 255  # upper left
    shades[16:, 24:] = 0  # lower right
    Image.fromarray(shades).save(path, quality=100)
    samples = read_samples(path, bounds=[[0, 48], [0, 32]])
    corners = samples.values[0, -1], samples.values[-1, 0], samples.values[0, 0]
    assert samples.values.shape == (48, 32)
    np.testing.assert_allclose(corners, (1, 0, 128 / 255), atol=0.02)
    np.testing.assert_array_equal(read_samples(path, bounds=samples.bounds, invert=True).values, 1 - samples.values)


def test_pictures_of_other_kinds_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    deep = np.array([[0, 257], [1, 65535]], dtype=np.uint16)
    Image.fromarray(deep).save(path)
    np.testing.assert_array_equal(read_samples(path).values, deep[::-1].T / 65535)
    color = np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 255]]], dtype=np.uint8)
    expected = np.array([[0.114, 1], [0.299, 0.587]]).T
    for mode in ("RGB", "RGBA", "P"):
        Image.fromarray(color).convert(mode).save(path)
        np.testing.assert_allclose(read_samples(path).values, expected, atol=0.003)
    Image.fromarray(color).convert("P").save(path, transparency=b"\x00\x80\xff\x10")
    np.testing.assert_allclose(read_samples(path).values, expected, atol=0.003)
    Image.fromarray(np.array([[False, True], [True, True]])).save(path)
    assert read_samples(path).values.tolist() == [[1, 0], [1, 1]]


def test_a_photograph_is_turned_as_a_viewer_turns_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.zeros((16, 32), dtype=np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert read_samples(tmp_path / "a.jpg").values.shape == (16, 32)


# Files at fault


def refusal(path: Path, **settings: Any) -> InputError:
    with pytest.raises(InputError) as caught:
        read_samples(path, **settings)
    assert "\n" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("1,2,3,4\n5,abc,7,8\n", "row 2, column 2: 'abc'"),
        ("x,value\n\n0,1\n1,\n", "row 4, column 2: ''"),
        ("1,2,3,4\n5,6,7\n", "row 2 has 3 columns"),
        ("1,2,3,4\n5\n", "row 2 has 1 column"),
        ("1,2,3,4\n5,6,nan,8\n", "row 2, column 3: 'nan'"),
        ("1,2\n5,-Infinity\n", "row 2, column 2: '-Infinity'"),
        ("1,2\n5,1e999\n", "row 2, column 2: '1e999'"),
        ("1,2\n5,1_0\n", "row 2, column 2: '1_0'"),
        ("1,2\n5,٣\n", "row 2, column 2: '٣'"),
        (f"1,2\n5,{'x' * 99}\n", f"row 2, column 2: '{'x' * 30}…'"),
        (
            "1;2;3;4\n5;6;7;8\n",
            "row 2, column 1: '5;6;7;8' is not a finite number; its fields are separated by semicolons",
        ),
        ("x;value\n0,5;1,5\n", "row 2 has 3 columns, and the first row has 1; its fields are separated by semicolons"),
        ("1\t2\n3\t4\n", "is not a finite number; its fields are separated by tabs"),
        ("1,2,3,4\n", "4 along x × 1 along y"),
        ("1\n", "1 along x"),
        ("a,b,c,d\n1,2,3,4\n", "header"),
        ("x,y,value\n", "no numbers"),
        ("\n \n", "no numbers"),
        ("x,value\n0,1\n1,2\n0,3\n", "x = 0 is given more than once"),
        ("0,0,1\n0,1,1\n1,0,1\n0,1,1\n", "x = 0, y = 1 is given more than once"),
        ("0,0,1\n0,1,1\n2,0,1\n", "x = 2, y = 1 is missing;"),
        ("0,0,0\n0,0,0\n0,0,0\n", "x = 0, y = 0 is given more than once"),
        ("0,0,1\n1,1,1\n2,2,1\n", "x = 1, y = 0 is missing and 5 more"),
        ("0,5,1\n0,6,1\n0,7,1\n", "1 along x × 3 along y"),
        ('1,2\n"3,4', "row 2 has 1 column"),
        ("1,2\n3,\0", "row 2, column 2"),
    ],
)
def test_a_table_at_fault_is_refused_with_the_place(tmp_path: Path, text: str, where: str) -> None:
    error = refusal(saved(tmp_path / "a.csv", text=text))
    assert where in str(error)
    assert f"{tmp_path / 'a.csv'}: " in str(error)
    assert error.key == ("samples",)


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + body


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.array([[1, 2], [3, math.nan], [math.inf, 0]]), "invalid-value"),
        (np.array([1, 2, math.inf]), "invalid-value"),
        (np.zeros((1, 5)), "invalid-value"),
        (np.zeros((5, 1)), "invalid-value"),
        (np.zeros((2, 0)), "invalid-value"),
        (np.zeros((2, 2, 2)), "wrong-type"),
        (np.array(5.0), "wrong-type"),
        (np.array([{}, 1], dtype=object), "unreadable"),
        (np.array(["a", "b"]), "wrong-type"),
        (np.array([1j, 2]), "wrong-type"),
        (np.zeros(3, dtype=[("a", "f8")]), "wrong-type"),
        (np.zeros(2**24 + 1, dtype=np.uint8), "too-large"),
    ],
)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_an_array_at_fault_is_refused(tmp_path: Path, suffix: str, values: Any, code: str) -> None:
    error = refusal(saved(tmp_path / f"a{suffix}", values=values))
    assert (error.key, error.code) == (("samples",), code)


@pytest.mark.parametrize(
    "content",
    [
        b"not an array",
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9, 9)}", bytes(80)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999, 9999999)}"),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': (-3, 3)}", bytes(80)),
        npy("{'descr': '<f8', 'fortran_order': False, 'shape': 'x'}"),
        npy("{'descr': '<f8', 'fortran"),
        npy("((("),
        b"\x93NUMPY\x09\x00",
    ],
)
def test_a_broken_array_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("values.npy", content)
    assert refusal(tmp_path / "a.npy").code == "unreadable"
    assert refusal(tmp_path / "a.npz").code == "unreadable"


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"a": np.zeros((2, 2)), "b": np.zeros(2)}, "found: a, b"),
        ({}, "found: none"),
        ({"values": np.zeros((2, 2)), "x": np.arange(2)}, "has 'x' but no 'y'"),
        ({"values": np.zeros((2, 2)), "y": np.arange(2)}, "has 'y' but no 'x'"),
        ({"values": np.zeros((3, 2)), "x": np.arange(3), "y": np.arange(2)}, "one row per y"),
        ({"values": np.zeros((2, 3)), "x": [0, 2, 1], "y": [0, 1]}, "x must ascend: number 3"),
        ({"values": np.zeros((2, 3)), "x": [0, 1, 2], "y": [4, 4]}, "y must ascend: number 2"),
        ({"values": np.zeros(2), "x": [0, math.nan]}, "x must ascend: number 2 is nan"),
        ({"values": np.zeros(2), "x": ["a", "b"]}, "'x' holds <U1"),
        ({"values": np.zeros(2), "x": 5.0}, "one row per y"),
    ],
)
def test_an_archive_at_fault_is_refused(tmp_path: Path, arrays: dict[str, Any], words: str) -> None:
    assert words in str(refusal(saved(tmp_path / "a.npz", **arrays)))


def test_an_archive_that_is_cut_or_damaged_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    buffer = io.BytesIO()
    np.savez_compressed(buffer, values=np.random.default_rng(0).normal(size=(20, 20)))
    whole = buffer.getvalue()
    for cut in (1, 50, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert refusal(path).code == "unreadable"
    for at in range(60, 200, 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        refusal(path)


def test_an_archive_that_unpacks_to_more_than_the_limit_is_refused(tmp_path: Path) -> None:
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("values.npy", "w") as file,
    ):
        file.write(npy("{'descr': '|u1', 'fortran_order': False, 'shape': (1073741824,)}"))
        for _ in range(2**10):
            file.write(bytes(2**20))
    assert refusal(tmp_path / "a.npz").code == "too-large"


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def test_a_picture_at_fault_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    for width, height in ((8193, 8192), (10_000, 9_500), (60_000, 60_000)):
        path.write_bytes(png(width, height))
        error = refusal(path)
        assert error.code == "too-large"
        assert error.message.endswith("pixels; the limit is 16,777,216")
    gif = io.BytesIO()
    Image.new("L", (4, 4)).save(gif, "GIF")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    for content in (b"no picture", gif.getvalue(), png(50, 50), whole[:20], whole[:100], whole[: len(whole) // 2]):
        path.write_bytes(content)
        assert refusal(path).code == "unreadable"
    photograph = tmp_path / "a.jpg"
    Image.fromarray(noise).save(photograph)
    photograph.write_bytes(photograph.read_bytes()[:900])
    assert refusal(photograph).code == "unreadable"


def test_of_an_animated_picture_the_first_frame_is_read(tmp_path: Path) -> None:
    frames = [Image.fromarray(np.full((3, 4), value, np.uint8)) for value in (51, 102, 255)]
    frames[0].save(tmp_path / "a.png", save_all=True, append_images=frames[1:])
    assert np.array_equal(read_samples(tmp_path / "a.png").values, np.full((4, 3), 0.2))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.npy").mkdir()
    (tmp_path / "empty.csv").touch()
    (tmp_path / "notes.txt").write_text("1,2")
    (tmp_path / "latin.csv").write_bytes(b"x,h\xf6he\n1,2\n")
    with (tmp_path / "huge.npy").open("wb") as file:
        file.truncate(2**30 + 1)
    codes = {
        "folder.npy": "unreadable",
        "empty.csv": "unreadable",
        "notes.txt": "unsupported",
        "latin.csv": "unreadable",
        "huge.npy": "too-large",
        "missing.npy": "not-found",
    }
    found = {name: refusal(tmp_path / name) for name in codes}
    assert {name: error.code for name, error in found.items()} == codes
    assert {error.key for error in found.values()} == {("samples",)}


@pytest.mark.parametrize(
    ("bounds", "code"),
    [
        ([0, 1], "invalid-value"),
        ([[0, 1]], "invalid-value"),
        ([[0, 1], [0, 1], [0, 1]], "invalid-value"),
        ([[0, 1], [0]], "wrong-type"),
        ("wide", "wrong-type"),
        ([[0, 1], [1, 1]], "invalid-value"),
        ([[0, 1], [0, math.nan]], "invalid-value"),
        ([[0, 1], [0, math.inf]], "invalid-value"),
        ([[math.inf, math.inf], [0, 1]], "invalid-value"),
        ([[-1.7e308, 1.7e308], [0, 1]], "invalid-value"),
        ([[1, 1 + 2**-52], [0, 1]], "invalid-value"),  # too narrow for three samples
    ],
)
def test_bounds_at_fault_are_refused(tmp_path: Path, bounds: Any, code: str) -> None:
    error = refusal(saved(tmp_path / "a.npy", values=np.zeros((3, 3))), bounds=bounds)
    assert (error.key, error.code) == (("bounds",), code)


def test_only_pictures_are_inverted(tmp_path: Path) -> None:
    error = refusal(saved(tmp_path / "a.npy", values=np.zeros(3)), invert=True)
    assert error.key == ("invert",)


# Cost


def test_reading_needs_neither_torch_nor_pillow_nor_scipy(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.csv", text="1,2\n3,4\n")
    script = f"""
import sys
from pathlib import Path
from gdsim.objectives.samples import read_samples
read_samples(Path({str(path)!r}))
print([name for name in ("torch", "PIL", "scipy") if name in sys.modules])
"""
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\n"


LARGE = """
import re, sys
from pathlib import Path
import numpy as np
import torch
from gdsim.objectives.samples import read_samples
from gdsim.objectives.interpolation import interpolate

f = interpolate(read_samples(Path(sys.argv[1]), bounds=[[0, 6], [0, 6]]), gradient=sys.argv[2])
points = (torch.rand(10_000, 2, dtype=torch.float64) * 6).requires_grad_()
f(points).sum().backward()
x, y = points.detach().unbind(-1)
exact = torch.stack((x.cos() * y.cos(), -x.sin() * y.sin()), -1)
# Not ru_maxrss: a new process inherits the peak of the process that starts it.
kibibytes = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
print((points.grad - exact).abs().max().item(), int(kibibytes) / 2**20)
"""


needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory in /proc")


@needs_proc
@pytest.mark.slow
def test_the_most_samples_that_are_read_take_less_than_two_gigabytes(tmp_path: Path) -> None:
    along = np.linspace(0, 6, 4096)
    path = saved(tmp_path / "large.npy", values=np.cos(along)[:, None] * np.sin(along))
    command = [sys.executable, "-c", LARGE, str(path), "autograd"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    error, gigabytes = map(float, done.stdout.split())
    assert error < 1e-8
    assert gigabytes < 2e9 / 2**30


@needs_proc
@pytest.mark.slow
def test_the_largest_picture_takes_less_than_two_gigabytes(tmp_path: Path) -> None:
    along = np.linspace(0, 6, 4096)
    waves = 128 + 120 * np.cos(along)[:, None] * np.sin(along)
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "large.png")
    command = [sys.executable, "-c", LARGE, str(tmp_path / "large.png"), "finite_differences"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout.split()[1]) < 2e9 / 2**30
