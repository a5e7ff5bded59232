"""What is descended: functions of the catalogue, typed, measured or imported, all made into an `Objective`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.objectives.catalog import CATALOG, Definition
from gdsim.objectives.expression import parse
from gdsim.objectives.expression.formulas import symbol, with_values
from gdsim.objectives.failures import describe_exception, error_location
from gdsim.objectives.gradient import Gradient, grad
from gdsim.objectives.interpolation import GradientKind, interpolate
from gdsim.objectives.landscape import Landscape, NetworkObjective, blank, from_landscape, plane_name
from gdsim.objectives.objective import FloatArray, Objective, as_bounds, inside, read_only
from gdsim.objectives.packages import find_package, package_problem
from gdsim.objectives.samples import SUFFIXES, Samples, read_samples
from gdsim.objectives.user_code import import_function

__all__ = [
    "FloatArray",
    "Gradient",
    "Landscape",
    "NetworkObjective",
    "Objective",
    "Samples",
    "blank",
    "describe_exception",
    "error_location",
    "find_package",
    "from_expression",
    "from_function",
    "from_landscape",
    "from_samples",
    "grad",
    "import_function",
    "inside",
    "interpolate",
    "names",
    "objective",
    "package_problem",
    "plane_name",
    "read_only",
    "read_samples",
]


_VARIABLE = re.compile(r"[xyz]|x[0-9]+")


def objective(
    source: str | Path | Callable[..., Any],
    *,
    dim: int | None = None,
    bounds: npt.ArrayLike | None = None,
    **parameters: Any,
) -> Objective:
    """Make an objective of whatever says what to descend.

    Args:
        source: A name of the catalogue, one of `names()`; an expression such as `"x**2 + 3*x + 1"`; a file of samples
            (.npy, .npz, .csv, .png or .jpg); or a function of torch tensors.
        dim: The number of dimensions where the source leaves the choice: 2 for a name, and found out for a function.
        bounds: The view, one (low, high) a coordinate; in one dimension (low, high) alone will do. Minima that are
            known remain those of the function's own view.
        parameters: Numbers that shape a function of the catalogue, such as `condition` and `rotation` of "quadratic";
            or further arguments of `from_expression` or `from_samples`.

    Raises:
        InputError: The source, the dimension, the bounds or a parameter is at fault; `key` says which.
    """
    if callable(source):
        return from_function(source, dim=dim, bounds=bounds, **parameters)
    is_file = isinstance(source, Path) or Path(source).suffix.casefold() in SUFFIXES
    if not is_file and _is_name(str(source)):
        return _of_catalogue(str(source), dim, bounds, parameters)
    if dim is not None:
        raise InputError("dim goes with a name or a function", ("dim",))
    if is_file:
        return from_samples(Path(source), bounds=bounds, **parameters)
    return from_expression(str(source), bounds=bounds, **parameters)


def _is_name(source: str) -> bool:
    """Whether a text names a function of the catalogue, rightly or wrongly, and is no expression."""
    return source in CATALOG or not source or (source.isidentifier() and not _VARIABLE.fullmatch(source))


def from_expression(
    text: str, *, bounds: npt.ArrayLike | None = None, constants: Mapping[str, float] = MappingProxyType({})
) -> Objective:
    """Make an objective of an expression.

    Args:
        text: An expression of x, y and z, or of x1, x2, …; see `gdsim.objectives.expression.parse`.
        bounds: The view; −5 to 5 along each coordinate when left out.
        constants: Numbers that the expression calls by name.

    Raises:
        InputError: The expression, a constant or the bounds are at fault.
    """
    expression = parse(text, constants)
    dim = len(expression.variables)
    view = as_bounds([[-5.0, 5.0]] * dim if bounds is None else bounds, dim)
    title = " ".join(text.split())
    used = {name: value for name, value in constants.items() if re.search(rf"\b{name}\b", text)}
    formula = expression.formula + with_values({symbol(name): value for name, value in used.items()})
    return _own("expression", title, expression.f, view, formula=formula, source="typed")


def from_samples(
    path: Path,
    *,
    bounds: npt.ArrayLike | None = None,
    invert: bool = False,
    gradient: GradientKind = "autograd",
    edge_order: int = 1,
) -> Objective:
    """Make an objective of a file of samples.

    Args:
        path: A .npy, .npz, .csv, .png or .jpg file of one or two dimensions.
        bounds: The (low, high) of each coordinate between which the samples lie, where the file does not say.
        invert: For a picture, take darkness for height.
        gradient: "autograd" of the smooth function through the samples, or "finite_differences" between them.
        edge_order: 1 or 2, the order of the finite differences at the border.

    Raises:
        InputError: The file or an argument is at fault.
    """
    samples = read_samples(path, bounds=bounds, invert=invert)
    try:
        f = interpolate(samples, gradient=gradient, edge_order=edge_order)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", error.key or ("samples",), code=error.code) from error
    return _own(path.stem, path.stem, f, samples.bounds, source=path.name, domain=samples.bounds)


def from_function(
    function: Callable[..., Any],
    *,
    dim: int | None = None,
    bounds: npt.ArrayLike | None = None,
    name: str | None = None,
) -> Objective:
    """Make an objective of a function of torch tensors, written for one point or for a batch.

    Args:
        function: Takes a point (dim,), `dim` coordinates, or a batch of either; returns one number a point.
        dim: The number of dimensions; found out when left out.
        bounds: The view; −5 to 5 along each coordinate when left out.
        name: What to call it; its own name when left out.

    Raises:
        InputError: The function does not run, loses its gradient, or does not give a number a point.
    """
    from gdsim.objectives.vectorised import dimensions, note, vectorised

    if dim is None and bounds is not None:
        shape = np.shape(bounds)
        dim = 1 if shape == (2,) else shape[0]
    dim = dimensions(function) if dim is None else dim
    view = as_bounds([[-5.0, 5.0]] * dim if bounds is None else bounds, dim)
    f, form = vectorised(function, dim, view)
    title = name or getattr(function, "__name__", "function").replace("<lambda>", "a function")
    return _own(title, title, f, view, source=" ".join([form.value, note(f, view)]).strip())


def _own(
    name: str,
    title: str,
    f: Callable[..., Any],
    view: FloatArray,
    *,
    source: str,
    formula: str = "",
    domain: FloatArray | None = None,
) -> Objective:
    """An objective of which no more is known; it starts a fifth of the view from the lower left corner."""
    domain = np.empty(0) if domain is None else domain
    return Objective(name=name, title=title, f=f, bounds=view, source=source, formula=formula, domain=domain)


def names() -> tuple[str, ...]:
    """Return the names in the catalogue, sorted."""
    return tuple(sorted(CATALOG))


def _of_catalogue(
    name: str, dim: int | None, bounds: npt.ArrayLike | None, parameters: Mapping[str, float]
) -> Objective:
    if name not in CATALOG:
        offer = did_you_mean(str(name), names()) or "; `gdsim list objectives` names them"
        raise InputError(f"there is no objective '{name}'{offer}", ("name",))
    definition = CATALOG[name]
    facts = definition.facts
    dim = _dimension(definition, dim)
    settings = _settings(definition, parameters)
    local_minima = facts.local_minima(dim) if callable(facts.local_minima) else facts.local_minima
    return Objective(
        name=name,
        title=facts.title,
        f=partial(definition.f, **settings),
        bounds=read_only(np.resize(facts.bounds, (dim, 2))) if bounds is None else as_bounds(bounds, dim),
        start=read_only(np.resize(facts.start, dim)),
        minima=_points(facts.minima, dim),
        minimum=facts.minimum(dim) if callable(facts.minimum) else facts.minimum,
        local_minima=_points(local_minima, dim),
        formula=facts.formula(**settings) if callable(facts.formula) else facts.formula,
        source=facts.source,
        parameters=MappingProxyType(settings),
    )


def _points(rows: Sequence[Sequence[float]], dim: int) -> FloatArray:
    return read_only(np.reshape([np.resize(row, dim) for row in rows], (len(rows), dim)))


def _dimension(definition: Definition, dim: int | None) -> int:
    dims = definition.facts.dims
    if dim is None:
        return 2 if 2 in dims else dims[0]
    if isinstance(dim, bool) or dim not in dims:
        allowed = f"{dims[0]}" if len(dims) == 1 else f"{dims[0]} to {dims[-1]}"
        raise InputError(f"{definition.name} has dim {allowed}, not {dim}", ("dim",))
    return int(dim)


def _settings(definition: Definition, given: Mapping[str, float]) -> dict[str, float]:
    known = definition.facts.parameters
    for name, value in given.items():
        if name not in known:
            offer = did_you_mean(name, known) or (f"; it has {', '.join(known)}" if known else "")
            raise InputError(f"{definition.name} has no parameter '{name}'{offer}", (name,))
        _, low, high = known[name]
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= value <= high:
            raise InputError(f"{name} must be a number from {low:g} to {high:g}, not {value!r}", (name,))
    return {name: float(given.get(name, parameter.default)) for name, parameter in known.items()}
