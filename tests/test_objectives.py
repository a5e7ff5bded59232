from __future__ import annotations

import json
import math
import runpy
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.mathtext import MathTextParser
from scipy.optimize import minimize

import gdsim.objectives
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective, names, objective

FACTS = json.loads((Path(__file__).parent / "fixtures" / "objectives.json").read_text())
ANY_DIM = (
    "ackley",
    "griewank",
    "levy",
    "michalewicz",
    "rastrigin",
    "rosenbrock",
    "schwefel",
    "sphere",
    "styblinski_tang",
)
ONE_DIM = ("cubic", "double_well", "parabola", "sine")


@dataclass(frozen=True)
class Expected:
    """What the independent computation says of a function at one dimension."""

    name: str
    dim: int
    parameters: dict[str, float]
    minimum: float | None
    minima: FloatArray
    local_minima: FloatArray
    on_border: bool
    rough: bool
    points: FloatArray
    values: FloatArray
    gradients: FloatArray

    @property
    def objective(self) -> Objective:
        return objective(self.name, dim=self.dim, **self.parameters)

    def __str__(self) -> str:
        return "-".join([self.name, f"{self.dim}d", *(f"{value:g}" for value in self.parameters.values())])


def expected_of(name: str, facts: dict[str, Any]) -> Expected:
    def rows(key: str) -> FloatArray:
        return np.array(facts[key], dtype=float).reshape(-1, facts["dim"])

    return Expected(
        name=name,
        dim=facts["dim"],
        parameters=facts["parameters"],
        minimum=None if facts["minimum"] is None else float(facts["minimum"]),
        minima=rows("minima"),
        local_minima=rows("local_minima"),
        on_border=facts["on_border"],
        rough=facts["rough"],
        points=rows("points"),
        values=np.array(facts["values"], dtype=float),
        gradients=rows("gradients"),
    )


CASES = [expected_of(name, facts) for name, cases in FACTS.items() for facts in cases]
each_case = pytest.mark.parametrize("expected", CASES, ids=str)
each_name = pytest.mark.parametrize("name", names())


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> Iterator[None]:
    # Threads that wait for each other make small work many times slower on a busy machine.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def in_order(points: FloatArray) -> FloatArray:
    # Rounded, so that the last bit does not decide the order.
    return points[np.lexsort(points.round(4).T)]


