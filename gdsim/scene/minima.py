"""Paths by the minimum that they reach, so that colours show which starts lead where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import NEAR, norms
from gdsim.config import View
from gdsim.errors import InputError
from gdsim.languages import Language
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.simulation import Trajectory
from gdsim.themes import Theme

MANY = 8  # the number of starts from which on paths have the colours of minima by default


def by_minimum(trajectories: Sequence[Trajectory], view: View, theme: Theme) -> list[Trajectory]:
    """Return the paths as one trajectory per minimum that they reach, if the view colours them so.

    Those that fail, or end near no known minimum, are the last one, in the theme's quiet colour. If more minima are
    reached than the theme has colours, the least frequent ones are among them.

    Raises:
        InputError: The view asks for these colours, but there are several optimizers, or no minimum is known.
    """
    first, count = trajectories[0], len(trajectories)
    known = np.concatenate([first.objective.minima, first.objective.local_minima])
    if view.color_by == "minimum" and (count > 1 or not len(known) or first.is_ensemble):
        reason = f"there are {count} trajectories" if count > 1 else f"none of {first.objective.title} is known"
        reason = "an ensemble is shown by one run" if first.is_ensemble else reason
        message = f"minimum goes with one optimizer on a function with known minima; {reason}"
        raise InputError(message, ("view", "color_by"), code="conflict")
    many = len(first.stops) >= MANY and not first.is_ensemble
    by_default = view.color_by is None and count == 1 and many and len(known) > 1
    if not by_default and view.color_by != "minimum":
        return [*trajectories]
    reached = reached_minima(first, known)
    counts = np.bincount(reached[reached >= 0], minlength=len(known))
    shown = [i for i in np.argsort(-counts, kind="stable").tolist() if counts[i]][: len(theme.paths)]
    say = view.say
    labels = [say("to {point}", point=point_text(known[i])) for i in shown]
    looks = zip(shown, labels, theme.paths, strict=False)
    parts = [_part(first, reached == i, label, color, say) for i, label, color in looks]
    rest = ~np.isin(reached, shown)
    return [*parts, _part(first, rest, say("elsewhere"), theme.quiet, say)] if rest.any() else parts


def reached_minima(trajectory: Trajectory, minima: FloatArray) -> npt.NDArray[np.intp]:
    """Return the index of the minimum, of (m, dim), near which each start ends, (starts,); −1 for none."""
    apart = np.stack([norms(trajectory.points[-1] - minimum) for minimum in minima])
    near = apart.min(0) <= NEAR * trajectory.objective.diagonal
    complete = np.array([not stop.failed for stop in trajectory.stops])
    return np.where(near & complete, apart.argmin(0), -1)


def _part(trajectory: Trajectory, chosen: npt.NDArray[np.bool_], label: str, color: str, say: Language) -> Trajectory:
    """Return some starts of a trajectory, with a label, a colour, and their number instead of the settings."""
    settings = say("{k} of {n} starts", k=chosen.sum(), n=len(chosen))
    return replace(trajectory.subset(chosen), label=label, settings=settings, color=color)


def point_text(point: FloatArray) -> str:
    """Return a point (dim,) as text, such as "(3, 2)" or "x = 3"."""
    written = [number(round(x, 2) + 0.0, 3) for x in point[:3].tolist()] + ["…"] * (len(point) > 3)
    return f"x = {written[0]}" if len(point) == 1 else f"({', '.join(written)})"
