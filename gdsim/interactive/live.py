"""What the page needs to draw paths that are being computed into a finished drawing: the maps from data to pixels."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np

from gdsim.config import View
from gdsim.objectives import FloatArray, Objective
from gdsim.render import Frames
from gdsim.render.display_list import START, Layer
from gdsim.render.painter import only
from gdsim.render.trail import Trail
from gdsim.scene.build import projection_of
from gdsim.scene.camera import DISTANCE
from gdsim.scene.model import Facet
from gdsim.scene.projection import Projection
from gdsim.scene.views.curve import CurveModel
from gdsim.scene.views.surface import SurfaceModel
from gdsim.simulation import Trajectory
from gdsim.web.encoding import encoded

SIDE = 61  # the number of points per side of a surface whose pixels are given
MOST_BOUNDS = 10  # the number of coordinates whose ranges are written into a configuration when a view is moved


def live_views(drawn: Frames, view: View, trajectories: Sequence[Trajectory]) -> list[dict[str, Any]]:
    """Describe each view of a drawing that shows the domain of a function.

    Args:
        drawn: The frames of the drawing.
        view: The view of the experiment.
        trajectories: Those of the drawing, in the order of the experiment.

    Returns:
        For each view: `layer`, its index in the drawing; `objective` and `optimizers`, the indices of what it shows;
        `trails`, for each of them the index of a trail that looks like its paths; `names`, those of the axes; `origin`
        and `axes`, with which the point p of the domain has the coordinates axes · (p − origin); `bounds`, those of the
        objective whose change moves the view, or null; `x`, `y`, `shape` and `pixels`: the pixels of an even grid of
        coordinates, of which `y` and the rows are absent on a curve, and between which pixels are interpolated. A
        surface has a `camera` instead of `pixels`, which sees the grid.
    """
    found, count = [], len(trajectories) // len(drawn.scene.groups)
    for index, layer in enumerate(drawn.layers):
        facet = layer.facet
        if facet is None or not facet.paths or facet.model.kind not in ("contour", "curve", "surface"):
            continue
        group = trajectories[count * layer.group : count * (layer.group + 1)]
        facets = [id(each) for each in drawn.scene.groups[layer.group].facets]
        optimizers = [facets.index(id(facet))] if len(facets) == count > 1 else range(count)
        trails = [i for i, trail in enumerate(only(layer.primitives, Trail)) if trail.path is not None]
        projection = projection_of(group[0].objective, view, [each.points for each in group])
        found.append(
            {
                "layer": index,
                "objective": layer.group,
                "optimizers": list(optimizers),
                "trails": [trails[min(i, len(trails) - 1)] for i in range(len(optimizers))],
                "names": projection.names,
                "origin": projection.origin.tolist(),
                "axes": projection.axes.tolist(),
                "bounds": _bounds(group[0].objective, projection),
                **_grid(layer, facet, drawn.size[1]),
            }
        )
    return found


def _bounds(objective: Objective, projection: Projection) -> list[list[float]] | None:
    """Return the bounds of an objective, if they can be written and are those of the coordinates that are shown."""
    is_written = objective.kind != "network" and objective.dim <= MOST_BOUNDS
    return objective.bounds.tolist() if is_written and set(projection.axes.ravel().tolist()) <= {0.0, 1.0} else None


def _grid(layer: Layer, facet: Facet, height: int) -> dict[str, Any]:
    """Return the pixels of a grid of coordinates, from the upper left corner of a picture."""
    points, model = _points(facet.model, facet), facet.model
    ends = points[[0, -1]] if points.ndim == 2 else points[[0, -1], [0, -1]]
    if isinstance(model, SurfaceModel):
        seen: dict[str, Any] = {"camera": _camera(layer, model, points, height)}
    else:
        seen = {"pixels": encoded(layer.viewport.pixels(points, START) * [1, -1] + [0, height])}
    return {
        "kind": facet.model.kind,
        "x": ends[:, 0].tolist(),
        "y": None if points.ndim == 2 else ends[:, 1].tolist(),
        "shape": points.shape[:-1],
        **seen,
    }


def _camera(layer: Layer, model: SurfaceModel, points: FloatArray, height: int) -> dict[str, Any]:
    """Return the camera that sees a grid of points (rows, columns, 3), as `view.js` projects them."""
    camera = model.camera
    corners = points[[0, -1], [0, -1], :2]
    seen = camera.project(camera.place(corners), camera.azimuth)
    pixels = layer.viewport.pixels(corners, START) * [1, -1] + [0, height]
    scale = float(np.linalg.norm(pixels[1] - pixels[0]) / np.linalg.norm(seen[1] - seen[0]))
    return {
        "azimuth": camera.azimuth,
        "elevation": camera.elevation,
        "distance": DISTANCE,
        "target": camera.target[2],
        "scale": scale,
        "middle": (pixels[0] - scale * seen[0] * [1, -1]).tolist(),
        "sides": camera.sides.tolist(),
        "heights": encoded(camera.place(points[..., :2], points[..., 2])[..., 2]),
    }


@singledispatch
def _points(model: object, facet: Facet) -> FloatArray:  # noqa: ARG001
    """Return the grid as points of the view, (columns, k) or (rows, columns, k)."""
    return np.stack(np.meshgrid(*facet.limits), -1)


@_points.register
def _(model: CurveModel, facet: Facet) -> FloatArray:  # noqa: ARG001
    return np.stack([model.x, model.values], -1)


@_points.register
def _(model: SurfaceModel, facet: Facet) -> FloatArray:  # noqa: ARG001
    rows, columns = (np.linspace(0, len(each) - 1, SIDE).round().astype(int) for each in (model.y, model.x))
    x, y = np.meshgrid(model.x[columns], model.y[rows])
    return np.stack([x, y, model.heights[np.ix_(rows, columns)]], -1)
