"""What is to be seen, as numbers: trajectories in, a `Scene` out, and nothing drawn yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gdsim.config import Animation, View
from gdsim.errors import InputError
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.levels import Levels, choose_levels, labels, origin_of, round_ticks
from gdsim.scene.section import Section, reach, section
from gdsim.scene.words import describe
from gdsim.themes import DASHES, MARKERS, THEMES
from gdsim.trajectory import Trajectory

__all__ = [
    "Arrows",
    "Exit",
    "Field",
    "Levels",
    "Line",
    "Panel",
    "Path",
    "Scene",
    "compose",
    "labels",
    "portray",
    "round_ticks",
    "section",
]

FEW_STARTS = 4
"""Up to so many starts an optimizer draws each path with its dash and a heavy line; more are drawn thin and solid."""

ARROWS = 15
"""About how many arrows stand along a side of the view."""

FEW_STEPS = 100
"""Up to so many steps each iterate has its dot."""


@dataclass(frozen=True, eq=False)
class Field:
    """The objective over a grid of two coordinates.

    Args:
        x: (columns,) grid positions along the first coordinate.
        y: (rows,) grid positions along the second coordinate.
        values: (rows, columns) the objective there; NaN where it is not finite.
        levels: Where the colour changes.
    """

    x: FloatArray
    y: FloatArray
    values: FloatArray
    levels: Levels


@dataclass(frozen=True, eq=False)
class Line:
    """The objective over one coordinate.

    Args:
        x: (n,) positions.
        values: (n,) the objective there; NaN where it is not finite.
        limits: (2,) the range of values to show.
    """

    x: FloatArray
    values: FloatArray
    limits: FloatArray


@dataclass(frozen=True, eq=False)
class Arrows:
    """The gradient on a regular grid; an arrow points uphill and is centred on its grid point.

    Args:
        points: (n, k) grid points, in the one or two coordinates shown.
        gradients: (n, k) the gradient along these coordinates, true in size.
        lengths: (n,) how long an arrow is drawn, from 0 to 1 of the room it has: a compressed, monotone
            function of the gradient's norm, log(1 + |∇f| / c) scaled to 1 at the largest.
        spacing: (k,) the grid's spacing along each coordinate.
    """

    points: FloatArray
    gradients: FloatArray
    lengths: FloatArray
    spacing: FloatArray


@dataclass(frozen=True)
class Exit:
    """Where a path ends before the last step, because it leaves the view for good or is no longer finite.

    Args:
        start: Index of the start.
        step: The first step outside.
        time: Steps, with a fraction, at which the path crosses the border.
        point: Where it crosses, or ends within the view, in data coordinates of the picture, two numbers.
        words: What happened, for a note: "left at step 4".
    """

    start: int
    step: int
    time: float
    point: tuple[float, float]
    words: str


@dataclass(frozen=True, eq=False)
class Path:
    """One optimizer's paths, as they are drawn.

    Args:
        label: The optimizer's label.
        settings: Its class and settings, for the legend.
        color: "#rrggbb".
        dash: On and off lengths in units of the line's width; empty for a solid line.
        marker: The head's shape, a matplotlib letter.
        points: (steps + 1, starts, 2) what is drawn in the main view, in data coordinates.
        losses: (steps + 1, starts) what is drawn in the loss panel.
        view_ends: (starts,) the step up to which a path is drawn in the main view: at most the first one
            outside, because a later segment between two points far outside may well cross the view.
        loss_ends: (starts,) the step up to which it is drawn in the loss panel.
        exits: Where paths leave the view for good.
    """

    label: str
    settings: str
    color: str
    dash: tuple[float, ...]
    marker: str
    points: FloatArray
    losses: FloatArray
    view_ends: npt.NDArray[np.int64]
    loss_ends: npt.NDArray[np.int64]
    exits: tuple[Exit, ...]


@dataclass(frozen=True, eq=False)
class Panel:
    """The axes of a panel over the steps.

    Args:
        caption: What is shown.
        base: What is taken off the values: the known minimum where the axis is logarithmic, else mostly 0.
        logarithmic: Whether the value axis is logarithmic.
        limits: (2,) the range of values to show.
    """

    caption: str
    base: float
    logarithmic: bool
    limits: FloatArray


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be seen. `len(scene)` is its number of frames.

    Args:
        title: The picture's title.
        subtitles: What the picture leaves out, in full and in short; none where it leaves out nothing.
        alt_text: What happens, in a sentence or a few, for those who do not see it.
        theme: The name of its theme.
        size: Width and height in pixels.
        view: (2, 2) the range shown of the horizontal and the vertical coordinate, in data coordinates.
        names: What the horizontal and the vertical coordinate are called.
        ground: What lies under the paths: a field for two dimensions, a line for one.
        arrows: The gradient arrows, or None.
        minima: (m, 2) the known minima within the view, where they are drawn.
        paths: One an optimizer.
        loss: The loss panel, or None.
        dots: Whether each iterate has a dot.
        steps: Number of steps.
        frame_steps: (frames,) the step, with a fraction, that each frame shows.
        fps: Frames a second.
        hold: Seconds that the last frame stands.
    """

    title: str
    subtitles: tuple[str, ...]
    alt_text: str
    theme: str
    size: tuple[int, int]
    view: FloatArray
    names: tuple[str, str]
    ground: Field | Line
    arrows: Arrows | None
    minima: FloatArray
    paths: tuple[Path, ...]
    loss: Panel | None
    dots: bool
    steps: int
    frame_steps: FloatArray
    fps: int
    hold: float

    def __len__(self) -> int:
        return len(self.frame_steps)


