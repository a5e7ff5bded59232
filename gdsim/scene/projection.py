"""The line or plane of an objective's domain that a picture shows, and the values of the objective on it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from gdsim.config import View
from gdsim.errors import InputError, Problem
from gdsim.languages import Language
from gdsim.networks import Landscape, NetworkObjective, plane_name
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.objectives.formulas import number
from gdsim.scene.captions import plane_words
from gdsim.scene.levels import finite
from gdsim.simulation import Trajectory

AWAY = 1.0  # distance beyond the bounds, in multiples of their span, from which points count as diverged
CHUNK = 2**22  # coordinates evaluated at once, because a grid in a thousand dimensions would not fit in memory

STEEP, ZOOM = 1.5, 8
"""A function has a pole if its depth grows by the first factor each time the sampled region shrinks by the second."""

WIDEST = 1.6  # how much wider than its default a view may be, to hold paths

PLANES = {
    "pca": "plane of the paths in dim {dim}",
    "hessian": "Hessian plane in dim {dim}",
    "hessian_start": "Hessian plane of the start in dim {dim}",
}

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Projection:
    """A line or plane through a point of the domain.

    Attributes:
        origin: (dim,) the point of the domain at the coordinates (0, …, 0).
        axes: (k, dim) orthonormal directions, k is 1 or 2.
        bounds: (k, 2) the range of coordinates to show.
        words: What the projection does not show, for the notes, as alternatives from long to short; empty for
            nothing.
        marks: Named points such as the recordings that define a plane of weights: coordinates (k,) and name.
    """

    origin: FloatArray
    axes: FloatArray
    bounds: FloatArray
    names: tuple[str, ...]
    words: tuple[str, ...] = ()
    marks: tuple[tuple[FloatArray, str], ...] = ()

    def lift(self, coordinates: FloatArray) -> FloatArray:
        """Return the points (…, dim) of the domain at coordinates (…, k)."""
        return self.origin + coordinates @ self.axes

    def project(self, points: FloatArray) -> FloatArray:
        """Return the coordinates (…, k) nearest to points (…, dim)."""
        return (points - self.origin) @ self.axes.T

    def distance(self, points: FloatArray) -> FloatArray:
        """Return the distance of points (…, dim) from the line or plane, (…)."""
        return np.asarray(np.linalg.norm(points - self.lift(self.project(points)), axis=-1))


def choose_projection(objective: Objective, view: View, paths: Sequence[FloatArray] = ()) -> Projection:
    """Choose the line or plane to show of an objective.

    More than two dimensions are shown on the plane of `view.plane`: two coordinates, with the others at `view.at` or at
    the minimum; the plane through the mean of the paths with the largest share of their variance, after Li et al.
    (2018), "Visualizing the Loss Landscape of Neural Nets"; or that of the two largest eigenvalues of the Hessian where
    the first path begins or ends. A network is shown on the plane on which its loss was computed.

    Each path has shape (steps + 1, starts, dim), with NaN in rows to ignore.
    """
    if isinstance(objective, NetworkObjective):
        return _of_landscape(objective.landscape, view)
    dim = objective.dim
    if dim <= 2:
        shown = _view(objective, paths, range(dim))
        beyond = () if objective.bounds_origin == "given" else _beyond(shown, paths, view.say)
        return Projection(np.zeros(dim), np.eye(dim), shown, objective.variables[:dim], beyond)
    if isinstance(view.plane, list):
        return _on_coordinates(objective, [int(place) for place in view.plane], view, paths)
    if view.at is not None:
        words = "a point goes with a plane of two coordinates, as in plane: [0, 1]"
        raise InputError(words, ("view", "at"), code="conflict")
    return _on_paths(objective, paths, view) if paths else _on_coordinates(objective, [0, 1], view, paths)


def _of_landscape(landscape: Landscape, view: View) -> Projection:
    wanted = None if view.plane is None else plane_name(view.plane)
    computed = "`gdsim render` and gdsim.simulate compute another one"
    if not landscape.plane:
        message = f"the network has no landscape yet; {computed}"
        raise InputError(message, ("view", "plane"), code="missing")
    if wanted not in (None, landscape.plane):
        message = f"the loss was computed on the plane {landscape.plane}, not {wanted}; {computed}"
        raise InputError(message, ("view", "plane"), code="conflict")
    if view.examples is not None and min(view.examples, landscape.total_examples) != landscape.examples:
        message = f"the loss was computed on {landscape.examples} examples, not on {view.examples}; {computed}"
        raise InputError(message, ("view", "examples"), code="conflict")
    marks = tuple(zip(landscape.marks, landscape.mark_names, strict=True))
    words = plane_words(landscape, view.say)
    return Projection(np.zeros(2), np.eye(2), landscape.bounds, directions(view.say), words, marks)


def directions(say: Language) -> tuple[str, ...]:
    """Return the names of the axes of a plane that contains no coordinate axis."""
    return tuple(say("direction {n}", n=n) for n in (1, 2))


def _on_coordinates(objective: Objective, plane: list[int], view: View, paths: Sequence[FloatArray]) -> Projection:
    dim, at, say = objective.dim, view.at, view.say
    if max(plane) >= dim:
        raise InputError(f"must be two of the coordinates 0 to {dim - 1}, not {plane}", ("view", "plane"))
    if at is not None and len(at) != dim:
        raise InputError(f"must have {dim} coordinates, as {objective.title} has here, not {len(at)}", ("view", "at"))
    if at is not None:
        origin, where = np.array(at, np.float64), say("the others as given")
    elif len(objective.minima):
        origin, where = objective.minima[0].copy(), say("the others at the minimum")
    else:
        origin, where = objective.bounds.mean(-1), say("the others in the middle")
    origin[plane] = 0.0
    bounds = _view(objective, paths, plane)
    names = tuple(map(coordinate_name, plane))
    short = say("section {names} of dim {dim}", names=", ".join(names), dim=dim)
    return Projection(origin, np.eye(dim)[plane], bounds, names, (f"{short}, {where}", short))


def coordinate_name(index: int) -> str:
    """Return the name of a coordinate of more than two, such as "x₃"."""
    return "x" + str(index + 1).translate(SUBSCRIPTS)


def _on_paths(objective: Objective, paths: Sequence[FloatArray], view: View) -> Projection:
    say, points = view.say, np.concatenate([path.reshape(-1, objective.dim) for path in paths])
    bounds = with_starts(objective, paths)
    # Points that diverged would dominate the variance.
    points = points[near(points, bounds)]
    plane = str(view.plane or "pca")
    origin = points.mean(0) if plane == "pca" else _end(paths[0][:, 0], first=plane == "hessian_start")
    offsets = points - origin
    axes = _principal(offsets) if plane == "pca" else _eigenvectors(objective, origin)
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    coordinates = offsets @ axes.T
    middle = (coordinates.min(0) + coordinates.max(0)) / 2
    half = 0.6 * (coordinates.max(0) - coordinates.min(0)).max() or 0.25 * float(np.diff(bounds).max())
    dim, total = objective.dim, (offsets**2).sum()
    where = say(PLANES[plane], dim=dim)
    words: tuple[str, ...] = (where, say("plane of dim {dim}", dim=dim))
    if total > 0:
        share = f"{100 * (coordinates**2).sum() / total:.3g} %"
        held = say("{share} of their variance", share=share)
        words = (f"{where}, {held}", say("{share} of the paths' variance", share=share))
    return Projection(origin, axes, np.stack([middle - half, middle + half], -1), directions(say), words)


def _end(path: FloatArray, *, first: bool) -> FloatArray:
    """Return the first or the last of the points (n, dim) that are not NaN."""
    return np.asarray(path[np.isfinite(path).all(-1)][0 if first else -1])


def _eigenvectors(objective: Objective, point: FloatArray) -> FloatArray:
    """Return the eigenvectors (2, dim) of the two largest eigenvalues of the Hessian at a point (dim,)."""
    hessian = objective.hessians(point)
    if not np.isfinite(hessian).all():
        raise InputError(f"the Hessian of {objective.title} is not finite there", ("view", "plane"))
    return np.asarray(np.linalg.eigh(hessian)[1][:, :-3:-1].T)


def _principal(offsets: FloatArray) -> FloatArray:
    """Return the two orthonormal directions along which offsets (n, dim) vary most, (2, dim)."""
    n, dim = offsets.shape
    if not 2 <= n < dim:
        return np.asarray(np.linalg.eigh(offsets.T @ offsets)[1][:, :-3:-1].T)
    # With fewer points than dimensions, the n × n Gram matrix is cheaper than the covariance matrix.
    largest = np.linalg.eigh(offsets @ offsets.T)[1][:, :-3:-1]
    return np.asarray(np.linalg.qr(offsets.T @ largest)[0].T)


def near(points: FloatArray, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Return which points (…, dim) are within bounds (dim, 2), or beyond them by at most their span: (…)."""
    span = bounds[:, 1] - bounds[:, 0]
    return inside(points, np.stack([bounds[:, 0] - AWAY * span, bounds[:, 1] + AWAY * span], -1))


