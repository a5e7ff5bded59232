"""A scene as the numbers from which its frames can be drawn elsewhere, in pixels from the upper left corner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from matplotlib.transforms import Bbox

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas
from gdsim.render.counter import Counter
from gdsim.render.exits import Note
from gdsim.render.image_layers import NOTHING, FilmScreen, Pixels, StripScreen
from gdsim.render.layers import FacetLayer, Layer, PanelLayer, StripsLayer, TilesLayer
from gdsim.render.sprites import Sheet, Sprite, outline
from gdsim.render.trail import HIDDEN, Ink, Rect, Trail, Vertices
from gdsim.render.viewport import START
from gdsim.scene import (
    ContourModel,
    CurveModel,
    CurvesPanel,
    Facet,
    Heatmap,
    ImageGrid,
    ImageSequence,
    PanelCurve,
    Path,
    Scene,
    Style,
    SurfaceModel,
)

__all__ = [
    "Band",
    "Digits",
    "Drawing",
    "Figures",
    "Pane",
    "Rail",
    "Reel",
    "Sign",
    "Sprite",
    "Trace",
    "Vectors",
    "draw",
    "film_stride",
    "outline",
    "stride",
]

FINEST = 3840
"""The ground is drawn twice as fine where it is then at most so wide: as wide as screens are."""

MOST_PLACES, MOST_ITERATES, MOST_CELLS = 450_000, 60_000, 1_500_000
"""How many places of all trails, iterates, and cells of small pictures are told at most; more of any are thinned."""

FARTHEST, HALVINGS = 1e4, 10
"""Up to how many pixels apart places may be put for that, and in how many halvings this is found."""

RAIL = 512
"""At about how many times it is told how far a panel's curves have come."""

PLANE = ("direction 1", "direction 2")
"""What the directions of a plane are called that holds none of the coordinates."""


@dataclass(frozen=True, eq=False)
class Trace:
    """The paths of one optimizer in one pane.

    Args:
        style: Which optimizer.
        ink: How they are drawn.
        fade: How many steps they are seen back from the head; None for the whole path.
        times: (n,) when each place is reached, in steps; whole numbers are iterates.
        spots: (starts, n, 2) the places; where one is NaN, the path is broken.
        veiled: (starts, n) which of them are hidden; None for none.
        whole: (m,) the times at which one stretch after the other is kept.
        slopes: (starts, n) how steep the tangent is that the head carries, down over right; None for no tangent.
    """

    style: int
    ink: Ink
    fade: int | None
    times: FloatArray
    spots: FloatArray
    veiled: npt.NDArray[np.bool_] | None
    whole: FloatArray
    slopes: FloatArray | None


@dataclass(frozen=True, eq=False)
class Figures:
    """What is known of a path's iterates.

    Args:
        trace: Which trace of the pane shows the path.
        steps: (m,) which iterates: all, or every so many.
        points: (m, starts, c) where they are, along the coordinates shown.
        values: (m, starts) the objective there.
        gradients: (m, starts, c) the gradient there, along these coordinates.
        ends: (starts,) the step up to which each path is drawn.
    """

    trace: int
    steps: npt.NDArray[np.int64]
    points: FloatArray
    values: FloatArray
    gradients: FloatArray
    ends: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Vectors:
    """The gradient that the heads of a trace carry.

    Args:
        trace: Which trace of the pane carries it.
        steps: (m,) at which iterates.
        uphill: (m, starts, 2) the arrow from head to tip; NaN where none is seen.
        level: Whether the step taken is drawn along the horizontal alone.
    """

    trace: int
    steps: npt.NDArray[np.int64]
    uphill: FloatArray
    level: bool


@dataclass(frozen=True, eq=False)
class Sign:
    """What appears where a path ends, from a time on.

    Args:
        style: Whose path.
        marker: The shape, a matplotlib letter.
        size: Its size.
        times: (n,) when each appears.
        spots: (n, 2) where.
        words: What is written beside one; None for nothing.
    """

    style: int
    marker: str
    size: float
    times: FloatArray
    spots: FloatArray
    words: Sprite | None


@dataclass(frozen=True, eq=False)
class Rail:
    """How far the curves of a panel have come.

    Args:
        times: (n,) in steps.
        places: (n,) how far to the right.
    """

    times: FloatArray
    places: FloatArray