def compose(
    trajectories: Sequence[Trajectory], *, view: View | None = None, animation: Animation | None = None
) -> Scene:
    """Turn trajectories over one objective into a scene.

    Args:
        trajectories: At least one; all over the same objective and of the same number of steps.
        view: What is shown, and how; the defaults when left out.
        animation: The pace; the defaults when left out.

    Raises:
        InputError: There is no trajectory, the trajectories do not belong together, or the view does not fit them.
    """
    view, animation = view or View(), animation or Animation()
    if not trajectories:
        raise InputError("there is no trajectory to show")
    objective, steps = trajectories[0].objective, len(trajectories[0].points) - 1
    if any(len(each.points) - 1 != steps or not _same(each.objective, objective) for each in trajectories):
        raise InputError("the trajectories do not belong together: their objectives or numbers of steps differ")
    shown = section(objective, view, [each.points for each in trajectories])
    panel = _loss_panel(objective, trajectories) if "loss" in view.panels else None
    palette = THEMES[view.theme].paths
    colors = _colors(trajectories, palette)
    scenery = _scenery(objective, shown, view)
    return replace(
        scenery,
        alt_text=describe(objective, trajectories),
        paths=tuple(
            _path(each, i, colors[i], _dash(i, len(palette)), shown, scenery.view, panel)
            for i, each in enumerate(trajectories)
        ),
        loss=panel,
        dots=steps <= FEW_STEPS and sum(each.points.shape[1] for each in trajectories) <= 2 * FEW_STARTS,
        steps=steps,
        frame_steps=_frame_steps(steps, max(2, round(animation.fps * animation.seconds))),
        fps=animation.fps,
        hold=animation.hold,
    )


def _same(one: Objective, other: Objective) -> bool:
    return all(getattr(one, fact) == getattr(other, fact) for fact in ("name", "title", "dim", "source", "parameters"))


def _frame_steps(steps: int, frames: int) -> FloatArray:
    # Unlike linspace, this meets a whole step exactly wherever a frame falls on one.
    return np.arange(frames) * steps / (frames - 1)


def portray(objective: Objective, *, view: View | None = None) -> Scene:
    """Turn an objective alone into a scene of one frame: its field, its arrows and its minima."""
    view = view or View()
    return _scenery(objective, section(objective, view), view)


