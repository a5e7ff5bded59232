"""Axes of flat views and panels with their ticks, and the minima and marks between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from gdsim.objectives import FloatArray
from gdsim.render.canvas import Canvas, points
from gdsim.render.layout import Box
from gdsim.scene.levels import MOST_TICKS, few_decades, few_ticks, labels
from gdsim.scene.model import Facet
from gdsim.scene.panels.curves import CurvesPanel
from gdsim.scene.panels.heatmap import Heatmap
from gdsim.scene.scales import LINEAR, ScaledAxis


def draw_flat_axes(canvas: Canvas, facet: Facet, box: Box, outer: tuple[bool, bool]) -> Axes:
    """Draw the axes of a flat view, its minima and its marks; `outer` is which axes have tick labels."""
    axes, theme = canvas.axes(box), canvas.theme
    _draw_ticks(canvas, axes, facet, (LINEAR, LINEAR), box, outer)
    star: dict[str, Any] = {"marker": "*", "markersize": points(1.15 * canvas.em), "color": theme.minimum}
    star |= {"markeredgecolor": theme.casing, "markeredgewidth": points(0.07 * canvas.line)}
    axes.plot(*facet.minima.T, linestyle="none", clip_on=False, zorder=3, **star)
    marks = np.array([mark.point[:2] for mark in facet.marks]).reshape(-1, 2)
    # A thin cross with a border is visible on any color.
    for color, more in ((theme.casing, 0.11), (theme.text, 0.0)):
        size, width = points((0.8 + more) * canvas.em), points((0.09 + more) * canvas.line)
        axes.plot(*marks.T, linestyle="none", marker="+", markersize=size, color=color, markeredgewidth=width, zorder=3)
    return axes


def _draw_ticks(
    canvas: Canvas, axes: Axes, facet: Facet, scales: Sequence[ScaledAxis], box: Box, outer: tuple[bool, bool]
) -> None:
    """Set the limits of a flat view, and write the ticks and the names of its axes as far as they have room."""
    axes.set(xlim=facet.limits[0], ylim=facet.limits[1], xticks=[], yticks=[])
    if not canvas.layout.ticks:
        return
    sides = zip("xy", scales, facet.limits, (box.width, box.height), outer, strict=True)
    for name, scale, limits, side, numbered in sides:
        places, words = fitting_ticks(canvas, scale, limits, side, along=name == "x")
        # A number at the right edge would overlap the first one of the next facet.
        is_cut = facet.style is not None and name == "x" and scale is LINEAR
        edge = limits[1] - 1.2 * canvas.em / side * np.ptp(limits) if is_cut else np.inf
        written = [each if numbered and place < edge else "" for place, each in zip(places, words, strict=True)]
        getattr(axes, f"set_{name}ticks")(places, written)
    across, up = facet.names if canvas.layout.axis_names else ("", "")
    canvas.name_axes(axes, x=across if outer[0] else "", y=up if outer[1] else "")


def draw_step_axis(canvas: Canvas, axes: Axes, panel: CurvesPanel | Heatmap, box: Box, *, numbered: bool) -> None:
    """Draw the horizontal axis that the panels of a column share, with or without tick labels."""
    ticks, _ = fitting_ticks(canvas, LINEAR, np.array([0.0, panel.reach]), box.width, along=True)
    ticks = ticks[ticks == np.round(ticks)]
    axes.set_xticks(ticks, labels(ticks) if numbered else [""] * len(ticks))
    if numbered:
        canvas.name_axes(axes, x=canvas.scene.say(panel.across))


def axis_ticks(axis: ScaledAxis, limits: FloatArray, most: int) -> tuple[FloatArray, tuple[str, ...]]:
    """Return about `most` round values of an axis within limits (2,), as coordinates on it and as text."""
    low, high = sorted(limits.tolist())  # a range may descend
    if axis.scale == "list":
        values = axis.values[:: -(-len(axis.values) // most)]
    else:
        values = few_decades(10.0**low, 10.0**high, most) if axis.scale == "log" else few_ticks(low, high, most)
    return axis.places(values), labels(values)


def longest_label(axis: ScaledAxis, limits: FloatArray) -> int:
    """Return the number of characters of the longest tick label on an axis, for any number of ticks."""
    choices = (axis_ticks(axis, limits, most)[1] for most in range(1, MOST_TICKS + 1))
    return max(len(each) for words in choices for each in words or ("",))


def draw_scaled_axes(
    canvas: Canvas, axes: Axes, facet: Facet, scales: Sequence[ScaledAxis], box: Box, outer: tuple[bool, bool]
) -> None:
    """Draw the axes of a flat view whose coordinates are places on scales; `outer` is which have tick labels."""
    axes.tick_params(length=0, pad=points(0.4 * canvas.em))
    axes.spines[:].set_visible(False)
    _draw_ticks(canvas, axes, facet, scales, box, outer)


def draw_vertical_scale(
    canvas: Canvas, box: Box, colors: FloatArray, ends: tuple[float, float], ticks: Mapping[float, str], caption: str
) -> None:
    """Draw colors, (n, 4), between the ends of a scale in a box, with ticks beside it and a caption above it."""
    axes, bands = canvas.axes(box), np.arange(len(colors))[:, None]
    axes.imshow(bands, cmap=ListedColormap(colors), aspect="auto", origin="lower", extent=(0, 1, *ends), zorder=0)
    axes.set(xticks=[], xlim=(0, 1), ylim=ends)
    axes.set_yticks([*ticks], [*ticks.values()])
    axes.yaxis.tick_right()
    axes.spines[:].set_visible(False)
    canvas.text(box.x, box.top + 0.85 * canvas.em, caption, color=canvas.theme.quiet, va="baseline")


def fitting_ticks(
    canvas: Canvas, axis: ScaledAxis, limits: FloatArray, side: float, *, along: bool
) -> tuple[FloatArray, tuple[str, ...]]:
    """Return ticks within limits (2,) whose labels, along the axis or across it, fit into `side` pixels."""
    for most in range(MOST_TICKS, 0, -1):
        places, words = axis_ticks(axis, limits, most)
        widest = max((canvas.width_of(each, 1.0) for each in words), default=0.0)
        if len(places) * (widest + canvas.em if along else 1.8 * canvas.em) <= side:
            break
    return places, words
