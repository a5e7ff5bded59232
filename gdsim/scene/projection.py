"""Which part of an objective's domain a picture shows: the line, the plane, or a plane through more dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from gdsim.config import View
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Landscape, Objective, inside, plane_name

__all__ = ["Kind", "Projection", "check", "choose_projection", "near", "reach"]

Kind = Literal["contour", "surface", "curve", "image"]

AWAY = 1.0
"""What lies beyond the bounds by more than so many times their span has run away."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Projection:
    """One or two directions through a point of the domain; a spot is a point of the picture.

    Args:
        kind: How it is shown: from above, as a surface in space, or as a curve.
        origin: (dim,) where the spot (0, …, 0) lies.
        axes: (k, dim) orthonormal directions, k is 1 or 2.
        bounds: (k, 2) the range of spots to show.
        names: What the directions are called, k words.
        words: What the section leaves out, to stand beside the title, in full and in short; none where it leaves
            out nothing.
    """

    kind: Kind
    origin: FloatArray
    axes: FloatArray
    bounds: FloatArray
    names: tuple[str, ...]
    words: tuple[str, ...] = ()

    def lift(self, spots: FloatArray) -> FloatArray:
        """Return the points (…, dim) of the domain that spots (…, k) stand for."""
        return self.origin + spots @ self.axes

    def project(self, points: FloatArray) -> FloatArray:
        """Return the spots (…, k) nearest to points (…, dim)."""
        return (points - self.origin) @ self.axes.T

    def distance(self, points: FloatArray) -> FloatArray:
        """Return how far points (…, dim) lie from the section, (…)."""
        return np.asarray(np.linalg.norm(points - self.lift(self.project(points)), axis=-1))


def check(objectives: Sequence[Objective], view: View) -> None:
    """Refuse a view with a key that fits none of the objectives that are shown together.

    Raises:
        InputError: The kind, a key that goes with another one, or a plane fits none of them.
    """
    for problem in view.problems(objectives):
        raise InputError(problem.sentence, ("view", *problem.path))


def choose_projection(objective: Objective, view: View, paths: Sequence[FloatArray] = ()) -> Projection:
    """Choose what to show of an objective.

    It is shown in the kind that the view names where that fits its dimensions, else in the one that does. One and two
    dimensions are shown whole. More are shown on the plane that `view.plane` names: two coordinates, the others at
    `view.at` or at the minimum; or the plane through the mean of the paths that holds most of their variance, after
    Li et al. (2018), "Visualizing the Loss Landscape of Neural Nets".

    Args:
        objective: What is shown.
        view: Gives the plane.
        paths: (steps + 1, starts, dim) each, all iterates; NaN where a row is not to count.

    Raises:
        InputError: A panel or the plane does not fit the objective.
    """
    dim, kind = objective.dim, view.kind_of(objective)
    if "distance" in view.panels and not len(objective.minima):
        words = f"distance goes with a known minimum; none of {objective.title} is known"
        raise InputError(words, ("view", "panels", view.panels.index("distance")))
    if objective.landscape is not None:
        return _of_landscape(objective.landscape, kind, view)
    if kind == "image":
        return Projection(kind, np.zeros(dim), np.eye(2, dim), reach(objective.bounds, paths)[:2], ("", ""))
    if dim <= 2:
        return Projection(kind, np.zeros(dim), np.eye(dim), reach(objective.bounds, paths), ("x", "y")[:dim])
    if isinstance(view.plane, list):
        return _of_coordinates(objective, kind, [int(place) for place in view.plane], view.at, paths)
    if view.at is not None:
        raise InputError("a point goes with a plane of two coordinates, as in plane: [0, 1]", ("view", "at"))
    if not paths:
        return _of_coordinates(objective, kind, [0, 1], None, paths)
    return _of_paths(objective, kind, paths)


def _of_landscape(landscape: Landscape, kind: Kind, view: View) -> Projection:
    """The plane on which the loss of a network was computed."""
    wanted = None if view.plane is None else plane_name(view.plane)
    computed = "`gdsim render` and gdsim.simulate compute another one"
    if not landscape.plane:
        raise InputError(f"the network has no landscape yet; {computed}", ("view", "plane"))
    if wanted not in (None, landscape.plane):
        sentence = f"what was computed is the loss on the plane {landscape.plane}, not {wanted}; {computed}"
        raise InputError(sentence, ("view", "plane"))
    if view.examples is not None and min(view.examples, landscape.of) != landscape.examples:
        sentence = f"the loss was computed on {landscape.examples} examples, not on {view.examples}; {computed}"
        raise InputError(sentence, ("view", "examples"))
    names = ("direction 1", "direction 2")
    return Projection(kind, np.zeros(2), np.eye(2), landscape.bounds, names, _words(landscape))


