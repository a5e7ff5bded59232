"""Convert trajectories into a `Scene`: the numbers and text to draw."""

from __future__ import annotations

from gdsim.scene.build import (
    FEW_STARTS,
    build_saliency_scene,
    build_scene,
    preview_scene,
    projection_of,
    styles,
    view_problems,
)
from gdsim.scene.captions import joined
from gdsim.scene.facets import lengths
from gdsim.scene.levels import labels, number, power, round_ticks
from gdsim.scene.model import Arrows, Exit, Facet, Group, Path, Scene, Style
from gdsim.scene.panels import panel_kinds
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve, axis_limits, on_axis
from gdsim.scene.panels.heatmap import Heatmap, HeatmapRow
from gdsim.scene.panels.images import ImageGrid, ImageRow
from gdsim.scene.views import view_kinds
from gdsim.scene.views.contour import ContourModel
from gdsim.scene.views.curve import CurveModel
from gdsim.scene.views.image import ImageSequence
from gdsim.scene.views.surface import SurfaceModel

__all__ = [
    "FEW_STARTS",
    "Arrows",
    "ContourModel",
    "CurveModel",
    "CurvesPanel",
    "Exit",
    "Facet",
    "Group",
    "Heatmap",
    "HeatmapRow",
    "ImageGrid",
    "ImageRow",
    "ImageSequence",
    "PanelCurve",
    "Path",
    "Scene",
    "Style",
    "SurfaceModel",
    "axis_limits",
    "build_saliency_scene",
    "build_scene",
    "joined",
    "labels",
    "lengths",
    "number",
    "on_axis",
    "panel_kinds",
    "power",
    "preview_scene",
    "projection_of",
    "round_ticks",
    "styles",
    "view_kinds",
    "view_problems",
]
