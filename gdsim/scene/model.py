"""What a scene consists of: frozen numbers and words, in the units of the objective, nothing in pixels.

What is special to a kind of view or panel is declared in `scene.views` and `scene.panels`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.themes import Theme

__all__ = ["Arrows", "Exit", "Facet", "Group", "Mark", "PanelModel", "Path", "Scene", "Style", "ViewModel"]


class ViewModel(Protocol):
    """What is drawn under the paths of a facet."""

    kind: ClassVar[str]
    """The view kind: the name of its module in `scene.views` and `render.views`."""

    @property
    def turns(self) -> bool:
        """Whether a camera turns around it, so that each frame differs everywhere."""
        ...


class PanelModel(Protocol):
    """What a panel shows."""

    kind: ClassVar[str]
    """The shape of the panel: the name of its module in `render.panels`."""

    @property
    def caption(self) -> str:
        """What the numbers are."""
        ...


@dataclass(frozen=True, eq=False)
class Arrows:
    """The gradient on a regular grid.

    An arrow points uphill. It is centred on its grid point, or begins there if it is drawn along a curve.

    Args:
        points: (n, k) grid points in the one or two coordinates shown: those at which the function has a gradient;
            for stream lines the whole grid, row by row from the lowest.
        gradients: (n, k) the gradient along these coordinates, true in size; NaN where there is none.
        lengths: (n,) the drawn length, from 0 to 1 of the space an arrow has: a compressed, monotone function of the
            gradient's norm, log(1 + |∇f| / c) scaled to 1 at the largest; 0 where there is none.
        spacing: (k,) the grid's spacing along each coordinate.
        form: Single arrows, or lines that follow the gradient through the grid.
        heights: (n,) for one coordinate, the value at which each arrow is drawn: on the curve. None for the axis.
    """

    points: FloatArray
    gradients: FloatArray
    lengths: FloatArray
    spacing: FloatArray
    form: Literal["quiver", "stream"]
    heights: FloatArray | None


@dataclass(frozen=True)
class Style:
    """How one optimizer is drawn in the whole picture, and what the legend says about it.

    Args:
        label: The optimizer's label.
        settings: Its class and settings.
        color: "#rrggbb".
        dash: On and off lengths in units of the line's width; empty for a solid line.
        marker: The head's shape, a matplotlib letter.
        aside: What the picture does not show: "0.31 off the plane", where a network's weights end; usually empty.
    """

    label: str
    settings: str
    color: str
    dash: tuple[float, ...]
    marker: str
    aside: str = ""


@dataclass(frozen=True)
class Exit:
    """Where a path ends before the last step, because it leaves the view for good or is no longer finite.

    Args:
        start: Index of the start.
        step: The first step outside.
        time: Steps, with a fraction, at which the path crosses the border.
        point: Where it crosses, or ends within the view: (x, y) or (x, value), and for a surface (x, y, height).
        words: What happened: "left at step 4".
    """

    start: int
    step: int
    time: float
    point: tuple[float, ...]
    words: str


@dataclass(frozen=True, eq=False)
class Path:
    """One optimizer's paths over one objective, as they are drawn in a facet.

    Between two iterates a path is a straight segment of the input space. On a curve or a surface it follows the
    function, which needs points between the iterates.

    Args:
        style: How it is drawn.
        times: (n,) the step, with a fraction, at which each point is reached; whole numbers are iterates.
        points: (n, starts, k) the points: (x, y) seen from above, (x, value) on a curve, (x, y, height) on a surface,
            with the height from 0 to 1 of the value axis. NaN where the function has no value.
        slopes: (n, starts) the derivative there, on a curve; else None.
        gradients: (steps + 1, starts, c) the gradient at each iterate along the c coordinates shown; 0 where it is
            not finite.
        values: (steps + 1, starts) the objective at each iterate; NaN where it is not finite.
        moves: (steps, starts, c) the step taken from each iterate along these coordinates.
        ends: (starts,) the step up to which a path is drawn: at most the first one outside, because a later segment
            between two points far outside may cross the view.
        exits: Where paths leave the view for good.
    """

    style: Style
    times: FloatArray
    points: FloatArray
    slopes: FloatArray | None
    gradients: FloatArray
    values: FloatArray
    moves: FloatArray
    ends: npt.NDArray[np.int64]
    exits: tuple[Exit, ...]


@dataclass(frozen=True)
class Mark:
    """A named point.

    Args:
        point: (x, y) or (x, y, height).
        name: What is there.
    """

    point: tuple[float, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Facet:
    """One view of an objective, with all paths or with those of one optimizer.

    Args:
        style: The one optimizer shown, whose name is written above the facet; None if all are shown.
        limits: (2, 2) the range shown of the horizontal and the vertical coordinate.
        names: The names of these coordinates.
        model: What is drawn under the paths, a `ViewModel`.
        arrows: The gradient arrows, or None.
        minima: (m, k) the known minima within the view: (x, y), (x, value) or (x, y, height).
        paths: The paths.
        marks: Named points, such as the recordings that define a plane of weights.
        value_name: How the value is called: "f(x, y)", "loss"; empty for an image.
        heading: What is written above a facet that has no style.
    """

    style: Style | None
    limits: FloatArray
    names: tuple[str, str]
    model: Any
    arrows: Arrows | None = None
    minima: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    paths: tuple[Path, ...] = ()
    marks: tuple[Mark, ...] = ()
    value_name: str = ""
    heading: str = ""


@dataclass(frozen=True, eq=False)
class Group:
    """All that is shown of one objective.

    Args:
        name: The objective's title, written beside the group if there are several; empty for a single one.
        facets: One, or one per optimizer; all with the same limits and kind of model.
        panels: The panels beside or under them, each a `PanelModel`.
    """

    name: str
    facets: tuple[Facet, ...]
    panels: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False)
class Scene:
    """What is shown. `len(scene)` is its number of frames; by default it is a single frame in which nothing moves.

    Args:
        title: The picture's title.
        formula: The objective's formula for the title, in LaTeX without dollar signs; empty for none.
        formula_for_title: Whether the formula may replace the title, because both say the same.
        subtitles: What the picture does not show, in full and ever shorter; empty if it shows everything.
        alt_text: What happens, in a few sentences.
        theme: Colours, line widths and type.
        size: Width and height in pixels.
        styles: The optimizers, in order.
        groups: One per objective.
        panels_at: Whether the panels are beside or under the view; None for what fits best.
        dots: Whether each iterate has a dot.
        trail: How many steps of a path are visible behind its head, fading; None for the whole path.
        vectors: Whether each head has arrows for the gradient, its negative and the step taken.
        steps: Number of steps.
        frame_steps: (frames,) the step, with a fraction, that each frame shows.
        fps: Frames per second.
        hold: Seconds for which the last frame stays.
    """

    title: str
    formula: str
    formula_for_title: bool
    subtitles: tuple[str, ...]
    alt_text: str
    theme: Theme
    size: tuple[int, int]
    styles: tuple[Style, ...] = ()
    groups: tuple[Group, ...] = ()
    panels_at: Literal["beside", "under"] | None = None
    dots: bool = False
    trail: int | None = None
    vectors: bool = False
    steps: int = 0
    frame_steps: FloatArray = field(default_factory=lambda: np.zeros(1))
    fps: int = 1
    hold: float = 0.0

    def __len__(self) -> int:
        return len(self.frame_steps)

    @property
    def facets(self) -> tuple[Facet, ...]:
        """The facets of all groups."""
        return tuple(facet for group in self.groups for facet in group.facets)

    @property
    def turns(self) -> bool:
        """Whether a camera turns, so that each frame differs everywhere."""
        return any(facet.model.turns for facet in self.facets)