@dataclass(frozen=True, eq=False)
class Reel:
    """Small pictures that follow each other in one place.

    Args:
        style: Whose.
        box: Their left, top, width and height, in pixels.
        steps: (n,) from which step on each is seen, ascending from 0.
        cells: (n, rows, columns) the colour of each cell, row by row from the top.
        palette: (colours, 3) the colours, the last of them for what is no number.
    """

    style: int
    box: tuple[float, float, float, float]
    steps: npt.NDArray[np.int64]
    cells: npt.NDArray[np.uint8]
    palette: npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Band:
    """A heat map that is uncovered from the left.

    Args:
        style: Whose.
        box: Its left, top, width and height, in pixels.
        times: (m,) in steps.
        places: (m,) how far to the right it is uncovered at each.
        pixels: (rows, columns, 4) the whole of it, a row a layer from the top; see-through where there is nothing.
    """

    style: int
    box: tuple[float, float, float, float]
    times: FloatArray
    places: FloatArray
    pixels: Pixels


@dataclass(frozen=True, eq=False)
class Pane:
    """A facet or a panel.

    Args:
        box: Its left, top, width and height.
        group: Which objective.
        traces: What grows in it, in the order in which it is drawn.
        figures: What is known of its paths; none for a panel.
        vectors: What the heads carry besides themselves.
        signs: What appears at its border.
        rail: For a panel over the steps, how far it has come; None for a facet.
        terms: What the point, the value and the gradient of an iterate are called; none for a panel.
        reels: The small pictures in it.
        bands: The heat maps in it.
    """

    box: tuple[float, float, float, float]
    group: int
    traces: tuple[Trace, ...]
    figures: tuple[Figures, ...] = ()
    vectors: tuple[Vectors, ...] = ()
    signs: tuple[Sign, ...] = ()
    rail: Rail | None = None
    terms: tuple[str, ...] = ()
    reels: tuple[Reel, ...] = ()
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, eq=False)
class Digits:
    """The step counter.

    Args:
        pitch: From one digit to the next.
        signs: The ten digits, as they stand at the last place.
    """

    pitch: float
    signs: tuple[Sprite, ...]


@dataclass(frozen=True, eq=False)
class Drawing:
    """All that a page needs to draw the frames of a scene itself.

    Args:
        scale: How many dots a pixel ground and sprites have along each side.
        ground: (scale · height, scale · width, 3) what stands still.
        em: The size of plain type.
        line: The unit of line widths.
        panes: Panels, then facets: the order in which they are drawn.
        digits: The step counter; None where nothing moves.
        apart: One place in so many pixels of a path's way is told, or more.
        every: One in how many iterates is told.
    """

    scale: int
    ground: Pixels
    em: float
    line: float
    panes: tuple[Pane, ...]
    digits: Digits | None
    apart: float
    every: int


def draw(scene: Scene, canvas: Canvas, layers: Sequence[Layer], counter: Counter | None) -> Drawing:
    """Return the numbers of a scene whose camera stands still.

    Args:
        scene: What is to be seen.
        canvas: The page, with all on it that does not move.
        layers: What moves: first the panels, then the facets, each group by group.
        counter: The step counter, or None.
    """
    scale = 2 if 2 * scene.size[0] <= FINEST else 1
    sheet = Sheet(canvas, scale)
    drawn = [(layer, layer.trails(START)) for layer in layers]
    most = MOST_PLACES // max(1, sum(len(trail.at(0.0)) for _, trails in drawn for trail in trails))
    every = stride(scene)
    aparts = [[_apart(trail, most) for trail in trails] for _, trails in drawn]
    panes = [
        _pane(scene, layer, _parts(trails, apart), every, sheet)
        for (layer, trails), apart in zip(drawn, aparts, strict=True)
    ]
    return Drawing(
        scale=scale,
        ground=sheet.ground(layers),
        em=canvas.em,
        line=canvas.line,
        panes=tuple(panes),
        digits=None if counter is None else _digits(counter, sheet),
        apart=max((apart for each in aparts for apart in each), default=HIDDEN),
        every=every,
    )