def value_and_gradient(f: Objective, points: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    points = points.detach().requires_grad_()
    values = f.f(points)
    (gradients,) = torch.autograd.grad(values.sum(), points)
    return values.detach(), gradients


def dims(name: str) -> tuple[int, ...]:
    if name in ONE_DIM:
        return (1,)
    return (2, 3, 10) if name in ANY_DIM else (2,)


def test_the_catalogue_is_the_list_that_was_computed() -> None:
    assert names() == tuple(sorted(FACTS))
    assert gdsim.objectives.__all__ == sorted(gdsim.objectives.__all__)


def test_the_fixture_is_what_the_independent_formulas_give() -> None:
    script = runpy.run_path(str(Path(__file__).parent / "fixtures" / "compute_objectives.py"))
    assert script["facts"]() == FACTS


def test_the_facts_need_no_torch() -> None:
    program = (
        "import sys, gdsim.objectives as o; [o.objective(n) for n in o.names()]; "
        "sys.exit('torch' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


@each_case
def test_values_and_gradients_agree_with_the_independent_formula(expected: Expected) -> None:
    values, gradients = expected.objective.gradients(expected.points)
    np.testing.assert_allclose(values, expected.values, rtol=1e-12, atol=1e-12)
    scale = np.abs(expected.gradients).max()
    np.testing.assert_allclose(gradients, expected.gradients, rtol=1e-11, atol=1e-12 * scale)
    np.testing.assert_array_equal(expected.objective.values(expected.points), values)


@each_case
def test_minima_are_the_independent_ones(expected: Expected) -> None:
    found = expected.objective
    assert found.minima.shape == expected.minima.shape
    np.testing.assert_allclose(in_order(found.minima), in_order(expected.minima), rtol=1e-9, atol=1e-9)
    if expected.minimum is None:
        assert found.minimum is None
        return
    assert found.minimum == pytest.approx(expected.minimum, rel=1e-9, abs=1e-9)
    np.testing.assert_allclose(found.values(found.minima), expected.minimum, rtol=1e-9, atol=1e-9)


@each_case
def test_local_minima_are_the_independent_ones_and_no_global_ones(expected: Expected) -> None:
    found = expected.objective
    assert found.local_minima.shape == expected.local_minima.shape
    np.testing.assert_allclose(in_order(found.local_minima), in_order(expected.local_minima), atol=1e-9)
    if expected.minimum is not None and len(found.local_minima):
        assert found.values(found.local_minima).min() > expected.minimum + 1e-4


@each_case
def test_the_gradient_vanishes_at_the_minima(expected: Expected) -> None:
    found = expected.objective
    places = np.concatenate([found.minima, found.local_minima])
    _, gradients = found.gradients(places)
    assert np.isfinite(gradients).all()
    if not expected.on_border and not expected.rough:
        # A place is known to one part in 2^53, so what is left of a gradient grows with the slope around it.
        _, nearby = found.gradients(places + 1e-3)
        assert np.abs(gradients).max(initial=0) <= 1e-9 * max(1, np.abs(nearby).max(initial=0))


@each_case
def test_minima_lie_in_the_default_view_and_so_does_the_start(expected: Expected) -> None:
    found = expected.objective
    low, high = found.bounds.T
    assert (low < high).all()
    for points in (found.minima, found.local_minima, found.start[np.newaxis]):
        assert ((low <= points) & (points <= high)).all()


@each_case
def test_no_local_search_ends_below_the_minimum_or_at_an_unlisted_one(expected: Expected) -> None:
    found = expected.objective
    if found.minimum is None:
        return

    def value_and_slope(point: FloatArray) -> tuple[float, FloatArray]:
        value, slope = found.gradients(point)
        return float(value), slope

    low, high = found.bounds.T
    # Mostly from the best of a sample: searches from anywhere would end in poor valleys.
    sample = np.random.default_rng(7).uniform(low, high, size=(4000, found.dim))
    best = sample[np.argsort(found.values(sample))[:60:6]]
    for start in [*best, found.start, *sample[:3]]:
        end = minimize(value_and_slope, start, jac=True, method="TNC", bounds=found.bounds).x
        value = found.values(end)
        assert value >= found.minimum - 1e-9 * max(1, abs(found.minimum))
        if value <= found.minimum + 1e-10 * max(1, abs(found.minimum)):
            assert np.linalg.norm(found.minima - end, axis=1).min() < 2e-3 * np.ptp(found.bounds)


@each_name
def test_a_point_alone_and_in_any_batch_is_the_same_to_the_last_bit(name: str) -> None:
    for dim in dims(name):
        found = objective(name, dim=dim)
        draw = np.random.default_rng(3).uniform(*found.bounds.T, size=(61, dim))
        places = np.concatenate([draw, 30 * draw, found.minima, found.start[np.newaxis]])
        batch = torch.from_numpy(places)
        alone = [value_and_gradient(found, point.clone()) for point in batch]
        values, gradients = (torch.stack(parts) for parts in zip(*alone, strict=True))
        for layout in (batch, batch.T.contiguous().T, batch.repeat(1, 2)[:, dim:]):
            in_batch = value_and_gradient(found, layout)
            torch.testing.assert_close(in_batch, (values, gradients), rtol=0, atol=0, equal_nan=True)
        wide = value_and_gradient(found, batch[:60].reshape(3, 20, dim))
        torch.testing.assert_close(wide[1].reshape(60, dim), gradients[:60], rtol=0, atol=0)


@each_name
def test_gradients_are_finite_on_a_grid_that_meets_the_axes(name: str) -> None:
    found = objective(name)
    axes = [np.union1d(np.linspace(low, high, 41), [0]) for low, high in found.bounds]
    values, gradients = found.gradients(np.stack(np.meshgrid(*axes), axis=-1))
    assert np.isfinite(values).all()
    assert np.isfinite(gradients).all()


@each_name
def test_facts_are_whole(name: str) -> None:
    found = objective(name)
    assert found.name == name
    assert found.title
    assert found.source
    assert found.f(torch.zeros(5, 4, found.dim, dtype=torch.float64)).shape == (5, 4)
    assert not any(array.flags.writeable for array in (found.bounds, found.start, found.minima, found.local_minima))
    assert MathTextParser("path").parse(f"${found.formula}$").height > 0


@each_name
def test_arrays_of_any_shape_go_in_and_come_out(name: str) -> None:
    found = objective(name)
    points = np.random.default_rng(5).uniform(*found.bounds.T, size=(3, 4, found.dim))
    values, gradients = found.gradients(points)
    assert values.shape == (3, 4)
    assert gradients.shape == (3, 4, found.dim)
    assert values.dtype == gradients.dtype == np.float64
    np.testing.assert_array_equal(found.values(points[1, 2].tolist()), values[1, 2])


def test_many_points_are_evaluated_in_parts_without_a_seam() -> None:
    found = objective("himmelblau")
    points = np.random.default_rng(1).uniform(-5, 5, size=(70_000, 2))
    values, gradients = found.gradients(points)
    np.testing.assert_array_equal(found.values(points), values)
    np.testing.assert_array_equal(found.gradients(points[16_380:16_390])[1], gradients[16_380:16_390])


def test_no_points_give_no_values() -> None:
    values, gradients = objective("sphere").gradients(np.empty((0, 2)))
    assert values.shape == (0,)
    assert gradients.shape == (0, 2)


@given(arrays(float, 2, elements=st.floats(-10, 10)), st.floats(1, 1e4), st.floats(-360, 360))
def test_the_quadratic_is_half_the_form_of_its_turned_hessian(
    point: FloatArray, condition: float, rotation: float
) -> None:
    angle = math.radians(rotation)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    hessian = turn @ np.diag([1, condition]) @ turn.T
    value, gradient = objective("quadratic", condition=condition, rotation=rotation).gradients(point)
    np.testing.assert_allclose(value, point @ hessian @ point / 2, rtol=1e-9, atol=1e-9 * condition)
    np.testing.assert_allclose(gradient, hessian @ point, rtol=1e-9, atol=1e-9 * condition)


@pytest.mark.parametrize("name", ANY_DIM)
def test_a_function_of_any_dimension_has_facts_of_that_dimension(name: str) -> None:
    for dim in (2, 5, 10):
        found = objective(name, dim=dim)
        assert found.dim == dim
        assert found.bounds.shape == (dim, 2)
        assert found.start.shape == (dim,)
        assert found.minima.shape == (1, dim)
        assert found.local_minima.shape[1:] == (dim,)
        np.testing.assert_allclose(found.values(found.minima), found.minimum, rtol=1e-9, atol=1e-9)


def test_the_default_is_two_dimensions_and_one_for_a_curve() -> None:
    assert {name for name in names() if objective(name).dim == 1} == set(ONE_DIM)
    assert {objective(name).dim for name in names()} == {1, 2}
    assert objective("sphere", dim=1).minima.tolist() == [[0.0]]


def test_bounds_of_ones_own_leave_the_facts_alone() -> None:
    found = objective("himmelblau", bounds=[[0, 4], [-1, 3]])
    assert found.bounds.tolist() == [[0, 4], [-1, 3]]
    np.testing.assert_array_equal(found.minima, objective("himmelblau").minima)
    assert objective("parabola", bounds=[-2, 2]).bounds.tolist() == [[-2, 2]]
    assert objective("parabola", bounds=[[-2, 2]]).bounds.tolist() == [[-2, 2]]


def test_parameters_are_kept_with_their_defaults() -> None:
    assert dict(objective("quadratic", rotation=30).parameters) == {"condition": 50.0, "rotation": 30.0}
    assert dict(objective("himmelblau").parameters) == {}


def mistakes() -> Iterator[Any]:
    nan = float("nan")
    yield pytest.param({"source": "himelblau"}, "objective", "unknown-name", id="misspelt")
    yield pytest.param({"source": ""}, "objective", "unknown-name", id="empty name")
    yield pytest.param({"source": 3}, "objective", "wrong-type", id="a number")
    yield pytest.param({"source": "himmelblau", "dim": 3}, "dim", "invalid-value", id="fixed dim")
    yield pytest.param({"source": "rosenbrock", "dim": 1}, "dim", "invalid-value", id="too few dims")
    yield pytest.param({"source": "michalewicz", "dim": 11}, "dim", "invalid-value", id="too many dims")
    yield pytest.param({"source": "sphere", "dim": 10**9}, "dim", "invalid-value", id="absurd dim")
    yield pytest.param({"source": "sphere", "dim": True}, "dim", "invalid-value", id="dim no number")
    yield pytest.param({"source": "sphere", "dim": 2.5}, "dim", "invalid-value", id="dim not whole")
    for bounds in ([1, 2], [[1, 2]], [[1, 2, 3]] * 2):
        yield pytest.param({"source": "booth", "bounds": bounds}, "bounds", "invalid-value", id=f"bounds {bounds}")
    for bounds in ([[1, 2], [3]], "wide", [["a", "b"]] * 2, {}):
        yield pytest.param({"source": "booth", "bounds": bounds}, "bounds", "wrong-type", id=f"bounds {bounds}")
    for low, high in ((1, 1), (2, 1), (nan, 1), (0, math.inf), (0, 1e-281), (-1e300, 1e300), (1e15, 1e15 + 1)):
        bad = {"source": "booth", "bounds": [[0, 1], [low, high]]}
        yield pytest.param(bad, "bounds", "invalid-value", id=f"bounds {low} to {high}")
    yield pytest.param({"source": "quadratic", "conditon": 3}, "conditon", "unknown-argument", id="parameter")
    yield pytest.param({"source": "booth", "condition": 3}, "condition", "unknown-argument", id="has none")
    yield pytest.param({"source": "x**2", "constant": {}}, "constant", "unknown-argument", id="of an expression")
    yield pytest.param({"source": "a.npy", "invret": True}, "invret", "unknown-argument", id="of a file")
    yield pytest.param({"source": abs, "dims": 2}, "dims", "unknown-argument", id="of a function")
    for condition in (0.5, -1, nan, math.inf, "10", True, None):
        bad = {"source": "quadratic", "condition": condition}
        yield pytest.param(bad, "condition", "invalid-value", id=f"condition {condition}")


@pytest.mark.parametrize(("arguments", "key", "code"), list(mistakes()))
def test_a_mistake_has_its_key_and_code(arguments: dict[str, Any], key: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        objective(**arguments)
    assert (caught.value.key, caught.value.code) == ((key,), code)


@pytest.mark.parametrize("points", [[1.0, 2.0, 3.0], 1.0, np.zeros((4, 1))])
def test_points_of_the_wrong_length_are_refused(points: Any) -> None:
    with pytest.raises(InputError) as caught:
        objective("booth").values(points)
    assert caught.value.code == "wrong-type"


def test_an_objective_is_itself_and_takes_another_view() -> None:
    own = objective("himmelblau")
    assert objective(own) is own
    wider = objective(own, bounds=[[-9, 9], [-9, 9]])
    assert wider.bounds.tolist() == [[-9, 9], [-9, 9]]
    assert repr(wider) == "<Objective: Himmelblau, 2 dimensions>"


def test_a_variable_is_an_expression_and_no_name() -> None:
    for text, dim in (("x", 1), ("y", 2), ("x1", 1), ("x2", 2), ("x12", 12)):
        assert objective(text).dim == dim
    with pytest.raises(InputError) as caught:
        objective("xy")
    assert caught.value.code == "unknown-name"


@pytest.mark.parametrize("source", ["x**2", "x1", Path("ramp.npy"), "ramp.npy"])
def test_dim_goes_with_what_leaves_it_open(source: str | Path) -> None:
    with pytest.raises(InputError) as caught:
        objective(source, dim=2)
    assert (caught.value.key, caught.value.code) == (("dim",), "conflict")


def test_what_cannot_be_interpolated_has_its_files_name(tmp_path: Path) -> None:
    path = tmp_path / "steep.npy"
    np.save(path, [0, 1.7e308, -1.7e308, 0])
    with pytest.raises(InputError) as caught:
        objective(path)
    assert caught.value.key == ("samples",)
    assert caught.value.message.startswith(f"{path}: ")
    np.save(path, [0.0, 1.0])
    with pytest.raises(InputError) as caught:
        objective(path, gradient="finite_differences", edge_order=2)
    assert caught.value.key == ("edge_order",)
    assert caught.value.message.startswith(f"{path}: ")


@pytest.mark.parametrize(
    ("settings", "formula"),
    [
        ({}, r"\frac{1}{2}\left(x^2 + 50y^2\right)"),
        ({"condition": 1, "rotation": 180}, r"\frac{1}{2}\left(x^2 + y^2\right)"),
        (
            {"condition": 2.5, "rotation": 30},
            r"\frac{1}{2}\left(u^2 + \kappa v^2\right),"
            r"\ \ u = x\cos\theta + y\sin\theta,\ \ v = y\cos\theta - x\sin\theta,"
            r"\ \ \kappa = 2.5,\ \ \theta = 30^\circ",
        ),
    ],
)
def test_the_formula_of_a_quadratic_has_its_numbers(settings: dict[str, float], formula: str) -> None:
    found = objective("quadratic", **settings).formula
    assert found == formula
    assert MathTextParser("path").parse(f"${found}$").height > 0


def test_the_constants_of_an_expression_stand_after_it_with_their_numbers() -> None:
    found = gdsim.objectives.from_expression(
        "k*x**2 + alpha*y", constants={"alpha": 2.5e-7, "k": 2, "a": 9, "kk": 3}
    ).formula
    assert found == r"kx^{2} + \alpha\,y,\ \ \alpha = 2.5 \times 10^{-7},\ \ k = 2".replace("x^{2}", "x^2")
    assert MathTextParser("path").parse(f"${found}$").height > 0
