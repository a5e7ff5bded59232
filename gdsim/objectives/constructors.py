"""Create objectives from a name in the catalogue, an expression, a file of samples, or a Python function."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from numbers import Real
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gdsim.errors import InputError, did_you_mean
from gdsim.objectives.catalog import CATALOG, Definition
from gdsim.objectives.expression import parse
from gdsim.objectives.objective import FloatArray, Objective, as_bounds
from gdsim.objectives.samples import SUFFIXES, read_samples
from gdsim.objectives.tokens import VARIABLE

if TYPE_CHECKING:
    from gdsim.objectives.interpolation import GradientKind


def objective(
    source: str | os.PathLike[str] | Callable[..., Any] | Objective,
    *,
    dim: int | None = None,
    bounds: npt.ArrayLike | None = None,
    **settings: Any,
) -> Objective:
    """Create an objective from a name, an expression, a file or a function.

    Args:
        source: A name in the catalogue, one of `names()`; an expression such as `"x**2 + 3*x + 1"`; a file of samples
            (.npy, .npz, .csv, .png or .jpg); a function of torch tensors; or an objective, which is returned.
        dim: The number of dimensions, for a name (2 by default if the function allows it) or a function (inferred by
            default).
        bounds: The view, one (low, high) per coordinate; in one dimension (low, high) is accepted.
        settings: Parameters of a function in the catalogue, such as `condition` and `rotation` of "quadratic";
            or further arguments of `from_expression`, `from_samples` or `from_function`.

    Raises:
        InputError: The source, the dimension, the bounds or a setting is invalid; `key` names it.
    """
    if isinstance(source, Objective):
        _check_settings(source.title, settings | ({} if dim is None else {"dim": dim}), ("bounds",))
        return (
            source if bounds is None else replace(source, bounds=as_bounds(bounds, source.dim), bounds_origin="given")
        )
    if callable(source):
        _check_settings("a function", settings, ("name",))
        return from_function(source, dim=dim, bounds=bounds, **settings)
    if not isinstance(source, str | os.PathLike):
        kinds = "a name, an expression, a file or a function"
        raise InputError(f"must be {kinds}, not of type {type(source).__name__}", ("objective",), code="wrong-type")
    text = os.fspath(source)
    is_file = not isinstance(source, str) or Path(text).suffix.casefold() in SUFFIXES
    if not is_file and (text in CATALOG or not text or (text.isidentifier() and not VARIABLE.fullmatch(text))):
        return _from_catalog(text, dim, bounds, settings)
    if dim is not None:
        raise InputError("goes with a name or a function", ("dim",), code="conflict")
    if is_file:
        _check_settings("a file", settings, ("invert", "gradient", "edge_order"))
        return from_samples(Path(text), bounds=bounds, **settings)
    _check_settings("an expression", settings, ("constants",))
    return from_expression(text, bounds=bounds, **settings)


def names() -> tuple[str, ...]:
    """Return the names in the catalogue, sorted."""
    return tuple(sorted(CATALOG))


def _check_settings(what: str, given: Mapping[str, Any], known: Collection[str]) -> None:
    for name in given:
        if name not in known:
            hint = did_you_mean(name, {"dim", "bounds", *known}) or (f"; it has {', '.join(known)}" if known else "")
            raise InputError(f"{what} has no parameter '{name}'{hint}", (name,), code="unknown-argument")


def from_expression(
    text: str, *, bounds: npt.ArrayLike | None = None, constants: Mapping[str, float] = MappingProxyType({})
) -> Objective:
    """Create an objective from an expression.

    Args:
        text: An expression of x, y and z, or of x1, x2, …; see `gdsim.objectives.expression.parse`.
        bounds: The view; by default −5 to 5 along each coordinate, and pictures fit it to the paths.
        constants: Values of additional named constants.

    Raises:
        InputError: The expression, a constant or the bounds are invalid.
    """
    expression = parse(text, constants)
    return Objective(
        name="expression",
        title=" ".join(text.split()),
        f=expression.f,
        bounds=_bounds(bounds, len(expression.variables)),
        formula=expression.formula,
        source="typed",
        bounds_origin="default" if bounds is None else "given",
    )


def from_samples(
    path: Path,
    *,
    bounds: npt.ArrayLike | None = None,
    invert: bool = False,
    gradient: GradientKind = "autograd",
    edge_order: int = 1,
) -> Objective:
    """Create an objective that interpolates the samples in a file smoothly.

    Args:
        path: A .npy, .npz, .csv, .png or .jpg file of one or two dimensions.
        bounds: The (low, high) of each coordinate that the samples span, if the file has no coordinates.
        invert: Whether dark pixels of a picture have high values.
        gradient: "autograd" for that of the interpolating function, or "finite_differences" of the samples.
        edge_order: 1 or 2, the order of the finite differences at the border.

    Raises:
        InputError: The file or an argument is invalid.
    """
    from gdsim.objectives.interpolation import interpolate  # imports torch, which takes seconds

    samples = read_samples(path, bounds=bounds, invert=invert)
    try:
        f = interpolate(samples, gradient=gradient, edge_order=edge_order)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", error.key, code=error.code) from error
    stem = path.stem
    return Objective(name=stem, title=stem, f=f, bounds=samples.bounds, domain=samples.bounds, source=path.name)


def from_function(
    function: Callable[..., Any],
    *,
    dim: int | None = None,
    bounds: npt.ArrayLike | None = None,
    name: str | None = None,
) -> Objective:
    """Create an objective from a function of torch tensors that takes one point or a batch.

    Args:
        function: Takes a point (dim,), `dim` coordinates, or a batch of either; returns one number per point.
        dim: The number of dimensions; inferred by default.
        bounds: The view; by default −5 to 5 along each coordinate, and pictures fit it to the paths.
        name: The name and title; those of the function by default.

    Raises:
        InputError: The function fails, loses its gradient, or does not return one number per point.
    """
    if (
        dim is None
        and bounds is None
        and any(base.__module__.startswith("torch.nn.") for base in type(function).__mro__)
    ):
        example = "objective: {network: my_net.py:Net, data: digits}"
        message = f"is a module: a function of points needs dim, and a network is trained on data, as in {example}"
        raise InputError(message, ("objective",), code="unsupported")
    from gdsim.objectives.functions import batched, infer_dim  # imports torch, which takes seconds

    if dim is None and bounds is not None:
        dim = 1 if np.shape(bounds) == (2,) else len(np.atleast_1d(bounds))
    dim = infer_dim(function) if dim is None else dim
    view = _bounds(bounds, dim)
    f, source = batched(function, view)
    title = name or getattr(function, "__name__", "function").replace("<lambda>", "a function")
    return Objective(
        name=title, title=title, f=f, bounds=view, source=source, bounds_origin="default" if bounds is None else "given"
    )


def _bounds(bounds: npt.ArrayLike | None, dim: int) -> FloatArray:
    return as_bounds([(-5.0, 5.0)] * dim if bounds is None else bounds, dim)


def _from_catalog(name: str, dim: int | None, bounds: npt.ArrayLike | None, settings: Mapping[str, Any]) -> Objective:
    if name not in CATALOG:
        hint = did_you_mean(name, names()) or "; `gdsim list objectives` lists them"
        raise InputError(f"there is no objective '{name}'{hint}", ("objective",), code="unknown-name")
    definition = CATALOG[name]
    dim = _dim(definition, dim)
    parameters = _parameters(definition, settings)
    return Objective(
        name=name,
        title=definition.title,
        f=partial(definition.f, **parameters),
        bounds=np.resize(definition.bounds, (dim, 2)) if bounds is None else as_bounds(bounds, dim),
        start=np.resize(definition.start, dim).astype(np.float64),
        minima=_points(definition.minima, dim),
        minimum=definition.minimum(dim) if callable(definition.minimum) else definition.minimum,
        local_minima=_points(
            definition.local_minima(dim) if callable(definition.local_minima) else definition.local_minima, dim
        ),
        formula=definition.formula(**parameters) if callable(definition.formula) else definition.formula,
        source=definition.source,
        bounds_origin="catalog" if bounds is None else "given",
        parameters=MappingProxyType(parameters),
    )


def _points(rows: Sequence[Sequence[float]], dim: int) -> FloatArray:
    return np.array([np.resize(row, dim) for row in rows], dtype=np.float64).reshape(len(rows), dim)


def _dim(definition: Definition, dim: int | None) -> int:
    dims = definition.dims
    if dim is None:
        return 2 if 2 in dims else dims[0]
    if isinstance(dim, bool) or dim not in dims:
        allowed = f"{dims[0]}" if len(dims) == 1 else f"from {dims[0]} to {dims[-1]}"
        raise InputError(f"must be {allowed} for {definition.name}, not {dim!r}", ("dim",))
    return int(dim)


def _parameters(definition: Definition, given: Mapping[str, Any]) -> dict[str, float]:
    known = definition.parameters
    _check_settings(definition.name, given, known)
    for name, value in given.items():
        _, low, high = known[name]
        if isinstance(value, bool) or not isinstance(value, Real) or not low <= float(value) <= high:
            raise InputError(f"must be a number from {low:g} to {high:g}, not {value!r}", (name,))
    return {name: float(given.get(name, parameter.default)) for name, parameter in known.items()}