def stride(scene: Scene) -> int:
    """Return one in how many iterates of a scene is told."""
    count = sum(each.values.size for facet in scene.facets for each in facet.paths)
    return max(1, -(-count // MOST_ITERATES))


def film_stride(scene: Scene) -> int:
    """Return one in how many of its small pictures is told."""
    return max(1, -(-sum(film.pictures.size for film in _films(scene)) // MOST_CELLS))


def _films(scene: Scene) -> Iterator[ImageSequence]:
    for group in scene.groups:
        yield from (facet.model for facet in group.facets if isinstance(facet.model, ImageSequence))
        for panel in group.panels:
            if isinstance(panel, ImageGrid):
                yield from (film for row in panel.rows for film in row.images)


def _apart(trail: Trail, most: int) -> float:
    """How far apart, in pixels of the way, a trail's places must lie so that each path has no more than so many."""
    if len(trail.vertices().times) <= most:
        return HIDDEN
    low, high = np.log([HIDDEN, FARTHEST])
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if len(trail.vertices(float(np.exp(middle))).times) <= most:
            high = middle
        else:
            low = middle
    return float(np.exp(high))


Part: TypeAlias = tuple[Trail, Vertices]
"""A trail, and what of it is told."""


def _parts(trails: Sequence[Trail], aparts: Sequence[float]) -> list[Part]:
    return [(trail, trail.vertices(apart)) for trail, apart in zip(trails, aparts, strict=True)]


def _pane(scene: Scene, layer: Layer, parts: Sequence[Part], every: int, sheet: Sheet) -> Pane:
    if isinstance(layer, PanelLayer):
        return _panel(scene, layer, parts)
    if isinstance(layer, StripsLayer):
        return _strips(scene, layer)
    if isinstance(layer, TilesLayer):
        return _tiles(scene, layer)
    return _facet(scene, layer, parts, every, sheet)


def _strips(scene: Scene, layer: StripsLayer) -> Pane:
    bands = tuple(_band(scene, screen) for screen in layer.screens if isinstance(screen, StripScreen))
    left, _, width, _ = bands[0].box
    rail = Rail(np.array([0.0, layer.panel.reach]), np.array([left, left + width]))
    return Pane(box=_box(layer, scene.size[1]), group=_group(scene, layer.panel), traces=(), rail=rail, bands=bands)


def _band(scene: Scene, screen: StripScreen) -> Band:
    left, _, width, _ = box = _sides(screen.rect)
    end = float(screen.strip.end)
    known = screen.columns[::-1] != NOTHING
    colors = screen.colors[np.where(known, screen.columns[::-1], 0)]
    return Band(
        style=scene.styles.index(screen.strip.style),
        box=box,
        times=np.array([0.0, end]),
        places=np.array([left, left + width * end / screen.reach]),
        pixels=np.concatenate([colors, np.where(known, 255, 0)[..., None]], -1).astype(np.uint8),
    )


def _tiles(scene: Scene, layer: TilesLayer) -> Pane:
    styles = [row.style for row in layer.panel.rows for _ in row.images]
    return Pane(
        box=_box(layer, scene.size[1]),
        group=_group(scene, layer.panel),
        traces=(),
        reels=_reels(scene, styles, layer),
    )


def _reels(scene: Scene, styles: Sequence[Style], layer: Layer) -> tuple[Reel, ...]:
    films = (screen for screen in layer.screens if isinstance(screen, FilmScreen))
    return tuple(_reel(scene, style, screen) for style, screen in zip(styles, films, strict=False))


def _reel(scene: Scene, style: Style, screen: FilmScreen) -> Reel:
    count = len(screen.film.steps)
    told = np.unique(np.append(np.arange(0, count, film_stride(scene)), count - 1))
    cells = np.stack([screen.shades(number) for number in told.tolist()])
    palette = np.concatenate([screen.colors, screen.ground[None]])
    return Reel(
        style=scene.styles.index(style),
        box=_sides(screen.rect),
        steps=screen.film.steps[told],
        cells=np.where(cells == NOTHING, len(screen.colors), cells).astype(np.uint8),
        palette=palette,
    )


def _sides(rect: Rect) -> tuple[int, int, int, int]:
    """The left, top, width and height of a rectangle."""
    return rect.left, rect.top, rect.right - rect.left, rect.bottom - rect.top


def _panel(scene: Scene, layer: PanelLayer, parts: Sequence[Part]) -> Pane:
    panel, height = layer.panel, scene.size[1]
    traces = [_trace(scene, curve, part, height) for curve, part in zip(panel.curves, parts, strict=True)]
    return Pane(box=_box(layer, height), group=_group(scene, panel), traces=tuple(traces), rail=_rail(layer))


def _facet(scene: Scene, layer: FacetLayer, parts: Sequence[Part], every: int, sheet: Sheet) -> Pane:
    facet, height = layer.facet, scene.size[1]
    each = len(parts) // max(len(facet.paths), 1)
    # On a surface a path comes after its shadow, on a curve before its foot.
    own = each - 1 if isinstance(facet.model, SurfaceModel) else 0
    traces = [_trace(scene, facet.paths[i // each], part, height) for i, part in enumerate(parts)]
    for i, slopes in enumerate(layer.riders.slopes):
        traces[each * i] = replace(traces[each * i], slopes=_steepness(layer, slopes, parts[each * i][1]))
    told = [_figures(path, each * i + own, every) for i, path in enumerate(facet.paths)]
    carrying = enumerate(told if scene.vectors else ())
    return Pane(
        box=_box(layer, height),
        group=_group(scene, facet),
        traces=tuple(traces),
        figures=tuple(told),
        vectors=tuple(_vectors(layer, i, each * i, parts[each * i][0], known.steps) for i, known in carrying),
        signs=tuple(_sign(scene, note, sheet) for note in layer.notes),
        terms=_terms(facet),
        reels=() if facet.style is None else _reels(scene, [facet.style], layer),
    )


def _terms(facet: Facet) -> tuple[str, str, str]:
    """What is told of an iterate: of one that lies beside a plane, the nearest spot, which is not the iterate."""
    if isinstance(facet.model, CurveModel):
        return facet.names[0], "value", "gradient"
    if facet.names != PLANE:
        return f"({', '.join(facet.names)})", "value", "gradient"
    is_network = isinstance(facet.model, ContourModel | SurfaceModel) and facet.model.levels.caption == "loss"
    return "spot on the plane", "loss" if is_network else "value", "gradient in the plane"


def _group(scene: Scene, shown: Facet | CurvesPanel | Heatmap | ImageGrid) -> int:
    """Which objective a facet or a panel belongs to."""
    return next(
        index
        for index, group in enumerate(scene.groups)
        if any(each is shown for each in (*group.facets, *group.panels))
    )


def _box(layer: Layer, height: int) -> tuple[float, float, float, float]:
    box = layer.viewport.box
    return box.x, height - box.top, box.width, box.height


def _trace(scene: Scene, drawn: Path | PanelCurve, part: Part, height: int) -> Trace:
    trail, vertices = part
    return Trace(
        style=scene.styles.index(drawn.style),
        ink=trail.ink,
        fade=trail.fade,
        times=vertices.times,
        spots=_down(vertices.spots, height),
        veiled=vertices.veiled,
        whole=vertices.whole,
        slopes=None,
    )


def _down(spots: FloatArray, height: int) -> FloatArray:
    """Spots (…, 2) from the upper left corner instead of the lower."""
    return np.stack([spots[..., 0], height - spots[..., 1]], -1)


def _steepness(layer: FacetLayer, slopes: FloatArray, vertices: Vertices) -> FloatArray:
    """How steep a path's tangents are on the picture, (starts, n)."""
    view, box = layer.facet.limits, layer.viewport.box
    across, up = np.array([box.width, box.height]) / (view[:, 1] - view[:, 0])
    return np.asarray(-slopes[vertices.chosen].T * up / across)


def _figures(path: Path, trace: int, every: int) -> Figures:
    steps = np.unique(np.append(np.arange(0, len(path.values), every), len(path.values) - 1))
    at = np.searchsorted(path.times, steps)
    coordinates = path.gradients.shape[-1]
    return Figures(
        trace=trace,
        steps=steps,
        points=path.points[at][..., :coordinates],
        values=path.values[steps],
        gradients=path.gradients[steps],
        ends=path.ends,
    )


def _vectors(layer: FacetLayer, index: int, trace: int, trail: Trail, steps: npt.NDArray[np.int64]) -> Vectors:
    arrows = np.array([layer.riders.uphill(index, trail, step, START) for step in steps.tolist()])
    return Vectors(trace, steps, arrows * [1.0, -1.0], level=isinstance(layer.facet.model, CurveModel))


def _sign(scene: Scene, note: Note, sheet: Sheet) -> Sign:
    return Sign(
        style=scene.styles.index(note.style),
        marker=str(note.shape.get_marker()),
        size=note.size,
        times=note.times,
        spots=_down(note.spots, scene.size[1]),
        words=None if note.text is None else sheet.sprite(note.text.draw, note.extent),
    )


def _rail(layer: PanelLayer) -> Rail:
    """By the curve that has come farthest at each time."""
    places = np.max([curve.points[..., 0].max(1) for curve in layer.panel.curves], axis=0)
    low = float(layer.panel.limits[0])
    pixels = layer.viewport.pixels(np.column_stack([places, np.full(len(places), low)]), START)[:, 0]
    times = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), RAIL)).round().astype(int))
    return Rail(times.astype(np.float64), pixels[times])


def _digits(counter: Counter, sheet: Sheet) -> Digits:
    last = counter.left + (counter.places - 1) * counter.pitch
    top, bottom = (sheet.height - row for row in (counter.rows.start, counter.rows.stop))
    around = Bbox([[last - counter.pitch, bottom], [last + 2 * counter.pitch, top]])
    signs = [sheet.sprite(partial(counter.draw, time=digit), around) for digit in range(10)]
    return Digits(counter.pitch, tuple(signs))
