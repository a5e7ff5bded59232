"""Panels of curves of numbers over the steps: drawn in a picture, and as SVG charts of a web page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from io import StringIO
from itertools import compress
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.text import Text

from gdsim.analysis.metrics import TOLERANCE, lasting
from gdsim.objectives import FloatArray
from gdsim.render.annotations import AROUND, SIDES, covers, event_marks, least_covered, points_between
from gdsim.render.axes import draw_step_axis, fitting_ticks, longest_label
from gdsim.render.canvas import Canvas, points
from gdsim.render.display_list import START, Cursor, EventMarks, Lines, PathLabel, Viewport
from gdsim.render.labels import MOST_PATHS, appearance, trail_labels
from gdsim.render.layout import Box, Layout, PanelRequest
from gdsim.render.painter import only
from gdsim.render.panels import DrawnPanel, PanelRenderer
from gdsim.render.paths import FARTHEST, trail_style
from gdsim.render.trail import Trail, TrailStyle, settled
from gdsim.scene.figures import LIFT, on_axis
from gdsim.scene.levels import few_decades, few_ticks, labels, round_ticks
from gdsim.scene.model import FEW_STARTS, Scene
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.scene.scales import LINEAR
from gdsim.themes import Theme, mix

CURSOR_TIMES = 512  # the approximate number of times for which a cursor's position is stored

TRACK = 0.15  # the strength of the complete curves and of bands, which are visible from the first frame on
BAND = 0.1  # the strength of the solved band, and of bands around medians
EDGE = 0.5  # the width of the edges of bands around medians, as a fraction of a curve's
HEAD_ROOM = 0.6  # the room for heads beside the axes, below them, and at their top, in ems
FAINT_WIDTH = 0.6  # the width of a faint curve, as a fraction of the others'
STACK = 0.35  # the distance between curves at the lower end of the axis, as a fraction of the diameter of a head
NAMED = (12.0, 6.0)  # the least width and height of a panel with the names of its curves, in ems
RULE = 0.06  # the width of the line at the value of a setting, in units of `Canvas.line`
LIMIT_WIDTH, LIMIT_DASHES = 0.1, (4.0, 2.0)  # of the lines of limits
PLACES = 9  # along a limit at which there may be room for its name
APART = 0.4  # the distance of a name from other text, in ems
DOT = 0.6  # the diameter of the dot where a curve enters the solved band, in ems

# The size and font size of a chart in pixels; two charts fit side by side on a screen, and one on a phone.
WIDTH, HEIGHT, EM = 470, 300, 13.0


class _CurvesRenderer(PanelRenderer):
    def request(self, panel: CurvesPanel, em: float) -> PanelRequest:
        digits = max(map(len, panel.names)) if panel.names else longest_label(LINEAR, panel.limits)
        return PanelRequest(max(5, digits) if panel.logarithmic else digits)

    def draw(self, canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> DrawnPanel:
        viewport = _draw_axes(canvas, panel, box, numbered=numbered)
        limits = [curve for curve in panel.curves if curve.limit]
        panel = replace(panel, curves=tuple(curve for curve in panel.curves if not curve.limit))
        trails = _trails(canvas, panel, viewport)
        crowd = np.concatenate([points_between(line) for trail in trails for line in trail.points.transpose(1, 0, 2)])
        names, marks = _Names(canvas, box, crowd), list[EventMarks | PathLabel]()
        if panel.scale is not None:
            for trail in trails:
                _draw_whole(canvas, viewport, trail, 1.0)
            for label in _path_labels(names, viewport, trails):
                canvas.figure.add_artist(label.text)
            cursor = _cursor(panel, viewport)
            return viewport, (*_swept(canvas, cursor, box, trails), cursor)
        _draw_race_track(canvas, panel, viewport, trails)
        if panel.solved is not None:
            marks += _entries(names, panel, viewport, trails, panel.solved)
        heads = [each.points[-1] + 0.5 * canvas.em * side for each in trails for side in SIDES]
        _draw_limits(replace(names, crowd=np.concatenate([crowd, *heads])), viewport, limits)
        exits = list(_exits(canvas, viewport, panel.curves, trails))
        starts = [f"{style.label}:" for style in canvas.scene.styles]
        steps = only(marks, PathLabel)
        named = [each.optimizer for each in steps if each.text.get_text().startswith(starts[each.optimizer])]
        names.taken.extend(mark.extent for mark in exits)
        marks += [*_path_labels(names, viewport, trails, named), *exits]
        return viewport, (*trails, *marks, _cursor(panel, viewport))


RENDERER = _CurvesRenderer()


@dataclass(frozen=True)
class _Names:
    """Places text in the box of a panel where it covers neither points along curves nor other text.

    Attributes:
        crowd: (n, 2) the points.
        taken: Two opposite corners, (2, 2), of each part that is covered, to which those of new text are added.
        steps: By optimizer, the step at which its curve is solved and texts that say so, if its dot has no room.
    """

    canvas: Canvas
    box: Box
    crowd: FloatArray
    taken: list[FloatArray] = field(default_factory=list)
    steps: dict[int, tuple[float, list[str]]] = field(default_factory=dict)

    def label(self, variants: Sequence[str], place: FloatArray, color: str) -> tuple[Text, FloatArray] | None:
        """Return the first variant that covers nothing beside a place, and its extent (2, 2); None if none does."""
        for words in variants:
            half = self.canvas.size_of_lines(words, 1.0) / 2
            if 2 * half[0] > self.box.width:
                continue
            beside = [place + SIDES * (half + gap * self.canvas.em) for gap in (0.5, 1.0, 1.6)]
            x, y = middle = least_covered(np.concatenate(beside), half, self.box, self.taken, self.crowd)
            own = middle + half * AROUND
            if not covers(own, self.taken, self.crowd):
                self.taken.append(own)
                look: dict[str, Any] = {"color": color, "casing": self.canvas.theme.panel, "fontweight": "bold"}
                align = "center" if "\n" in words else "center_baseline"
                return self.canvas.text(x, y, words, loose=True, ha="center", va=align, **look), own
        return None

    def name_band(self, name: str, band: Box) -> None:
        """Write the name of the solved band in it where it covers least, preferably in a corner."""
        em, say = self.canvas.em, self.canvas.scene.say
        name = say(name)
        for words in (say("{name}: below {n} % of the first value", name=name, n=f"{100 * TOLERANCE:g}"), name):
            half = np.array([self.canvas.width_of(words, 1.0), 1.1 * em]) / 2
            inner = Box(band.x + 0.4 * em, band.y + 0.2 * em, band.width - 0.8 * em, band.height - 0.4 * em)
            low, high = np.array([inner.x, inner.y]) + half, np.array([inner.right, inner.top]) - half
            shares = np.stack(np.meshgrid([1.0, 0.0, 0.7, 0.35], [1.0, 0.0, 0.5]), -1).reshape(-1, 2)
            x, y = middle = least_covered(low + shares * (high - low), half, band, self.taken, self.crowd)
            own = middle + half * AROUND
            if words == name or (half[0] <= 0.35 * band.width and not covers(own, self.taken, self.crowd)):
                break
        self.taken.append(own)
        text = self.canvas.text(x, y, words, color=self.canvas.theme.quiet, ha="center", va="center_baseline")
        text.set_path_effects([])  # the band is opaque on a transparent page, too


def _draw_axes(canvas: Canvas, panel: CurvesPanel, box: Box, *, numbered: bool) -> Viewport:
    em, theme = canvas.em, canvas.theme
    axes = canvas.axes(box, theme.panel)
    axes.set_xlim(0, panel.reach * box.width / (box.width - HEAD_ROOM * em))
    ticks = _ticks(panel, axes, max(2, int(box.height / (1.8 * em))))
    scale = axes.yaxis.get_transform()
    low, high = scale.transform(panel.limits)
    # The limits include a margin that suffices in a high panel.
    more = max(HEAD_ROOM * em / box.height - LIFT, 0.0) * (high - low)
    axes.set_ylim(panel.limits[0], float(scale.inverted().transform(high + more)))
    axes.set_yticks(ticks, panel.names or labels(ticks))
    if panel.scale is None:
        draw_step_axis(canvas, axes, panel, box, numbered=numbered)
    else:
        places, words = fitting_ticks(canvas, panel.scale, panel.scale.limits, box.width, along=True)
        origin = panel.scale.places(panel.scale.values[:1])
        axes.set_xticks(places - origin, words if numbered else [""] * len(words))
        if numbered:
            canvas.name_axes(axes, x=panel.across)
    axes.grid(axis="y", color=theme.grid, linewidth=points(0.05 * canvas.line))
    axes.set_axisbelow(True)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", pad=points(HEAD_ROOM * em))
    if panel.solved is not None:
        band = mix(theme.panel, theme.quiet, BAND)
        axes.axhspan(float(panel.limits[0]), panel.solved, color=band, linewidth=0, zorder=0)
    # A comma in parentheses, as in f(x, y), belongs to the quantity.
    quantity, *shown = re.split(r", (?![^(]*\))", panel.caption, maxsplit=1)
    y, room = box.top + 0.55 * em, min(box.width + 2 * em, canvas.size[0] - box.x - 0.3 * em)
    quantity = canvas.shortened(quantity, 1.0, room)
    canvas.text(box.x, y, quantity, ha="left", va="baseline")
    used = canvas.width_of(f"{quantity}  ", 1.0)
    if shown:
        canvas.text(box.x + used, y, canvas.shortened(shown[0], 1.0, room - used), color=theme.quiet, va="baseline")
    # Heads at the borders are not cut.
    room = HEAD_ROOM * em
    around = Box(box.x - room, box.y - room, box.width + 2 * room, box.height + room)
    canvas.card(Box(around.x - 1, around.y - 1, around.width + 2, around.height + 2))
    return Viewport(canvas, around, axes)


def _cursor(panel: CurvesPanel, viewport: Viewport) -> Cursor:
    """Return the cursor, which follows the curve that is farthest to the right."""
    places = np.max([curve.points[..., 0].max(1) for curve in panel.curves], axis=0)
    low = np.full(len(places), float(panel.limits[0]))
    pixels = viewport.pixels(np.column_stack([places, low]), START)[:, 0]
    times = np.unique(np.linspace(0, len(pixels) - 1, min(len(pixels), CURSOR_TIMES)).round().astype(int))
    return Cursor(times.astype(np.float64), pixels[times])


def _swept(canvas: Canvas, cursor: Cursor, box: Box, trails: Sequence[Trail]) -> Iterator[Lines]:
    """Yield a line across a panel at the value of the setting that is shown, and a head on each curve there."""
    color, times = canvas.theme.quiet, trails[0].times
    across = np.floor(np.interp(times, cursor.times, cursor.places)) + 0.5  # in one column of pixels
    ends = np.stack(np.broadcast_arrays(across[:, None], np.array([box.y, box.top])), -1)
    yield Lines(-1, TrailStyle(color, color, 0.0, RULE * canvas.line, (), "o", 0.0), ends)
    for trail in trails:
        yield Lines(trail.optimizer, trail.style, trail.points)


def _ticks(panel: CurvesPanel, axes: Axes, room: int) -> FloatArray:
    """Return tick values for the vertical axis, at most `room` or slightly more."""
    low, high = panel.limits.tolist()
    if panel.ticks is not None:
        return panel.ticks[:: max(1, -(-len(panel.ticks) // (room + 1)))]
    if not panel.logarithmic:
        return next(ticks for more in range(8) if len(ticks := few_ticks(low, high, room + more)) > 1)
    axes.set_yscale("log", nonpositive="clip")
    axes.minorticks_off()
    return few_decades(low, high, room)


def _trails(canvas: Canvas, panel: CurvesPanel, viewport: Viewport) -> list[Trail]:
    """Return the trails of the curves, with those that run along the lower end of the axis beside each other."""
    trails, raised, background = [], 0, canvas.theme.panel
    for curve in panel.curves:
        look = replace(curve.style, thin=curve.points.shape[1] > FEW_STARTS)
        style = trail_style(canvas, look, casing=background, scale=0.8)
        if curve.strength < 1:
            # Mixed instead of translucent, so that segments that are drawn twice are not more opaque.
            color = mix(background, style.color, curve.strength)
            style = replace(style, color=color, width=max(FAINT_WIDTH * style.width, 1.0), head_size=0.0)
        times = np.arange(len(curve.points), dtype=np.float64)
        pixels = np.clip(viewport.pixels(curve.points, START), -FARTHEST, FARTHEST)
        if panel.logarithmic and curve.strength == 1:
            floor = float(on_axis(panel.limits[:1], panel.limits)[0])
            lowest = float(viewport.pixels(np.array([0.0, floor]), START)[1])
            for k in range(pixels.shape[1]):
                if np.nanmin(pixels[:, k, 1], initial=np.inf) < lowest + 1:
                    pixels[:, k, 1] = np.maximum(pixels[:, k, 1], lowest + raised * STACK * style.head_size)
                    raised += 1
        trail = settled(pixels, times, curve.ends)
        optimizer, frames = canvas.scene.styles.index(curve.style), canvas.scene.frame_steps
        trails.append(Trail(optimizer, style, times, trail, frames=frames))
    return trails


def _draw_race_track(canvas: Canvas, panel: CurvesPanel, viewport: Viewport, trails: Sequence[Trail]) -> None:
    """Draw the complete curves faintly, and the bands around medians, below what moves."""
    axes = viewport.axes
    for curve, trail in zip(panel.curves, trails, strict=True):
        color = trail.style.color
        if curve.band is not None:
            x, width = curve.points[:, 0, 0], points(EDGE * trail.style.width)
            axes.fill_between(x, *curve.band.T, color=color, alpha=BAND, linewidth=0, zorder=1.5)
            axes.plot(x, curve.band, color=color, alpha=2 * TRACK, linewidth=width, zorder=1.5)
        elif curve.strength == 1:
            _draw_whole(canvas, viewport, trail, TRACK)


def _draw_whole(canvas: Canvas, viewport: Viewport, trail: Trail, strength: float) -> None:
    """Draw a complete curve below what moves, in its color mixed with the background."""
    color, look = mix(canvas.theme.panel, trail.style.color, strength), {"capstyle": "round", "joinstyle": "round"}
    canvas.lines(trail.points.transpose(1, 0, 2), color, trail.style.width, viewport.axes, zorder=1.5, **look)


def _draw_limits(names: _Names, viewport: Viewport, limits: Sequence[PanelCurve]) -> None:
    """Draw limits of the figures as dashed lines, and name each where it covers nothing; equal ones are drawn once."""
    canvas, groups = names.canvas, dict[bytes, list[PanelCurve]]()
    for limit in limits:
        groups.setdefault(limit.points.tobytes(), []).append(limit)
    paths = [viewport.pixels(first.points[:, 0], START) for first, *_ in groups.values()]
    names = replace(names, crowd=np.concatenate([names.crowd, *map(points_between, paths)]))
    for line, (first, *others) in zip(paths, groups.values(), strict=True):
        color = canvas.theme.text if others else first.style.color
        style: dict[str, Any] = {"linestyle": (0, LIMIT_DASHES), "zorder": 1.6}
        canvas.lines([line], color, LIMIT_WIDTH * canvas.line, viewport.axes, **style)
        seen = line[(line[:, 1] >= names.box.y) & (line[:, 1] <= names.box.top)]
        words = canvas.scene.say("edge of stability")
        places = seen[np.linspace(len(seen) - 1, 0, PLACES).astype(np.intp)] if len(seen) else ()
        labels = (names.label([f"{words} {first.limit}", first.limit], each, color) for each in places)
        if label := next(filter(None, labels), None):
            canvas.figure.add_artist(label[0])


def _entries(
    names: _Names, panel: CurvesPanel, viewport: Viewport, trails: Sequence[Trail], solved: float
) -> Iterator[EventMarks | PathLabel]:
    """Name the solved band, and yield a dot where each curve enters it to stay, and its step if there is room."""
    canvas, entries = names.canvas, []
    for curve, trail in zip(panel.curves, trails, strict=True):
        last = int(curve.ends.max())
        steps = lasting(curve.points[: last + 1, :, 1] <= solved)
        for k in range(len(steps) if curve.strength == 1 else 0):
            if steps[k] <= last and (curve.arrives is None or curve.arrives[k]):
                entries.append((curve, trail, k, int(steps[k])))
    places = [trail.points[step, k] for _, trail, k, step in entries]
    names.taken.extend(place + 0.4 * canvas.em * AROUND for place in places)
    level = float(viewport.pixels(np.array([panel.reach, solved]), START)[1])
    names.name_band(panel.band_name, names.box.between(names.box.y, level))
    for (curve, trail, k, step), place in zip(entries, places, strict=True):
        unit = "step {n}" if panel.across == "step" else "{n} evaluations"
        reached = canvas.scene.say(unit, n=f"{curve.points[step, k, 0]:.0f}")
        # Without the name of its curve, a step would seem to belong to a name near it.
        words = (
            [f"{curve.style.label}:{gap}{reached}" for gap in (" ", "\n")] if len(trail.points[0]) == 1 else [reached]
        )
        yield event_marks(canvas, curve.style, np.array([step]), place[None], "o", DOT * canvas.em, canvas.theme.panel)
        if label := names.label(words, place, curve.style.color):
            # Drawn once, because text costs more than curves.
            yield PathLabel(trail.optimizer, *appearance(canvas.scene, float(step)), *label)
        elif len(words) > 1:
            names.steps[trail.optimizer] = float(step), words


def _path_labels(
    names: _Names, viewport: Viewport, trails: Sequence[Trail], named: Collection[int] = ()
) -> list[PathLabel]:
    """Return the names of the curves that can be confused, other than those `named` already, where there is room."""
    canvas, box, em = names.canvas, names.box, names.canvas.em
    moving = [trail for trail in trails if trail.style.head_size]
    if not 1 < len(moving) <= MOST_PATHS or box.width < NAMED[0] * em or box.height < NAMED[1] * em:
        return []
    own = [bool(trail.style.head_size) and trail.optimizer not in named for trail in trails]
    shown, others = list(compress(trails, own)), list(compress(trails, np.logical_not(own)))
    taken, words = (
        [extent + APART * em * AROUND for extent in names.taken],
        {i: each for i, (_, each) in names.steps.items()},
    )
    labels = trail_labels(viewport, shown, taken, crowd=others, words=words, size=1.0, casing=canvas.theme.panel)
    for i, label in enumerate(labels):
        if label.text.get_text() in words.get(label.optimizer, ()):
            begin, end = appearance(canvas.scene, names.steps[label.optimizer][0])
            labels[i] = replace(label, begin=max(label.begin, begin), end=max(label.end, end))
    return labels


def _exits(
    canvas: Canvas, viewport: Viewport, curves: Sequence[PanelCurve], trails: Sequence[Trail]
) -> Iterator[EventMarks]:
    """Yield a mark where each curve leaves the panel for good, as for paths that leave a view."""
    low, high = viewport.bounds[1].tolist()
    for curve, trail in zip(curves, trails, strict=True):
        for k, end in enumerate(curve.ends.tolist() if curve.strength == 1 else ()):
            line = trail.points[: end + 1, k]
            last = int(np.flatnonzero((line[:, 1] >= low) & (line[:, 1] <= high)).max(initial=0))
            if last == end or np.isnan(line[last + 1, 1]):
                continue
            rises, (x, y), (ahead, beyond) = line[last + 1, 1] > high, line[last], line[last + 1]
            share, size = ((high if rises else low) - y) / (beyond - y), 0.8 * canvas.em
            place = np.array([[x + share * (ahead - x), high - 0.5 * size if rises else low + 0.5 * size]])
            time, marker = np.array([last + share]), "^" if rises else "v"
            yield event_marks(canvas, curve.style, time, place, marker, size, canvas.theme.panel)


def chart(
    panel: CurvesPanel, theme: Theme, *, name: str, words: str, stepped: bool = False, doubling: bool = False
) -> str:
    """Draw a panel with its complete curves as an SVG element.

    Args:
        panel: The panel.
        theme: Colors and line widths.
        name: An id that is unique among the charts of the page.
        words: The alt text.
        stepped: Whether a curve keeps its value up to the next point.
        doubling: Whether the horizontal axis counts doublings, so that k is labeled as 2ᵏ.

    Returns:
        An `<svg>` element as wide as its parent, with text in the page's font. Equal panels give equal elements.
    """
    left, page = EM * (1.2 + 0.62 * 6), Box(0, 0, WIDTH, HEIGHT)
    box = Box(left, 3.8 * EM, WIDTH - left - 1.2 * EM, HEIGHT - 5.9 * EM)
    empty = Scene(title="", alt_text="", theme=theme, size=(WIDTH, HEIGHT))
    canvas = Canvas(empty, Layout(EM, page, None, (0.0, 0.0), (), None, None, ticks=True))
    axes = _draw_axes(canvas, panel, box, numbered=True).axes
    axes.xaxis.labelpad = points(0.5 * EM)
    if doubling:
        ticks = round_ticks(0.0, panel.reach, 7)
        ticks = ticks[ticks == np.round(ticks)]
        axes.set_xticks(ticks, [f"{2.0**tick:g}" for tick in ticks])
    for curve in panel.curves:
        for start, end in enumerate(curve.ends):
            line = Line2D(
                *curve.points[: end + 1, start].T,
                color=mix(theme.panel, curve.style.color, curve.strength),
                linewidth=points(0.16 * canvas.line),
                linestyle=(0, curve.style.dash) if curve.style.dash else "-",
                drawstyle="steps-post" if stepped else "default",
                solid_joinstyle="round",
                dash_capstyle="butt",
            )
            axes.add_line(line)
    file = StringIO()
    # Keep text as text, and use reproducible ids.
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        canvas.figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _element(file.getvalue(), words)


def _element(text: str, words: str) -> str:
    """Return the SVG element without unused ids and style sheets, and with rounded coordinates."""
    text = text[text.index("<svg") :]
    needed = set(re.findall(r"#(\w+)", "".join(re.findall(r'url\(#\w+\)|href="#\w+"', text))))
    text = re.sub(r' id="([^"]+)"', lambda found: found.group() if found.group(1) in needed else "", text)
    # The figure's style sheet would apply to the whole page.
    text = re.sub(r"<defs>\s*<style.*?</style>\s*</defs>", "", text, flags=re.DOTALL)

    def rounded(tag: re.Match[str]) -> str:
        # Only within tags, so that tick labels are not rounded.
        return re.sub(r"(?<![\w#.])-?\d+\.\d{3,}", lambda found: f"{float(found.group()):.2f}", tag.group())

    text = re.sub(r"<[^>]+>", rounded, text)
    width, height = (72 * side / 100 for side in (WIDTH, HEIGHT))
    opening = f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{escape(words)}">\n'
    return re.sub(r"\s*\n\s*", "\n", opening + text[text.index(">") + 1 :]).strip()
