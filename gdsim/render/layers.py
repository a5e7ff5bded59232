"""What moves in views and panels, as primitives: trails with their heads, starts, and what a kind of view adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import HeadArrows, Rings
from gdsim.render.head_artists import gradient_arrows
from gdsim.render.trail import Trail, TrailStyle, settled
from gdsim.render.viewport import Moment, Viewport
from gdsim.scene import (
    FEW_STARTS,
    Facet,
    Path,
    Style,
)

__all__ = ["FARTHEST", "head_arrows", "make_trail", "path_style", "start_rings", "trail_style"]

BoolArray = npt.NDArray[np.bool_]

FULL, SMALLEST = 14.0, 0.6
"""A view whose shorter side has fewer ems than this has smaller heads and thinner lines, down to this share."""

FARTHEST = 1e7
"""Places farther away than this, in pixels, are drawn at this distance."""


def trail_style(
    canvas: Canvas, style: Style, starts: int, *, casing: str, cased: bool = False, scale: float = 1.0
) -> TrailStyle:
    """Return how a trail is drawn: heavy and dashed for an optimizer with few starts, thin and solid with many.

    Args:
        canvas: The picture.
        style: The optimizer's style.
        starts: The number of its starts.
        casing: The color of borders.
        cased: Whether the paths of few starts have a border.
        scale: What sizes are multiplied by.
    """
    em, line, few = scale * canvas.em, scale * canvas.line, starts <= FEW_STARTS
    width = max((0.17 if few else 0.1) * line, 1.0)
    return TrailStyle(
        color=style.color,
        casing=casing,
        casing_width=max(0.076 * line, 0.6) if few and cased else 0.0,
        width=width,
        dash=style.dash,
        marker=style.marker,
        head_size=(0.95 if few else 0.6) * em,
    )


def _path_scale(canvas: Canvas, viewport: Viewport) -> float:
    """Return what sizes in a view are multiplied by: less than 1 in a small one."""
    side = min(viewport.box.width, viewport.box.height) / canvas.em
    return min(1.0, max(side / FULL, SMALLEST))


def path_style(canvas: Canvas, viewport: Viewport, path: Path, *, cased: bool = True) -> TrailStyle:
    """Return how a path is drawn in a view."""
    style = trail_style(
        canvas,
        path.style,
        path.points.shape[1],
        casing=canvas.theme.casing,
        cased=cased,
        scale=_path_scale(canvas, viewport),
    )
    return replace(style, dot_size=2.1 * style.width) if canvas.scene.dots else style


def make_trail(
    viewport: Viewport,
    drawn: Path,
    pixels: FloatArray,
    style: TrailStyle,
    *,
    hidden: BoolArray | None = None,
    path: int | None = None,
) -> Trail:
    """Return the trail of a path in a view.

    Args:
        viewport: The view.
        drawn: The path.
        pixels: (n, starts, 2) its places in pixels.
        style: How it is drawn.
        hidden: (n, starts) where something hides it; None for nowhere.
        path: Its index in `Facet.paths` where these are its iterates; None for a shadow or a foot.
    """
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
    scale, theme = _path_scale(canvas, viewport), canvas.theme
    em, line = scale * canvas.em, scale * canvas.line
    return [
        Rings(
            points=viewport.pixels(starts, moment),
            diameter=(0.95 if len(starts) <= 8 else 0.5) * em,
            strokes=((theme.casing, 0.26 * line), (theme.text, 0.1 * line)),
        )
    ]


def head_arrows(
    canvas: Canvas, facet: Facet, viewport: Viewport, trails: list[Trail], moment: Moment, *, level: bool = False
) -> Iterator[HeadArrows]:
    """Yield the arrows at the heads of one trail per path, if the scene has any."""
    for path, trail in zip(facet.paths, trails, strict=True):
        if canvas.scene.vectors:
            yield from gradient_arrows(canvas, facet, viewport, path, trail, moment, level=level)