def _scenery(objective: Objective, shown: Section, view: View) -> Scene:
    """A scene of one frame without paths."""
    span = float(np.diff(shown.bounds).max())
    spots = shown.project(objective.minima)
    lying = inside(spots, shown.bounds) & (shown.distance(objective.minima) <= 1e-6 * span)
    minima = spots[lying]
    if len(shown.axes) == 2:
        ground: Field | Line = _field(objective, shown)
        box, names = shown.bounds, (shown.names[0], shown.names[1])
    else:
        ground = _line(objective, shown)
        box, names = np.stack([shown.bounds[0], ground.limits]), ("x", "f(x)")
        minima = np.column_stack([minima, objective.values(objective.minima[lying])])
    return Scene(
        title=objective.title if view.title is None else view.title,
        subtitles=shown.words,
        alt_text=f"{objective.title} with its gradient arrows.",
        theme=view.theme,
        size=(view.size[0], view.size[1]),
        view=box,
        names=names,
        ground=ground,
        arrows=_arrows(objective, shown) if view.arrows == "gradient" else None,
        minima=minima,
        paths=(),
        loss=None,
        dots=False,
        steps=0,
        frame_steps=np.zeros(1),
        fps=1,
        hold=0.0,
    )


def _field(objective: Objective, shown: Section, n: int = 301) -> Field:
    x, y = (np.linspace(low, high, n) for low, high in shown.bounds)
    spots = np.stack(np.meshgrid(x, y), -1)
    # A few rows at a time: in a thousand dimensions the grid would not fit in memory.
    rows = max(1, 2**22 // (n * objective.dim))
    parts = [objective.values(shown.lift(spots[row : row + rows])) for row in range(0, n, rows)]
    values = _finite(np.concatenate(parts))
    return Field(x, y, values, choose_levels(values, objective.minimum, _symbol(objective)))


def _line(objective: Objective, shown: Section, n: int = 1001) -> Line:
    x = np.linspace(shown.bounds[0, 0], shown.bounds[0, 1], n)
    values = _finite(objective.values(x[:, None]))
    low, high = _range(values[np.isfinite(values)])
    room = (high - low) or max(abs(high), 1.0)
    # A step over the whole range and more is a pole: the line must not join its two sides.
    values[1:][np.abs(np.diff(values)) > 1.3 * room] = np.nan
    # Below the curve there is room for the arrows on the axis.
    return Line(x, values, np.array([low - 0.22 * room, high + 0.08 * room]))


def _range(values: FloatArray) -> tuple[float, float]:
    """The lowest and the highest value, or nearly so where a few would press all others flat."""
    if values.size == 0:
        return 0.0, 1.0
    low, most_low, most_high, high = np.quantile(values, [0, 0.02, 0.98, 1])
    span = most_high - most_low
    if span == 0:
        return float(low), float(high)
    return float(max(low, most_low - span)), float(min(high, most_high + span))


def _symbol(objective: Objective) -> str:
    return {1: "f(x)", 2: "f(x, y)"}.get(objective.dim, "f")


def _finite(values: FloatArray) -> FloatArray:
    return np.where(np.isfinite(values), values, np.nan)


def _arrows(objective: Objective, shown: Section) -> Arrows:
    """The gradient on cell-centred grid points, so that no arrow is cut by the border."""
    size = shown.bounds[:, 1] - shown.bounds[:, 0]
    spacing = size / _arrow_counts(size)
    centres = [
        np.arange(low + space / 2, high, space) for (low, high), space in zip(shown.bounds, spacing, strict=True)
    ]
    points = np.stack(np.meshgrid(*centres), -1).reshape(-1, len(spacing))
    values, slopes = objective.gradients(shown.lift(points))
    # Where a function has no value its formula may have a slope all the same.
    seen = np.isfinite(values) & np.isfinite(slopes).all(-1)
    points, gradients = points[seen], slopes[seen] @ shown.axes.T
    largest = np.abs(gradients).max(initial=0.0)
    lengths = np.zeros(len(points))
    if largest > 0:
        # Scaled first, because the squares of the very large and the very small are not numbers.
        norms = np.linalg.norm(gradients / largest, axis=-1)
        scale = np.median(norms[norms > 0]) / 3
        lengths = np.log1p(norms / scale) / np.log1p(norms.max() / scale)
    return Arrows(points, gradients, lengths, spacing)


def _arrow_counts(size: FloatArray) -> npt.NDArray[np.int64]:
    """How many arrows stand along each coordinate: square cells, unless the view would be a strip."""
    aspect = size.max() / size.min()
    if aspect > 2.5:
        return np.full(len(size), ARROWS)
    longest = round(ARROWS * np.sqrt(aspect))
    return np.asarray(np.round(longest * size / size.max()), np.int64)


def _colors(trajectories: Sequence[Trajectory], palette: tuple[str, ...]) -> list[str]:
    """Each path's colour: its own where the YAML gives one, else the next of the theme's that is free."""
    taken = {each.color for each in trajectories}
    free = [color for color in palette if color not in taken] or list(palette)
    colors, given = [], 0
    for each in trajectories:
        colors.append(each.color or free[given % len(free)])
        given += each.color is None
    return colors


def _dash(index: int, colors: int) -> tuple[float, ...]:
    """The dashes of a path: when the colours come round again, they meet other dashes than before."""
    return DASHES[(index + index // colors) % len(DASHES)]


def _path(
    trajectory: Trajectory,
    index: int,
    color: str,
    dash: tuple[float, ...],
    shown: Section,
    box: FloatArray,
    panel: Panel | None,
) -> Path:
    steps, starts = trajectory.values.shape[0] - 1, trajectory.values.shape[1]
    points = shown.project(trajectory.points)
    if points.shape[-1] == 1:
        points = np.stack([points[..., 0], trajectory.values], -1)
    diverged = np.array([stop.breaks_off for stop in trajectory.stops])
    ends = np.where(diverged, trajectory.stop_steps, steps)
    exits = tuple(exit_ for start in range(starts) if (exit_ := _exit(trajectory, points[:, start], start, box)))
    view_ends = ends.copy()
    for exit_ in exits:
        view_ends[exit_.start] = exit_.step
    return Path(
        label=trajectory.label,
        settings=trajectory.settings,
        color=color,
        dash=dash if starts <= FEW_STARTS else (),
        marker=MARKERS[index % len(MARKERS)],
        points=points,
        losses=trajectory.values - (panel.base if panel else 0.0),
        view_ends=view_ends,
        loss_ends=ends,
        exits=exits,
    )


def _exit(trajectory: Trajectory, points: FloatArray, start: int, box: FloatArray) -> Exit | None:
    """Where one path, (steps + 1, 2), leaves the box for good or breaks off; None where it does neither."""
    seen = inside(points, box)
    if not seen.any():
        return None
    if seen[-1]:
        if not trajectory.stops[start].breaks_off:
            return None
        step, (x, y) = trajectory.stopped_at(start), points[-1]
        return Exit(
            start, step, float(step - 1), (float(x), float(y)), f"{trajectory.stops[start].value} at step {step}"
        )
    last = int(np.flatnonzero(seen)[-1])
    here, move = points[last], points[last + 1] - points[last]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(move > 0, (box[:, 1] - here) / move, (box[:, 0] - here) / move)
    share = float(np.nanmin(np.where(move == 0, np.inf, shares)))
    x, y = here + share * move
    return Exit(start, last + 1, last + share, (float(x), float(y)), f"left at step {last + 1}")


def _loss_panel(objective: Objective, trajectories: Sequence[Trajectory]) -> Panel:
    """The loss over the steps, as far as it is reached within the view: what runs away would press all else flat.

    It is logarithmic above a known minimum when it spans more than a factor of 30.
    """
    bounds = reach(objective.bounds, [each.points for each in trajectories])
    values = np.concatenate([each.values[inside(each.points, bounds)] for each in trajectories])
    values = values[np.isfinite(values)]
    symbol = _symbol(objective)
    if values.size == 0:
        return Panel(symbol, 0.0, False, np.array([0.0, 1.0]))
    if objective.minimum is not None:
        above = values - objective.minimum
        positive = above[above > 0]
        if positive.size and positive.max() > 30 * positive.min():
            low = max(float(positive.min()), float(positive.max()) * 1e-12)
            caption = symbol if objective.minimum == 0 else "f − f*"
            return Panel(caption, objective.minimum, True, np.array([low / 2, positive.max() * 2]))
    base, caption = origin_of(float(values.min()), float(values.max()), symbol)
    low, high = float(values.min()) - base, float(values.max()) - base
    room = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
    return Panel(caption, base, False, np.array([low - room, high + room]))
