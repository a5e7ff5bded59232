"""What moves in views and panels, as primitives: trails with their heads, starts, and what a kind of view adds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray, inside
from gdsim.render.canvas import Canvas
from gdsim.render.display_list import Cursor, HeadArrows, Primitive, Rings
from gdsim.render.exits import exit_marks
from gdsim.render.head_artists import gradient_arrows, tangents
from gdsim.render.image_layers import image_frames, revealed_row
from gdsim.render.panels import strip_places
from gdsim.render.panels.images import tile_places
from gdsim.render.trail import Trail, TrailStyle, settled
from gdsim.render.viewport import START, Moment, Viewport
from gdsim.scene import (
    FEW_STARTS,
    ContourModel,
    CurveModel,
    CurvesPanel,
    Facet,
    Heatmap,
    ImageGrid,
    ImageSequence,
    PanelCurve,
    Path,
    Style,
    SurfaceModel,
)
from gdsim.themes import mix

__all__ = [
    "PANELS",
    "VIEWS",
    "contour_primitives",
    "curve_primitives",
    "curves_primitives",
    "heatmap_primitives",
    "image_primitives",
    "images_primitives",
    "make_trail",
    "path_scale",
    "path_style",
    "start_rings",
    "surface_primitives",
    "trail_style",
]

BoolArray = npt.NDArray[np.bool_]

FULL, SMALLEST = 14.0, 0.6
"""A view whose shorter side has fewer ems than this has smaller heads and thinner lines, down to this share."""

FAR = 1e7
"""Places farther away than this, in pixels, are drawn at this distance."""

FEET = 0.085
"""Over which share of a curve's height, from below, the lanes of the feet are spread."""

SHADOW_ALPHA = 0.5
"""The opacity of a path's shadow in the plane below a surface."""

FAINT_HEAD = 0.7
"""The size of the head of a faint curve, in units of that of the others."""

FINE, COARSE = 1.0, 6.0
"""How many pixels of a path share one test of whether a surface hides them: of few paths, and of many."""

CURSOR_TIMES = 512
"""At about how many times a cursor knows its place."""


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


def path_scale(canvas: Canvas, viewport: Viewport) -> float:
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
        scale=path_scale(canvas, viewport),
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
        points=settled(np.clip(pixels, -FAR, FAR), drawn.times, drawn.ends),
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
    scale, theme = path_scale(canvas, viewport), canvas.theme
    em, line = scale * canvas.em, scale * canvas.line
    return [
        Rings(
            points=viewport.pixels(starts, moment),
            diameter=(0.95 if len(starts) <= 8 else 0.5) * em,
            strokes=((theme.casing, 0.26 * line), (theme.text, 0.1 * line)),
        )
    ]