def _view(objective: Objective, paths: Sequence[FloatArray], coordinates: Sequence[int]) -> FloatArray:
    """Return the bounds of a view of some coordinates, (k, 2): one from the catalogue is widened to hold paths.

    As many starts as possible are held completely within a view up to `WIDEST` times as wide as it would be otherwise.
    """
    bounds = with_starts(objective, paths)[coordinates]
    if not paths or objective.bounds_origin != "catalog":
        return bounds
    points = np.concatenate([path[..., coordinates] for path in paths], axis=1)
    span = bounds[:, 1] - bounds[:, 0]
    # Rows of a start that failed are NaN.
    low, high = _with_margin(bounds, np.nanmin(points, axis=0), np.nanmax(points, axis=0))
    order = np.argsort(((high - low) / span).max(-1))
    low, high = np.minimum.accumulate(low[order]), np.maximum.accumulate(high[order])
    fits = (high - low <= WIDEST * span).all(-1)
    return np.stack([low[fits][-1], high[fits][-1]], -1) if fits.any() else bounds


def _beyond(bounds: FloatArray, paths: Sequence[FloatArray], say: Language) -> tuple[str, ...]:
    """Return how much farther paths go than a view (dim, 2) that nobody chose reaches; empty if it holds them."""
    middle, half = bounds.mean(1), (bounds[:, 1] - bounds[:, 0]) / 2
    farthest = max((float(np.nanmax(np.abs(path - middle) / half, initial=0.0)) for path in paths), default=0.0)
    times = number(farthest, 2)
    return (say("paths go {n} times as far as the view", n=times),) if farthest > 1 + 1e-9 else ()


