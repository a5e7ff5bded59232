"""Primitives that move with the heads: tangents and feet on curves, and arrows of the gradient and of the step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import ArrowStyle, HeadArrows, Tangents, iterate_stride
from gdsim.render.trail import Trail, settled
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import Facet, Path, lengths

SHORTEST, LONGEST = 0.35, 4.6
"""The minimum length of an arrow that is drawn, and the length of the largest gradient, in ems."""

TANGENT = 3.2
"""The length of a tangent on either side of its point, in ems."""

FOOT, TANGENT_WIDTH, FOOT_ALPHA = 0.07, 0.12, 0.6
"""The widths of the line down to a foot and of the tangent, in units of `Canvas.line`, and the opacity of the
former."""

ARROW, STEP, EDGE = 0.16, 0.24, 0.06
"""The widths of the arrows of the gradient and of the step, in units of `Canvas.line`, and of their edges, in ems."""


def tangents(canvas: Canvas, facet: Facet, viewport: Viewport, path: Path, trail: Trail, foot: Trail) -> Tangents:
    """Return the tangents of a path on a curve, and the lines down to its feet."""
    box, limits = viewport.box, facet.limits
    across, up = np.array([box.width, box.height]) / (limits[:, 1] - limits[:, 0])
    assert path.slopes is not None  # noqa: S101  (for the type checker: a curve has slopes)
    return Tangents(
        trail=trail,
        foot=foot,
        slopes=settled(path.slopes, path.times, path.ends) * up / across,
        reach=TANGENT * canvas.em,
        width=TANGENT_WIDTH * canvas.line,
        foot_width=FOOT * canvas.line,
        foot_alpha=FOOT_ALPHA,
    )


def head_arrows(
    canvas: Canvas, facet: Facet, viewport: Viewport, trails: Sequence[Trail], moment: Moment, *, level: bool = False
) -> Iterator[HeadArrows]:
    """Yield for each path the arrows of the gradient and its negative, and then those of the step taken.

    On a surface, `trails` are the shadows. If the camera turns, only the arrows of `moment` are included. If `level` is
    true, steps are drawn horizontally.
    """
    theme, em, line = canvas.theme, canvas.em, canvas.line
    edge = EDGE * em
    for path, trail in zip(facet.paths, trails, strict=True) if canvas.scene.vectors else ():
        steps = _steps(canvas, len(path.gradients), moment if viewport.turning else None)
        places, last = path.points[np.searchsorted(path.times, steps)], len(trail.times) - 1
        tails, tips = (trail.points[np.minimum(np.searchsorted(trail.times, steps + i), last)] for i in (0, 1))
        hidden, next_hidden = (np.array([trail.hidden_at(float(step + i)) for step in steps]) for i in (0, 1))
        seen = np.isfinite(tails).all(-1) & viewport.inside(tails) & (steps[:, None] <= path.ends) & ~hidden
        uphill = viewport.directions(places, path.gradients[steps], facet.limits, moment)
        uphill *= LONGEST * em * lengths(path.gradients)[steps, :, None]
        taken = (tips - tails) * [1.0, 0.0 if level else 1.0]
        gradient = (
            ArrowStyle(theme.text, theme.casing, edge, ARROW * line),
            ArrowStyle(theme.page, theme.text, edge, ARROW * line, factor=-1.0),
        )
        yield HeadArrows(trail, steps, _drawable(uphill, seen, em), gradient)
        step_style = ArrowStyle(path.style.color, theme.casing, edge, STEP * line)
        yield HeadArrows(trail, steps, _drawable(taken, seen & ~next_hidden, em), (step_style,))


def _steps(canvas: Canvas, count: int, moment: Moment | None) -> npt.NDArray[np.int64]:
    """Return the iterates that have arrows: those of the frames and the web page, or that of one moment."""
    if moment is not None:
        return np.array([min(int(moment.time), count - 1)])
    of_frames = np.minimum(canvas.scene.frame_steps.astype(np.int64), count - 1)
    of_page = np.append(np.arange(0, count, iterate_stride(canvas.scene)), count - 1)
    return np.unique(np.concatenate([of_frames, of_page]))


def _drawable(vectors: FloatArray, seen: npt.NDArray[np.bool_], em: float) -> FloatArray:
    """Return vectors, (…, 2), with NaN for those that are not seen, (…), or are too short for an arrow."""
    with np.errstate(invalid="ignore"):
        long = np.linalg.norm(vectors, axis=-1) >= SHORTEST * em
    return np.where((seen & long)[..., None], vectors, np.nan)