def contour_primitives(canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
    """Return what moves over a contour plot."""
    trails = [
        make_trail(viewport, each, viewport.pixels(each.points, moment), path_style(canvas, viewport, each), path=i)
        for i, each in enumerate(facet.paths)
    ]
    return (
        *start_rings(canvas, facet, viewport, moment),
        *trails,
        *_arrows(canvas, facet, viewport, trails, moment),
        *exit_marks(canvas, facet, viewport, moment),
    )


def _arrows(
    canvas: Canvas, facet: Facet, viewport: Viewport, trails: list[Trail], moment: Moment, *, level: bool = False
) -> Iterator[HeadArrows]:
    """The arrows at the heads of one trail per path, where the scene has them."""
    for path, trail in zip(facet.paths, trails, strict=True):
        if canvas.scene.vectors:
            yield from gradient_arrows(canvas, facet, viewport, path, trail, moment, level=level)


def curve_primitives(canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
    """Return what moves on a curve: each path, and its foot in a lane of its own."""
    trails, feet = [], []
    for i, path in enumerate(facet.paths):
        style, pixels = path_style(canvas, viewport, path, cased=False), viewport.pixels(path.points, moment)
        foot = replace(
            style, width=0.5 * style.width, dash=(), head_size=0.6 * style.head_size, dot_size=0.8 * style.dot_size
        )
        lane = np.full(pixels.shape[:2], _lane(canvas, viewport, i, len(facet.paths)))
        trails.append(make_trail(viewport, path, pixels, style, path=i))
        feet.append(make_trail(viewport, path, np.stack([pixels[..., 0], lane], -1), foot))
    both = list(zip(facet.paths, trails, feet, strict=True))
    return (
        *start_rings(canvas, facet, viewport, moment),
        *(trail for _, *pair in both for trail in pair),
        *(tangents(canvas, facet, viewport, *each) for each in both),
        *_arrows(canvas, facet, viewport, trails, moment, level=True),
        *exit_marks(canvas, facet, viewport, moment),
    )


def _lane(canvas: Canvas, viewport: Viewport, index: int, count: int) -> float:
    """How high the feet of a path are, in pixels."""
    apart = min(0.95 * canvas.em, FEET * viewport.box.height / count)
    return viewport.box.y + (index + 0.6) * apart


def surface_primitives(canvas: Canvas, facet: Facet, viewport: Viewport, moment: Moment) -> tuple[Primitive, ...]:
    """Return what moves on a surface: each path and its shadow in the plane below.

    A turning camera sees the paths up to the iterate after the moment.
    """
    trails, shadows = [], []
    for i, whole in enumerate(facet.paths):
        path = whole
        if viewport.turning:
            last = int(np.searchsorted(path.times, int(moment.time) + 1, side="right"))
            path = replace(path, times=path.times[:last], points=path.points[:last])
        style = path_style(canvas, viewport, path)
        shadow = replace(
            style,
            casing_width=0.0,
            width=0.7 * style.width,
            head_size=0.5 * style.head_size,
            dot_size=0.0,
            alpha=SHADOW_ALPHA,
            hidden_alpha=0.0,
        )
        # Nothing else cuts what leaves the surface over its edge.
        points = np.where(inside(path.points[..., :2], facet.limits)[..., None], path.points, np.nan)
        below, above = viewport.base(points, moment), viewport.pixels(points, moment)
        apart = FINE if points.shape[1] <= FEW_STARTS else COARSE
        covered = _hidden(points, below, apart, lambda some: viewport.base_hidden(some, moment))
        hidden = _hidden(points, above, apart, lambda some: viewport.hidden(some, moment))
        shadows.append(make_trail(viewport, path, below, shadow, hidden=covered))
        trails.append(make_trail(viewport, path, above, style, hidden=hidden, path=i))
    return (
        *start_rings(canvas, facet, viewport, moment),
        *(trail for pair in zip(shadows, trails, strict=True) for trail in pair),
        *_arrows(canvas, facet, viewport, shadows, moment),
        *exit_marks(canvas, facet, viewport, moment),
    )


def _hidden(points: FloatArray, pixels: FloatArray, apart: float, test: Callable[[FloatArray], BoolArray]) -> BoolArray:
    """Where paths are hidden, (n, starts), tested at one place of each stretch of some pixels.

    Args:
        points: (n, starts, 3) the paths.
        pixels: (n, starts, 2) where they are seen.
        apart: How long a stretch is, in pixels.
        test: Which of some places, (m, 3), are hidden, (m,).
    """
    moves = np.nan_to_num(np.linalg.norm(np.diff(pixels, axis=0), axis=-1), nan=apart)
    stretch = np.floor(np.cumsum(moves, axis=0) / apart)
    tested = np.ones(pixels.shape[:2], np.bool_)
    tested[1:] = np.diff(stretch, axis=0, prepend=0.0) > 0
    found = np.zeros_like(tested)
    found[tested] = test(points[tested])
    last = np.maximum.accumulate(np.where(tested, np.arange(len(tested))[:, None], 0), axis=0)
    return np.take_along_axis(found, last, axis=0)


def image_primitives(canvas: Canvas, facet: Facet, viewport: Viewport, _moment: Moment) -> tuple[Primitive, ...]:
    """Return the images of an optimizer that descends on an image."""
    assert isinstance(facet.model, ImageSequence)  # noqa: S101
    return (image_frames(canvas, facet.model, viewport.box, facet.style),)


def curves_primitives(canvas: Canvas, panel: CurvesPanel, viewport: Viewport) -> tuple[Primitive, ...]:
    """Return the curves of a panel."""
    trails = [_curve_trail(canvas, curve, viewport) for curve in panel.curves]
    # The cursor is where the curve is that has come farthest.
    places = np.max([curve.points[..., 0].max(1) for curve in panel.curves], axis=0)
    low = np.full(len(places), float(panel.limits[0]))
    pixels = viewport.pixels(np.column_stack([places, low]), START)[:, 0]
    times = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), CURSOR_TIMES)).round().astype(int))
    return (*trails, Cursor(times.astype(np.float64), pixels[times]))


def _curve_trail(canvas: Canvas, curve: PanelCurve, viewport: Viewport) -> Trail:
    background, scene = canvas.theme.panel, canvas.scene
    style = trail_style(canvas, curve.style, curve.points.shape[1], casing=background, scale=0.8)
    if curve.strength < 1:
        # Mixed and not translucent, so that what is drawn twice is not stronger than the rest.
        color = mix(background, style.color, curve.strength)
        style = replace(style, color=color, head_size=FAINT_HEAD * style.head_size)
    times = np.arange(len(curve.points), dtype=np.float64)
    pixels = np.clip(viewport.pixels(curve.points, START), -FAR, FAR)
    points = settled(pixels, times, curve.ends)
    return Trail(scene.styles.index(curve.style), style, times, points, frames=len(scene))


def heatmap_primitives(canvas: Canvas, panel: Heatmap, viewport: Viewport) -> tuple[Primitive, ...]:
    """Return the heat maps of a panel, one per optimizer."""
    places = strip_places(panel, viewport.box, canvas.em)
    images = [revealed_row(canvas, panel, row, place) for row, place in zip(panel.rows, places, strict=True)]
    rect = images[0].rect
    return (*images, Cursor(np.array([0.0, panel.reach]), np.array([rect.left, rect.right], np.float64)))


def images_primitives(canvas: Canvas, panel: ImageGrid, viewport: Viewport) -> tuple[Primitive, ...]:
    """Return the images of a panel, optimizer by optimizer, and the one that all of them share."""
    rows, shared = tile_places(panel, viewport.box, canvas.em)
    images = [
        image_frames(canvas, images, place, row.style)
        for row, places in zip(panel.rows, rows, strict=True)
        for images, place in zip(row.images, places, strict=True)
    ]
    if panel.image is not None and shared is not None:
        images.append(image_frames(canvas, panel.image, shared, None))
    return tuple(images)


VIEWS = {
    ContourModel: contour_primitives,
    CurveModel: curve_primitives,
    SurfaceModel: surface_primitives,
    ImageSequence: image_primitives,
}
"""What moves, by kind of view."""

PANELS: dict[type, Callable[..., tuple[Primitive, ...]]] = {
    CurvesPanel: curves_primitives,
    Heatmap: heatmap_primitives,
    ImageGrid: images_primitives,
}
"""What moves, by kind of panel."""