def with_starts(objective: Objective, paths: Sequence[FloatArray]) -> FloatArray:
    """Return the bounds of an objective, (dim, 2), extended to include the start of every path unless they are fitted.

    Each path has shape (steps + 1, starts, dim). Fitted bounds lack only those starts that are far from all others.
    """
    bounds = objective.bounds
    if objective.bounds_origin == "fitted":
        return bounds
    starts = np.concatenate([path[0] for path in paths]) if paths else np.empty((0, len(bounds)))
    low, high = np.vstack([bounds[:, 0], starts]).min(0), np.vstack([bounds[:, 1], starts]).max(0)
    return np.stack(_with_margin(bounds, low, high), -1)


def _with_margin(bounds: FloatArray, low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the bounds (dim, 2), extended to low and high (…, dim) with a margin where these are outside."""
    margin = 0.05 * (np.maximum(high, bounds[:, 1]) - np.minimum(low, bounds[:, 0]))
    low = np.where(low < bounds[:, 0], low - margin, bounds[:, 0])
    return low, np.where(high > bounds[:, 1], high + margin, bounds[:, 1])


def plane_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield settings of `plane`, `at` and `examples` that apply to none of the objectives shown together."""
    first = f"'{objectives[0].title}', which has dim {objectives[0].dim} here"
    coordinates = isinstance(view.plane, list) and isinstance(view.plane[0], int)
    given = "plane" if view.plane is not None else "at" if view.at is not None else None
    if any(each.kind == "network" for each in objectives):
        if view.at is not None or coordinates:
            message = "is for a function; the plane of a network is pca, random or two recordings"
            yield Problem(message, ("at" if view.at is not None else "plane",), "unsupported")
        return
    if view.examples is not None:
        yield Problem(f"is for a network, not for {first}", ("examples",), "unsupported")
    if given is not None and max(each.dim for each in objectives) <= 2:
        yield Problem(f"is for more than two dimensions, not for {first}", (given,), "unsupported")
    elif view.plane not in (None, *PLANES) and not coordinates:
        message = "must be two coordinates, pca or hessian for a function; random and recordings are for networks"
        yield Problem(message, ("plane",), "unsupported")


def grid_values(objective: Objective, projection: Projection, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the positions (n,) along two coordinates and the values (n, n) on their grid; NaN if not finite."""
    x, y = (np.linspace(low, high, n) for low, high in projection.bounds)
    points = np.stack(np.meshgrid(x, y), -1)
    rows = max(1, CHUNK // (n * objective.dim))
    chunks = [objective.values(projection.lift(points[row : row + rows])) for row in range(0, n, rows)]
    values = finite(np.concatenate(chunks))
    return x, y, _clipped(objective.landscape, points, values) if isinstance(objective, NetworkObjective) else values


def _clipped(landscape: Landscape, points: FloatArray, values: FloatArray) -> FloatArray:
    """Clip what the interpolation of a landscape overshoots at steep places, and where the landscape is not finite."""
    low, high = np.nanmin(landscape.values, initial=np.inf), np.nanmax(landscape.values, initial=-np.inf)
    column, row = (np.abs(points[..., i, None] - side).argmin(-1) for i, side in enumerate((landscape.x, landscape.y)))
    return np.where(np.isfinite(landscape.values[row, column]), np.clip(values, low, high), np.nan)


def visited_values(projection: Projection, trajectories: Sequence[Trajectory]) -> FloatArray:
    """Return the values of all iterates within the bounds of a projection, (n,)."""
    values = [each.values[inside(projection.project(each.points), projection.bounds)] for each in trajectories]
    return np.concatenate([np.empty(0), *values])


def has_pole(objective: Objective, projection: Projection, points: FloatArray, values: FloatArray) -> bool:
    """Return whether the values (n,) at points (n, k) decrease without bound when their minimum is sampled finely."""
    if not np.isfinite(values).any():
        return False
    top, depths = float(np.nanmedian(values)), []
    at = points[np.nanargmin(values)]
    cell = (projection.bounds[:, 1] - projection.bounds[:, 0]) / (len(values) ** (1 / points.shape[1]) - 1)
    # Asymmetric, so that no sample is at the pole itself, where the value is undefined or arbitrary.
    side = np.linspace(-0.93, 0.97, 2 * ZOOM)
    around = np.stack(np.meshgrid(*[side] * points.shape[1]), -1).reshape(-1, points.shape[1])
    for _ in range(4):
        sampled = np.clip(at + cell * around, projection.bounds[:, 0], projection.bounds[:, 1])
        found = finite(objective.values(projection.lift(sampled)))
        if not np.isfinite(found).any():
            return False
        at, cell = sampled[np.nanargmin(found)], cell / ZOOM
        depths.append(top - float(np.nanmin(found)))
    return all(deeper > STEEP * depth > 0 for depth, deeper in pairwise(depths))
