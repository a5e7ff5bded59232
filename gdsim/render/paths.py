"""What shows paths: circles around the starts, trails, and the tangents at the heads."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import DPI, Canvas
from gdsim.render.display_list import CIRCLE, DropLines, Moment, Tangents, Viewport
from gdsim.render.painter import Painter
from gdsim.render.strands import fan
from gdsim.render.trail import BoolArray, Trail, TrailStyle, settled
from gdsim.scene.model import Facet, Path, Style

# Lengths in ems.
FULL = 22.0  # the shorter side of a view below which heads shrink with it, and lines with its square root
DROP_DASH = (0.2, 0.4)  # the on and off lengths of the line from a surface down to its plane
TANGENT = 3.2  # the length of a tangent on either side of its point

# Widths in units of `Canvas.line`.
FOOT, TANGENT_WIDTH = 0.07, 0.12  # of the line down to a foot, and of the tangent
FLOW = 0.1  # of the gradient flow

TAPER = 0.5  # the width at the beginning of a path, as a fraction of the width at its head
DOT = 1.75  # the diameter of a dot, in widths of its path
SMALLEST = 0.6  # the minimum scale of heads and lines
FOOT_ALPHA = 0.6  # the opacity of the line down to a foot
FLOW_CASING, HIDDEN_FLOW = 2.4, 0.4  # the width of its border with it, in its widths, and its opacity where hidden
FARTHEST = 1e7  # the absolute value to which positions in pixels are clipped


def trail_style(canvas: Canvas, style: Style, *, casing: str, cased: bool = False, scale: float = 1.0) -> TrailStyle:
    """Return the style of a trail, which is heavy for few starts and thin for many."""
    em, line, few = scale * canvas.em, scale**0.5 * canvas.line, not style.thin
    return TrailStyle(
        color=style.color,
        casing=casing,
        casing_width=max((0.076 if few else 0.05) * line, 0.6) if cased else 0.0,
        width=max((0.19 if few else 0.1) * line, 1.0),
        dash=style.dash,
        marker=style.marker,
        head_size=(0.95 if few else 0.6) * em,
    )


def path_style(viewport: Viewport, path: Path) -> TrailStyle:
    """Return the style of a path in a view."""
    canvas, scale = viewport.canvas, _scale(viewport)
    style = trail_style(canvas, path.style, casing=canvas.theme.casing, cased=True, scale=scale)
    style = replace(style, taper=1.0 if path.style.thin else TAPER)
    return replace(style, dot_size=DOT * style.width) if canvas.scene.dots else style


def make_trail(
    viewport: Viewport,
    drawn: Path,
    pixels: FloatArray,
    style: TrailStyle,
    *,
    hidden: BoolArray | None = None,
    path: int | None = None,
) -> Trail:
    """Return the trail of a path with the vertices `pixels`, (n, starts, 2), in a view."""
    scene = viewport.canvas.scene
    optimizer, fans = scene.styles.index(drawn.style), path is not None and not (drawn.style.thin or scene.vectors)
    return Trail(
        optimizer=optimizer,
        style=style,
        times=drawn.times,
        points=settled(np.clip(pixels, -FARTHEST, FARTHEST), drawn.times, drawn.ends),
        hidden=None if hidden is None or not hidden.any() else settled(hidden, drawn.times, drawn.ends),
        fade=scene.trail,
        frames=None if viewport.turning else scene.frame_steps,
        path=path,
        fan=fan(optimizer, len(scene.styles), style.head_size) if fans else (0.0, 0.0),
    )


def add_starts(facet: Facet, viewport: Viewport, moment: Moment) -> Artist:
    """Add circles around the starts to the figure, and return them as an artist."""
    canvas = viewport.canvas

    def draw(renderer: RendererBase) -> None:
        draw_starts(facet, viewport, moment, Painter(renderer, viewport.bounds, canvas.figure.dpi / DPI))

    return canvas.drawing(draw)


def draw_starts(facet: Facet, viewport: Viewport, moment: Moment, painter: Painter) -> None:
    """Draw what is below the trails: the gradient flow, and circles around the starts.

    The circles have the colors of paths that have starts of their own.
    """
    if not facet.paths:
        return
    scale, canvas, theme = _scale(viewport), viewport.canvas, viewport.canvas.theme
    if facet.flow.size:
        _draw_flow(facet, viewport, moment, painter, FLOW * scale * canvas.line)
    every = np.concatenate([path.points[0] for path in facet.paths])
    starts, line = np.unique(every, axis=0), scale * canvas.line
    own = len(facet.paths) > 1 and len(starts) == len(every)
    groups = [(path.points[0], path.style.color) for path in facet.paths] if own else [(starts, theme.text)]
    diameter = (0.95 if len(starts) <= 8 else 0.5) * scale * canvas.em
    for points, color in groups:
        centers = viewport.pixels(points, moment)
        circles = centers[np.isfinite(centers).all(-1), None] + CIRCLE * diameter
        painter.stroke(circles, theme.casing, 0.26 * line)
        painter.stroke(circles, color, 0.1 * line)


def _draw_flow(facet: Facet, viewport: Viewport, moment: Moment, painter: Painter, width: float) -> None:
    seen = inside(facet.flow[..., :2], facet.limits) if facet.flow.shape[-1] == 3 else np.isfinite(facet.flow).all(-1)
    lines = np.clip(viewport.pixels(facet.flow, moment), -FARTHEST, FARTHEST).swapaxes(0, 1)
    theme, covered = viewport.canvas.theme, viewport.hidden(facet.flow, moment)
    shown, hidden = (np.asarray(each[1:] & each[:-1]).T for each in (seen & ~covered, seen & covered))
    painter.stroke(lines, theme.text, width, shown=hidden, alpha=HIDDEN_FLOW)
    for color, wide in ((theme.casing, FLOW_CASING * width), (theme.text, width)):
        painter.stroke(lines, color, wide, "round", shown=shown)


def _scale(viewport: Viewport) -> float:
    """Return the factor on sizes in a view, which is less than 1 in a small view."""
    side = min(viewport.box.width, viewport.box.height) / viewport.canvas.em
    return min(1.0, max(side / FULL, SMALLEST))


def drop_lines(canvas: Canvas, trail: Trail, foot: Trail, *, shadow: float = 0.0) -> DropLines:
    """Return the lines from the heads of a trail down to their feet; with shadows, of a width in heads, dashed ones."""
    # Long solid lines that move would make a GIF larger by half.
    dash = tuple(part * canvas.em for part in DROP_DASH) if shadow else ()
    return DropLines(trail, foot, FOOT * canvas.line, FOOT_ALPHA, dash, shadow * trail.style.head_size)


def tangents(facet: Facet, viewport: Viewport, path: Path, trail: Trail) -> Tangents:
    """Return the tangents of a path on a curve."""
    canvas, (across, up) = viewport.canvas, np.diff(viewport.bounds)[:, 0] / np.diff(facet.limits)[:, 0]
    assert path.slopes is not None  # noqa: S101  (for the type checker: a curve has slopes)
    return Tangents(
        trail=trail,
        slopes=settled(path.slopes, path.times, path.ends) * up / across,
        reach=TANGENT * canvas.em,
        width=TANGENT_WIDTH * canvas.line,
    )
