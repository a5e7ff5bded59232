"""Spreads: the mean of an ensemble, and lines around given shares of its runs, which move with the head."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from gdsim.objectives import FloatArray
from gdsim.render.display_list import Lines, Moment, Viewport
from gdsim.render.paths import FARTHEST, make_trail, path_style
from gdsim.render.trail import BoolArray, Trail, TrailStyle
from gdsim.scene.model import Facet, Path

EDGE_WIDTH = 0.55  # the width of the edge of a region, in widths of a path
FILL, EDGE = 0.12, 0.9  # the opacity of a region and of its edge
BAND, BAND_WIDTH = 0.3, 2.5  # the opacity of the part of a curve that contains some of the runs, and its width in paths


def mean_trail(viewport: Viewport, mean: Path, pixels: FloatArray, hidden: BoolArray | None = None) -> Trail:
    """Return the trail of the mean of an ensemble with the vertices `pixels`, (n, 1, 2), which does not fade."""
    return replace(make_trail(viewport, mean, pixels, _style(viewport, mean), hidden=hidden), fade=None)


def _style(viewport: Viewport, mean: Path) -> TrailStyle:
    """Return the style of a mean, which is heavier than a run, and has no head."""
    style = path_style(viewport, replace(mean, style=replace(mean.style, thin=False)))
    return replace(style, head_size=0.0, dot_size=0.0)


def regions(facet: Facet, viewport: Viewport, moment: Moment) -> Iterator[Lines]:
    """Yield the lines around given shares of the runs of each ensemble: areas or, on a curve, parts of it."""
    canvas = viewport.canvas
    for spread in facet.spreads:
        style = _style(viewport, spread.mean)
        on_curve = spread.mean.slopes is not None
        width, alpha, fill = (BAND_WIDTH, BAND, 0.0) if on_curve else (EDGE_WIDTH, EDGE, FILL)
        style = replace(style, width=max(width * style.width, 1.0), casing_width=0.0, alpha=alpha)
        pixels = np.clip(viewport.pixels(spread.regions, moment), -FARTHEST, FARTHEST)
        for each in pixels.swapaxes(0, 1):
            yield Lines(canvas.scene.styles.index(spread.mean.style), style, each, spread.times, fill)
