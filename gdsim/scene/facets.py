"""The facets of a group: paths, gradient arrows, minima and named points over a view."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from gdsim.analysis.metrics import last_steps
from gdsim.config import View
from gdsim.interrupts import pause
from gdsim.languages import Language
from gdsim.networks import Landscape, NetworkObjective
from gdsim.objectives import FloatArray, Objective, inside
from gdsim.scene.curvature import curvature_along
from gdsim.scene.levels import finite
from gdsim.scene.model import Arrows, Exit, Facet, Mark, Path, Spread, Style, ViewModel
from gdsim.scene.projection import CHUNK, Projection
from gdsim.scene.spreads import completed, mean_run, regions, spread_times
from gdsim.scene.state import at_heads, check_vectors
from gdsim.simulation import Trajectory

ARROWS, FEWEST, THINNING = 13, 7, 0.3
"""Approximate and minimum number of arrows per side, and the exponent of its decrease with the number of facets."""

SPARSE = 0.72  # every second computed arrow of a network is drawn if facets need less than this fraction of them
CLOSE = 0.2  # distance from a path within which arrows are left out, in units of the arrows' spacing
REACH = 1.2  # maximum length of an arrow on a curve, in units of the arrows' spacing
STREAM = 61  # number of grid points along a side for stream lines, from border to border
MAX_ASPECT = 2.5  # maximum aspect ratio of a view whose arrows are in square cells

SHORT, FINENESS = 1 / 150, 600
"""Segments shorter than the first number, as a fraction of the view, get no intermediate points; others get
intermediate points with a density of the second number per side of the view."""


MOST_EACH, MOST_TOGETHER = 20_000, 300_000  # maximum number of points of the paths, per start and for all starts

Elevation = Callable[[FloatArray], FloatArray]
"""Maps values (…) to the vertical coordinates at which they are drawn, (…)."""


@dataclass(frozen=True, eq=False)
class GroupInput:
    """The trajectories over one objective with their styles, and data that all groups of the scene share.

    Attributes:
        scene_trajectories: All trajectories of the scene, which share the colour scales of heat maps.
        facets: The number of facets of the scene.
    """

    objective: Objective
    projection: Projection
    view: View
    trajectories: Sequence[Trajectory] = ()
    styles: Sequence[Style] = ()
    scene_trajectories: Sequence[Trajectory] = ()
    facets: int = 1

    @property
    def terms(self) -> tuple[str, str, str]:
        """The names of the point, the value and the gradient of an iterate; off a plane, the point is the nearest."""
        say, names, is_network = self.view.say, self.projection.names, self.objective.kind == "network"
        if is_network or not np.isin(self.projection.axes, (0, 1)).all():
            return say("spot on the plane"), say("loss" if is_network else "value"), say("gradient in the plane")
        return names[0] if len(names) == 1 else f"({', '.join(names)})", say("value"), say("gradient")

    @property
    def gap_name(self) -> str:
        """The name of the values above the minimum in the language of the view."""
        return self.view.say(self.objective.gap_name)

    def minima(self) -> tuple[FloatArray, FloatArray]:
        """Return the known minima in the view: their coordinates (m, k) and values (m,)."""
        projection, points = self.projection, self.objective.minima
        coordinates = projection.project(points)
        span = float(np.diff(projection.bounds).max())
        shown = inside(coordinates, projection.bounds) & (projection.distance(points) <= 1e-6 * span)
        return coordinates[shown], self.objective.values(points[shown])

    def build_facets(
        self, model: ViewModel, elevation: Elevation | None = None, limits: FloatArray | None = None
    ) -> tuple[Facet, ...]:
        """Return one facet with all paths, or one per trajectory in a grid.

        Args:
            model: What is drawn under the paths.
            elevation: The third coordinate of a surface, or the second one of a curve, as a function of the values.
            limits: (2, 2) the range of both axes; by default the bounds of the projection.
        """
        objective, projection = self.objective, self.projection
        limits = projection.bounds if limits is None else limits
        marks = [
            Mark(tuple(_raised(point, objective.values(projection.lift(point)), elevation).tolist()), name)
            for point, name in projection.marks
            if inside(point, projection.bounds)
        ]
        horizontal, vertical, *_ = (*projection.names, self.view.say(objective.value_name))
        facet = Facet(
            style=None,
            limits=limits,
            names=(horizontal, vertical),
            model=model,
            minima=_raised(*self.minima(), elevation),
            marks=tuple(marks),
            flow=self._flow(elevation),
            terms=self.terms,
        )
        check_vectors(self.trajectories, self.view)
        pairs = list(zip(self.trajectories, self.styles, strict=True))
        paths = tuple(self._path(*pair, limits, elevation) for pair in pairs)
        spreads = [self._spread(*pair, limits, elevation) for pair in pairs if pair[0].is_ensemble]
        in_grid = self.view.layout == "grid" and paths
        arrows = _gradient_arrows(objective, projection, self.view, self.facets)
        return tuple(
            replace(
                facet,
                style=style,
                paths=own,
                spreads=tuple(each for each in spreads if each and style in (None, each.mean.style)),
                arrows=arrows and _uncovered(arrows, own, limits),
            )
            for style, own in ([(path.style, (path,)) for path in paths] if in_grid else [(None, paths)])
        )

    def _flow(self, elevation: Elevation | None) -> FloatArray:
        """Return the gradient flow from each start, (n, starts, k), if the view shows it."""
        flow = self.trajectories[0].flow if self.view.flow and self.trajectories else None
        if flow is None:
            return np.empty((0, 0, 2))
        return _raised(self.projection.project(flow.points), finite(flow.values), elevation)

    def _spread(
        self, ensemble: Trajectory, style: Style, limits: FloatArray, elevation: Elevation | None
    ) -> Spread | None:
        """Return the spread of the runs of an ensemble that do not fail, if there are any."""
        runs = completed(ensemble)
        if not runs.stops:
            return None
        times = spread_times(len(runs.points) - 1)
        around = regions(self.projection.project(runs.points[times.astype(np.int64)]))
        values = np.empty(0) if elevation is None else finite(self.objective.values(self.projection.lift(around)))
        mean = self._path(mean_run(runs), style, limits, elevation)
        return Spread(mean, len(runs.stops), times, _raised(around, values, elevation))

    def _path(self, trajectory: Trajectory, style: Style, limits: FloatArray, elevation: Elevation | None) -> Path:
        """Return one optimizer's paths within the limits (2, 2) of a facet; of an ensemble, the first run."""
        if trajectory.is_ensemble:
            trajectory = trajectory.subset(np.arange(len(trajectory.stops)) == 0)
        pause()
        projection, ends = self.projection, last_steps(trajectory)
        iterates = projection.project(trajectory.points)
        times = np.arange(len(iterates), dtype=np.float64)
        points, slopes = iterates, None
        if elevation is not None:
            starts = sum(len(each.stops) for each in self.scene_trajectories)
            times = _times(iterates, projection.bounds, ends, min(MOST_EACH, MOST_TOGETHER // starts))
            values, slopes = _values_at(trajectory, times)
            points = _raised(_between(iterates, times), values, elevation)
        exits = tuple(_exits(trajectory, times, points, limits, self.view.say))
        for each in exits:
            ends[each.start] = each.step
        return Path(
            style=style,
            times=times,
            points=points,
            slopes=slopes,
            gradients=np.nan_to_num(finite(trajectory.gradients)) @ projection.axes.T,
            values=finite(trajectory.values),
            ends=ends,
            exits=exits,
            at_heads=at_heads(trajectory, projection, self.view),
            curvature=curvature_along(trajectory) if self.view.curvature else None,
        )


def _raised(coordinates: FloatArray, values: FloatArray, elevation: Elevation | None) -> FloatArray:
    """Append the elevation of values (…) to coordinates (…, k), if there is one."""
    return coordinates if elevation is None else np.concatenate([coordinates, elevation(values)[..., None]], -1)


def _gradient_arrows(objective: Objective, projection: Projection, view: View, facets: int) -> Arrows | None:
    """Return the gradient in the form that the view asks for; with more facets, there are fewer arrows in each."""
    if view.arrows in ("none", "heads"):
        return None
    streams = view.arrows == "stream"
    if not streams and isinstance(objective, NetworkObjective) and len(objective.landscape.arrow_points):
        return _computed_arrows(objective.landscape, facets)
    size = projection.bounds[:, 1] - projection.bounds[:, 0]
    side = max(round(ARROWS / facets**THINNING), FEWEST)
    on_curve = len(size) == 1 and view.arrows_at == "curve"
    if streams:
        spacing = size / (STREAM - 1)
        sides = [np.linspace(low, high, STREAM) for low, high in projection.bounds]
    elif on_curve:
        # An arrow begins at its point; the outermost points are far enough inside that no arrow is cut.
        spacing = size / (side + 2 * REACH - 1)
        sides = [low + spacing * (REACH + np.arange(side)) for low, _ in projection.bounds]
    else:
        # Arrows are centred in cells, so that the border cuts none. The cells of an elongated view are not square.
        aspect = size.max() / size.min()
        counts = np.round(round(side * np.sqrt(aspect)) * size / size.max()) if aspect <= MAX_ASPECT else side
        spacing = size / counts
        ends = zip(projection.bounds, spacing, strict=True)
        sides = [np.arange(low + space / 2, high, space) for (low, high), space in ends]
    points = np.stack(np.meshgrid(*sides), -1).reshape(-1, len(spacing))
    values, slopes = objective.gradients(projection.lift(points))
    # Autograd may return a finite gradient where the value is not finite.
    known = np.isfinite(values) & np.isfinite(slopes).all(-1)
    gradients = np.full(points.shape, np.nan)
    gradients[known] = slopes[known] @ projection.axes.T
    if streams:
        # Stream lines need the whole grid.
        return Arrows(points, gradients, lengths(np.nan_to_num(gradients)), spacing, "stream", None)
    return _single_arrows(points, gradients, spacing, values if on_curve else None)


def _computed_arrows(landscape: Landscape, facets: int) -> Arrows:
    """Return the computed gradients of a network's loss."""
    side = round(np.sqrt(len(landscape.arrow_points)))
    every = 2 if facets**-THINNING < SPARSE else 1
    points, gradients = (
        rows.reshape(side, side, 2)[::every, ::every].reshape(-1, 2)
        for rows in (landscape.arrow_points, landscape.gradients)
    )
    return _single_arrows(points, gradients, every * np.diff(landscape.bounds)[:, 0] / side)


def _single_arrows(
    points: FloatArray, gradients: FloatArray, spacing: FloatArray, heights: FloatArray | None = None
) -> Arrows:
    """Return arrows at the points (n, k) that have a gradient."""
    known = np.isfinite(gradients).all(-1)
    gradients = gradients[known]
    heights = heights if heights is None else heights[known]
    return Arrows(points[known], gradients, lengths(gradients), spacing, "quiver", heights)


def _uncovered(arrows: Arrows, paths: tuple[Path, ...], limits: FloatArray) -> Arrows:
    """Return arrows without the single ones in the plane that are under paths."""
    if arrows.form == "stream" or not len(arrows.points) or arrows.points.shape[1] == 1:
        return arrows
    # In units of the spacing, every arrow is within a square of side 1.
    origin, spacing = arrows.points.min(0), arrows.spacing
    middles, directions = (arrows.points - origin) / spacing, arrows.gradients / (spacing / spacing.min())
    # The largest component is divided out first to avoid overflow.
    directions /= np.maximum(np.abs(directions).max(-1, keepdims=True), np.finfo(np.float64).tiny)
    directions /= np.maximum(np.linalg.norm(directions, axis=-1, keepdims=True), 1)
    squares = np.round(middles).astype(np.int64)
    numbers = np.full(squares.max(0) + 1, -1)
    numbers[tuple(squares.T)] = np.arange(len(squares))
    clear = np.ones(len(squares), np.bool_)
    for path in paths:
        pause()
        points = (_along(path.points[..., :2], limits, CLOSE / 2 * spacing) - origin) / spacing
        squares = np.round(points).astype(np.int64)
        within = ((squares >= 0) & (squares < numbers.shape)).all(-1)
        found = numbers[tuple(squares[within].T)]
        points, found = points[within][found >= 0], found[found >= 0]
        beside, half = points - middles[found], arrows.lengths[found] / 2
        along = np.clip((beside * directions[found]).sum(-1), -half, half)
        clear[found[np.linalg.norm(beside - along[:, None] * directions[found], axis=-1) < CLOSE]] = False
    kept = {name: getattr(arrows, name)[clear] for name in ("points", "gradients", "lengths")}
    return replace(arrows, **kept)


def _along(rows: FloatArray, limits: FloatArray, apart: FloatArray) -> FloatArray:
    """Return points (n, 2) at most `apart` (2,) from each other along paths (steps + 1, starts, 2) within limits."""
    enter, leave = within(rows, limits)
    moves = np.diff(rows, axis=0)
    counts = np.ceil(np.nan_to_num(np.abs(moves / apart).max(-1)) * (leave - enter)).astype(np.int64)
    steps, starts = np.nonzero(counts)
    counts = counts[steps, starts]
    index = np.repeat(np.arange(len(counts)), counts)
    shares = (np.arange(len(index)) - np.repeat(np.cumsum(counts) - counts, counts)) / np.repeat(counts, counts)
    steps, starts = steps[index], starts[index]
    shares = enter[steps, starts] + shares * (leave - enter)[steps, starts]
    return np.asarray(rows[steps, starts] + shares[:, None] * moves[steps, starts])


def lengths(vectors: FloatArray) -> FloatArray:
    """Return the lengths (…) from 0 to 1 at which to draw finite vectors (…, k).

    The length is log(1 + ‖v‖ / c) relative to the longest, where c is a third of the median norm of the nonzero
    vectors.
    """
    largest = np.abs(vectors).max(initial=0.0)
    if largest == 0:
        return np.zeros(vectors.shape[:-1])
    # Scaled first, because the squares of very large and very small numbers overflow and underflow.
    norms = np.linalg.norm(vectors / largest, axis=-1)
    scale = np.median(norms[norms > 0]) / 3
    return np.asarray(np.log1p(norms / scale) / np.log1p(norms.max() / scale))


def _times(iterates: FloatArray, bounds: FloatArray, ends: npt.NDArray[np.int64], most: int) -> FloatArray:
    """Return the times (n,) at which iterates (steps + 1, starts, k) need points so that none is far from the next.

    Only the parts of segments inside the bounds are divided, so that distant points do not use up the limit.
    """
    steps = len(iterates) - 1
    enter, leave = within(iterates, bounds)
    span = bounds[:, 1] - bounds[:, 0]
    lengths = np.linalg.norm(np.diff(iterates, axis=0) / span, axis=-1) * (leave - enter)
    lengths[np.arange(steps)[:, None] >= ends] = 0.0
    wanted = np.where(lengths > SHORT, np.ceil(FINENESS * lengths), lengths > 0)
    whole = (enter == 0) & (leave == 1)
    parts = np.maximum(np.where(whole, wanted, 0).max(1, initial=0), 1)
    crossing = np.argwhere(~whole & (wanted > 0))
    more = float(wanted[tuple(crossing.T)].sum() + (parts - 1).sum())
    share = min(1.0, max(0, most - steps) / max(more, 1.0))
    parts = 1 + np.floor(share * (parts - 1)).astype(np.int64)
    count = np.arange(parts.sum()) - np.repeat(np.cumsum(parts) - parts, parts)
    times = [np.repeat(np.arange(steps), parts) + count / np.repeat(parts, parts)]
    for k, start in crossing:
        n = int(share * wanted[k, start])
        if n > 0:
            times.append(k + np.linspace(enter[k, start], leave[k, start], n + 1))
    return np.unique(np.concatenate([*times, [steps]]))


def within(points: FloatArray, bounds: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return between which fractions the segments of paths are within bounds, (k, 2); equal ones if never.

    Args:
        points: (n, starts, k) the vertices of the paths.
        bounds: The range of each coordinate.

    Returns:
        The fractions at which segments enter and leave the bounds, each (n − 1, starts).
    """
    here, move = points[:-1], np.diff(points, axis=0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        low, high = (bounds[:, 0] - here) / move, (bounds[:, 1] - here) / move
    still = move == 0
    outside = (here < bounds[:, 0]) | (here > bounds[:, 1])
    low, high = np.where(still, -np.inf, low), np.where(still, np.where(outside, -np.inf, np.inf), high)
    enter = np.clip(np.minimum(low, high).max(-1), 0, 1)
    return enter, np.maximum(np.clip(np.maximum(low, high).min(-1), 0, 1), enter)


def _between(rows: FloatArray, times: FloatArray) -> FloatArray:
    """Interpolate rows (steps + 1, …) linearly at times (n,): (n, …)."""
    k = np.minimum(times.astype(np.int64), max(len(rows) - 2, 0))
    share = (times - k).reshape(-1, *[1] * (rows.ndim - 1))
    following = rows[np.minimum(k + 1, len(rows) - 1)]
    # Exact at whole times.
    return np.asarray(np.where(share == 1, following, rows[k] + share * (following - rows[k])))


def _values_at(trajectory: Trajectory, times: FloatArray) -> tuple[FloatArray, FloatArray | None]:
    """Return values (n, starts) at times (n,), as recorded at iterates; for one coordinate also the slopes."""
    objective, (_, starts, dim) = trajectory.objective, trajectory.points.shape
    if objective.kind == "network":
        # The landscape is the loss of the nearest weights on the plane, not of the weights themselves.
        return finite(_between(trajectory.values, times)), None
    whole = times == np.floor(times)
    values, slopes = np.empty((2, len(times), starts))
    steps = times[whole].astype(np.int64)
    values[whole], slopes[whole] = trajectory.values[steps], trajectory.gradients[steps, :, 0]
    between = np.flatnonzero(~whole)
    size = max(1, CHUNK // (starts * dim))
    for chunk in (between[first : first + size] for first in range(0, len(between), size)):
        points = _between(trajectory.points, times[chunk])
        if dim == 1:
            values[chunk], gradients = objective.gradients(points)
            slopes[chunk] = gradients[..., 0]
        else:
            values[chunk] = objective.values(points)
    return finite(values), finite(slopes) if dim == 1 else None


def _exits(
    trajectory: Trajectory, times: FloatArray, points: FloatArray, limits: FloatArray, say: Language
) -> Iterator[Exit]:
    """Yield where paths, (n, starts, k), leave the limits for good or fail."""
    at = np.searchsorted(times, np.arange(len(trajectory.points)))
    seen = inside(points[..., :2], limits)
    stays = seen[-1] & ~np.array([stop.failed for stop in trajectory.stops])
    for start in np.flatnonzero(seen[at].any(0) & ~stays).tolist():
        if seen[-1, start]:
            step = trajectory.stopped_at(start)
            yield _exit(start, step, float(step - 1), points[-1, start], trajectory.stops[start].value, say)
            continue
        last = int(np.flatnonzero(seen[at, start])[-1])
        first = int(at[last] + np.argmin(seen[at[last] : at[last + 1] + 1, start]))
        here, there = points[first - 1, start], points[first, start]
        share = 0.0
        if np.isfinite(there[:2]).all():
            share = float(within(np.stack([here, there])[:, None, :2], limits)[1][0, 0])
        point = np.where(np.isfinite(there), here + share * (there - here), here)
        time = times[first - 1] + share * (times[first] - times[first - 1])
        yield _exit(start, last + 1, float(time), point, "leaves", say)


def _exit(start: int, step: int, time: float, point: FloatArray, what: str, say: Language) -> Exit:
    words = say("{what} at step {step}", what=say(what), step=step), say("step {n}", n=step)
    return Exit(start, step, time, tuple(point.tolist()), words)
