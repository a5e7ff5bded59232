"""What optimizers hold, as pictures show it: arrows and outlines at the heads of paths, and arrays by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gdsim.analysis.metrics import last_steps
from gdsim.config import View
from gdsim.config.presentation import StatePanel
from gdsim.errors import InputError, Key, Problem, did_you_mean
from gdsim.objectives import FloatArray, Objective
from gdsim.scene.projection import Projection
from gdsim.simulation import Trajectory

HELD: Mapping[str, Sequence[str]] = {
    "momentum": ("momentum_buffer", "exp_avg", "momentum", "m"),
    "preconditioner": ("effective_rate",),
    "effective_rate": ("effective_rate",),
    "trust": ("trust",),
}
"""The names in the state of what views and panels show, of which the first that a class has is shown."""

OUTLINES = ("preconditioner", "trust")


def held(trajectory: Trajectory, what: str) -> FloatArray | None:
    """Return what an optimizer holds of a name in the state or in `HELD`, (steps + 1, starts, …); None for nothing."""
    return next((trajectory.state[name] for name in HELD.get(what, (what,)) if name in trajectory.state), None)


def held_by(trajectories: Sequence[Trajectory], what: str, key: Key) -> dict[int, FloatArray]:
    """Return what each optimizer holds of a name, as `held` does, by the index of its trajectory.

    Raises:
        InputError: No optimizer holds it, or the state was not recorded; the key is the given one.
    """
    found = {i: array for i, each in enumerate(trajectories) if (array := held(each, what)) is not None}
    if not found:
        known = list(dict.fromkeys(name for each in trajectories for name in each.state))
        labels = " and ".join(dict.fromkeys(each.label for each in trajectories))
        recorded = f"; recorded are {', '.join(known)}" if known else "; no state was recorded"
        message = f"{labels} holds no {what}{did_you_mean(what, known) or recorded}"
        raise InputError(message, key, code="unsupported")
    return found


def missing_notes(trajectories: Sequence[Trajectory], view: View) -> Iterator[str]:
    """Yield a sentence for each part of a view that some optimizers hold nothing for."""
    parts = {each: HELD[each] for each in (*view.vectors, *view.panels) if isinstance(each, str) and each in HELD}
    parts |= {each.state: (each.state,) for each in view.panels if isinstance(each, StatePanel)}
    for name, names in parts.items():
        if labels := dict.fromkeys(each.label for each in trajectories if not each.state.keys() & set(names)):
            yield f"{name} is not drawn for {', '.join(labels)}, whose class holds none."


def vector_problems(objectives: Sequence[Objective], view: View) -> Iterator[Problem]:
    """Yield what cannot be drawn at the heads of paths on the objectives; keys are relative to `view`."""
    for index, name in enumerate(view.vectors):
        if name in HELD and any(each.kind != "function" for each in objectives):
            message = f"{name} goes with a function; of a network only norms of the state are recorded"
            yield Problem(message, ("vectors", index), "unsupported")
        elif name in OUTLINES and any(each.dim == 1 for each in objectives):
            yield Problem(f"{name} goes with two coordinates or more", ("vectors", index), "unsupported")


def check_vectors(trajectories: Sequence[Trajectory], view: View) -> None:
    """Raise an InputError if no optimizer holds something that the view draws at heads."""
    for index, name in enumerate(view.vectors):
        if name in HELD:
            held_by(trajectories, name, ("view", "vectors", index))


def at_heads(trajectory: Trajectory, projection: Projection, view: View) -> dict[str, FloatArray]:
    """Return what a view draws at the heads from the state, by the names in `view.vectors`.

    At the last iterate, it is what the optimizer holds after the last update.

    Returns:
        For `momentum` the negative of the buffer along the c coordinates shown, (steps + 1, starts, c); for outlines
        the matrix, (steps + 1, starts, 2, 2), that maps a circle or a square around 0 to what is drawn.
    """
    drawn: dict[str, FloatArray] = {}
    rows = np.minimum(np.arange(len(trajectory.points))[:, None], np.maximum(last_steps(trajectory) - 1, 0))
    for index, name in enumerate(view.vectors):
        if name not in HELD or (array := held(trajectory, name)) is None:
            continue
        if array.shape != trajectory.points.shape:
            message = f"{trajectory.label} holds no {name} with one number per coordinate"
            raise InputError(message, ("view", "vectors", index), code="unsupported")
        if name == "trust" and not np.isin(projection.axes, (0, 1)).all():
            message = "trust goes with two of the coordinates; add plane: [0, 1]"
            raise InputError(message, ("view", "vectors", index), code="conflict")
        kept = np.nan_to_num(array[rows, np.arange(array.shape[1])], nan=0.0, posinf=0.0, neginf=0.0)
        drawn[name] = _extents(kept, projection) if name in OUTLINES else -kept @ projection.axes.T
    return drawn


def _extents(sizes: FloatArray, projection: Projection) -> FloatArray:
    """Return the matrices, (…, 2, 2), of the shadows on the plane of ellipsoids with semi-axes `sizes`, (…, dim).

    A matrix is the square root of A D² Aᵀ, with the directions A of the plane and the semi-axes on the diagonal of D.
    """
    scale = np.maximum(np.abs(sizes).max(-1, keepdims=True), np.finfo(np.float64).tiny)
    along = projection.axes * (sizes / scale)[..., None, :]
    squares, directions = np.linalg.eigh(along @ along.swapaxes(-1, -2))
    roots = np.sqrt(np.maximum(squares, 0.0))[..., None, :]
    return np.asarray(directions * roots @ directions.swapaxes(-1, -2) * scale[..., None])