def _words(landscape: Landscape) -> tuple[str, ...]:
    """What the plane of a network leaves out, in full and ever shorter."""
    subset = landscape.examples < landscape.of
    some = [f"loss on {landscape.examples:,} of {landscape.of:,} examples"] * subset
    if len(landscape.origin) <= 2:
        # Nothing else is left out.
        return (some[0], some[0]) if some else ()
    weights = f"{len(landscape.origin):,} weights"
    through = " and ".join(landscape.mark_names) or landscape.plane
    where = {"pca": "plane of the paths", "random": "random plane"}.get(landscape.plane, f"plane through {through}")
    held = [landscape.held] if landscape.leaves_out else []
    whose = "their" if landscape.plane == "pca" else "the paths'"
    full = ", ".join([f"{where} in {weights}", *(f"{share} of {whose} variance" for share in held), *some])
    if not held:
        return full, ", ".join([f"plane of {weights}", *some])
    share = f"{held[0]} of the paths' variance"
    shorter = (f"plane: {', '.join([share, *some])}",)
    if not subset:
        return full, *shorter, share
    few = f"{held[0]} of variance, {landscape.examples:,} examples"
    return full, *shorter, f"plane: {few}", few


def _of_coordinates(
    objective: Objective, kind: Kind, plane: list[int], at: list[float] | None, paths: Sequence[FloatArray]
) -> Projection:
    dim = objective.dim
    if max(plane) >= dim:
        raise InputError(f"must be two of the coordinates 0 to {dim - 1}, not {plane}", ("view", "plane"))
    if at is not None and len(at) != dim:
        raise InputError(f"must have {dim} coordinates, as {objective.title} has here, not {len(at)}", ("view", "at"))
    if at is not None:
        origin, where = np.array(at, np.float64), "the others as given"
    elif len(objective.minima):
        origin, where = objective.minima[0].copy(), "the others at the minimum"
    else:
        origin, where = objective.bounds.mean(-1), "the others in the middle"
    origin[plane] = 0.0
    bounds = reach(objective.bounds, paths)[plane]
    names = tuple("x" + str(i + 1).translate(SUBSCRIPTS) for i in plane)
    short = f"section {names[0]}, {names[1]} of dim {dim}"
    words = (f"{short}, {where}", short)
    return Projection(kind, origin, np.eye(dim)[plane], bounds, names, words)


def _of_paths(objective: Objective, kind: Kind, paths: Sequence[FloatArray]) -> Projection:
    points = np.concatenate([path.reshape(-1, objective.dim) for path in paths])
    bounds = reach(objective.bounds, paths)
    # What ran away would turn the plane towards itself.
    points = points[near(points, bounds)]
    origin = points.mean(0)
    offsets = points - origin
    axes = _principal(offsets)
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    spots = offsets @ axes.T
    middle = (spots.min(0) + spots.max(0)) / 2
    half = 0.6 * (spots.max(0) - spots.min(0)).max() or 0.25 * float(np.diff(bounds).max())
    dim, total = objective.dim, (offsets**2).sum()
    words: tuple[str, ...] = (f"plane of the paths in dim {dim}", f"plane of dim {dim}")
    if total > 0:
        held = f"{100 * (spots**2).sum() / total:.3g} %"
        words = (f"{words[0]}, {held} of their variance", f"{held} of the paths' variance")
    bounds = np.stack([middle - half, middle + half], -1)
    return Projection(kind, origin, axes, bounds, ("direction 1", "direction 2"), words)


def _principal(offsets: FloatArray) -> FloatArray:
    """The two orthonormal directions along which offsets (n, dim) vary most, (2, dim)."""
    n, dim = offsets.shape
    if not 2 <= n < dim:
        return np.asarray(np.linalg.eigh(offsets.T @ offsets)[1][:, :-3:-1].T)
    # Few points span few directions: it takes less to compare the points with each other than the coordinates.
    most = np.linalg.eigh(offsets @ offsets.T)[1][:, :-3:-1]
    return np.asarray(np.linalg.qr(offsets.T @ most)[0].T)


def near(points: FloatArray, bounds: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which of points (…, dim) lie within bounds (dim, 2), or beyond them by no more than their span: (…)."""
    span = bounds[:, 1] - bounds[:, 0]
    return inside(points, np.stack([bounds[:, 0] - AWAY * span, bounds[:, 1] + AWAY * span], -1))


def reach(bounds: FloatArray, paths: Sequence[FloatArray]) -> FloatArray:
    """Return bounds (dim, 2) wide enough for every start of paths (steps + 1, starts, dim)."""
    starts = np.concatenate([path[0] for path in paths]) if paths else np.empty((0, len(bounds)))
    low, high = np.vstack([bounds[:, 0], starts]).min(0), np.vstack([bounds[:, 1], starts]).max(0)
    room = 0.05 * (high - low)
    low = np.where(low < bounds[:, 0], low - room, low)
    high = np.where(high > bounds[:, 1], high + room, high)
    return np.stack([low, high], -1)
