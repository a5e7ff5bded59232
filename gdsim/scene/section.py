"""Which part of an objective's domain a picture shows: the line, the plane, or a plane through more dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gdsim.config import View
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective, inside

__all__ = ["Kind", "Section", "reach", "section"]

Kind = Literal["contour", "surface", "curve"]

GOES_WITH = {
    "arrows": "contour",
    "arrows_at": "curve",
    "camera": "surface",
    "fill": "contour",
    "heights": "surface",
    "levels": "contour or surface",
}
"""With which kind a key of the view goes, or a value that not every kind has, such as stream lines."""

SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True, eq=False)
class Section:
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


def section(objective: Objective, view: View, paths: Sequence[FloatArray] = ()) -> Section:
    """Choose what to show of an objective.

    One and two dimensions are shown whole. More are shown on the plane that `view.plane` names: two coordinates,
    the others at `view.at` or at the minimum; or the plane through the mean of the paths that holds most of their
    variance, after Li et al. (2018), "Visualizing the Loss Landscape of Neural Nets".

    Args:
        objective: What is shown.
        view: Gives the plane.
        paths: (steps + 1, starts, dim) each, all iterates.

    Raises:
        InputError: The kind, a key that goes with another one, a panel or the plane does not fit the objective.
    """
    dim, kind = objective.dim, _kind(objective, view)
    _check_keys(objective, view, kind)
    if dim <= 2:
        if view.plane is not None or view.at is not None:
            key = "at" if view.plane is None else "plane"
            raise InputError(f"is for more than two dimensions; {objective.name} has dim {dim} here", ("view", key))
        return Section(kind, np.zeros(dim), np.eye(dim), reach(objective.bounds, paths), ("x", "y")[:dim])
    if isinstance(view.plane, list):
        return _of_coordinates(objective, kind, view.plane, view.at, paths)
    if view.at is not None:
        raise InputError("a point goes with a plane of two coordinates, as in plane: [0, 1]", ("view", "at"))
    if not paths:
        return _of_coordinates(objective, kind, [0, 1], None, paths)
    return _of_paths(objective, kind, paths)


def _kind(objective: Objective, view: View) -> Kind:
    kinds: tuple[Kind, ...] = ("curve",) if objective.dim == 1 else ("contour", "surface")
    if view.kind is None:
        return kinds[0]
    if view.kind not in kinds:
        words = f"must be {' or '.join(kinds)} for {objective.name}, which has dim {objective.dim} here"
        raise InputError(words, ("view", "kind"))
    return view.kind


def _check_keys(objective: Objective, view: View, kind: Kind) -> None:
    if misfits := view.misfits(kind):
        key = misfits[0]
        raise InputError(f"{'stream' if key == 'arrows' else key} goes with kind: {GOES_WITH[key]}", ("view", key))
    if "distance" in view.panels and not len(objective.minima):
        words = f"distance goes with a known minimum; none of {objective.title} is known"
        raise InputError(words, ("view", "panels", view.panels.index("distance")))


def _of_coordinates(
    objective: Objective, kind: Kind, plane: list[int], at: list[float] | None, paths: Sequence[FloatArray]
) -> Section:
    dim = objective.dim
    if max(plane) >= dim:
        raise InputError(f"must be two of the coordinates 0 to {dim - 1}, not {plane}", ("view", "plane"))
    if at is not None and len(at) != dim:
        raise InputError(f"must have {dim} coordinates, as {objective.name} has here, not {len(at)}", ("view", "at"))
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
    return Section(kind, origin, np.eye(dim)[plane], bounds, names, words)


def _of_paths(objective: Objective, kind: Kind, paths: Sequence[FloatArray]) -> Section:
    points = np.concatenate([path.reshape(-1, objective.dim) for path in paths])
    bounds = reach(objective.bounds, paths)
    # What ran away would turn the plane towards itself.
    points = points[inside(points, bounds)]
    origin = points.mean(0)
    offsets = points - origin
    variances, directions = np.linalg.eigh(offsets.T @ offsets)
    axes = directions[:, :-3:-1].T
    axes = axes * np.sign(axes[np.arange(2), np.abs(axes).argmax(1)])[:, None]
    spots = offsets @ axes.T
    middle = (spots.min(0) + spots.max(0)) / 2
    half = 0.6 * (spots.max(0) - spots.min(0)).max() or 0.25 * float(np.diff(bounds).max())
    dim, total = objective.dim, variances.sum()
    words: tuple[str, ...] = (f"plane of the paths in dim {dim}", f"plane of dim {dim}")
    if total > 0:
        held = f"{100 * variances[:-3:-1].sum() / total:.3g} %"
        words = (f"{words[0]}, {held} of their variance", f"{held} of dim {dim}")
    bounds = np.stack([middle - half, middle + half], -1)
    return Section(kind, origin, axes, bounds, ("direction 1", "direction 2"), words)


def reach(bounds: FloatArray, paths: Sequence[FloatArray]) -> FloatArray:
    """Return bounds (dim, 2) wide enough for every start of paths (steps + 1, starts, dim)."""
    starts = np.concatenate([path[0] for path in paths]) if paths else np.empty((0, len(bounds)))
    low, high = np.vstack([bounds[:, 0], starts]).min(0), np.vstack([bounds[:, 1], starts]).max(0)
    room = 0.05 * (high - low)
    low = np.where(low < bounds[:, 0], low - room, low)
    high = np.where(high > bounds[:, 1], high + room, high)
    return np.stack([low, high], -1)
