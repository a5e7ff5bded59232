"""Styles of the trails of paths and curves, and the circles around the starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Rings
from gdsim.render.trail import Trail, TrailStyle, settled
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import FEW_STARTS, Facet, Path, Style

FULL, SMALLEST = 14.0, 0.6
"""The shorter side of a view, in ems, below which heads and lines shrink with it, and their minimum scale."""

FARTHEST = 1e7
"""The absolute value to which positions in pixels are clipped."""


def trail_style(
    canvas: Canvas, style: Style, starts: int, *, casing: str, cased: bool = False, scale: float = 1.0
) -> TrailStyle:
    """Return the style of a trail, which is heavy for an optimizer with few starts and thin for one with many."""
    em, line, few = scale * canvas.em, scale * canvas.line, starts <= FEW_STARTS
    return TrailStyle(
        color=style.color,
        casing=casing,
        casing_width=max(0.076 * line, 0.6) if few and cased else 0.0,
        width=max((0.17 if few else 0.1) * line, 1.0),
        dash=style.dash,
        marker=style.marker,
        head_size=(0.95 if few else 0.6) * em,
    )


def path_style(canvas: Canvas, viewport: Viewport, path: Path, *, cased: bool = True) -> TrailStyle:
    """Return the style of a path in a view."""
    starts, scale = path.points.shape[1], _scale(canvas, viewport)
    style = trail_style(canvas, path.style, starts, casing=canvas.theme.casing, cased=cased, scale=scale)
    return replace(style, dot_size=2.1 * style.width) if canvas.scene.dots else style


def make_trail(
    viewport: Viewport,
    drawn: Path,
    pixels: FloatArray,
    style: TrailStyle,
    *,
    hidden: npt.NDArray[np.bool_] | None = None,
    path: int | None = None,
) -> Trail:
    """Return the trail of a path with the vertices `pixels`, (n, starts, 2), in a view."""
    scene = viewport.canvas.scene
    hidden = None if hidden is None else settled(hidden, drawn.times, drawn.ends)
    return Trail(
        optimizer=scene.styles.index(drawn.style),
        style=style,
        times=drawn.times,
        points=settled(np.clip(pixels, -FARTHEST, FARTHEST), drawn.times, drawn.ends),
        hidden=hidden if hidden is not None and hidden.any() else None,
        fade=scene.trail,
        frames=len(scene),
        path=path,
    )


def start_rings(canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> list[Rings]:
    """Return the circles around the starts."""
    if not facet.paths:
        return []
    starts = np.unique(np.concatenate([path.points[0] for path in facet.paths]), axis=0)
    scale, theme = _scale(canvas, viewport), canvas.theme
    em, line = scale * canvas.em, scale * canvas.line
    diameter = (0.95 if len(starts) <= 8 else 0.5) * em
    return [Rings(viewport.pixels(starts, moment), diameter, ((theme.casing, 0.26 * line), (theme.text, 0.1 * line)))]


def _scale(canvas: Canvas, viewport: Viewport) -> float:
    """Return the factor on sizes in a view, which is less than 1 in a small view."""
    side = min(viewport.box.width, viewport.box.height) / canvas.em
    return min(1.0, max(side / FULL, SMALLEST))
