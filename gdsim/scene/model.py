"""What a scene consists of: frozen numbers and words, in the units of the objective, nothing in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.themes import Theme


class ViewModel(Protocol):
    """What is drawn under the paths; `kind` is the name of its modules in `scene.views` and `render.views`."""

    kind: ClassVar[str]

    @property
    def turns(self) -> bool:
        """Whether a camera turns around it, so that each frame differs everywhere."""
        ...


class PanelModel(Protocol):
    """What a panel shows; `kind` is the name of its module in `render.panels`."""

    kind: ClassVar[str]

    @property
    def caption(self) -> str:
        """What the numbers are."""
        ...


@dataclass(frozen=True, eq=False)
class Arrows:
    """The gradient on a regular grid; an arrow points uphill, is centred on its point or begins there on a curve.

    Attributes:
        points: (n, k) those grid points in the one or two coordinates shown at which the function has a gradient; for
            stream lines the whole grid, row by row from the lowest.
        gradients: (n, k) the gradient along these coordinates, true in size; NaN where there is none.
        lengths: (n,) the drawn length, from 0 to 1 of the space an arrow has, see `lengths`.
        spacing: (k,) the grid's spacing along each coordinate.
        form: Single arrows, or lines that follow the gradient through the grid.
        heights: (n,) the values at which arrows along a curve begin; None for arrows on the axis or plane.
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

    Attributes:
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

    Attributes:
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

    Attributes:
        times: (n,) the step, with a fraction, at which each point is reached; whole numbers are iterates.
        points: (n, starts, k) the points: (x, y) seen from above, (x, value) on a curve, (x, y, height) on a surface,
            with the height from 0 to 1 of the value axis. NaN where the function has no value.
        slopes: (n, starts) the derivative there, on a curve; else None.
        gradients: (steps + 1, starts, c) the gradient at each iterate along the c coordinates shown; 0 if not finite.
        values: (steps + 1, starts) the objective at each iterate; NaN if not finite.
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
    """A named point, (x, y) or (x, y, height)."""

    point: tuple[float, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Facet:
    """One view of an objective, with all paths or with those of one optimizer.

    Attributes:
        style: The one optimizer shown, whose name is written above the facet; None if all are shown.
        limits: (2, 2) the range shown of the horizontal and the vertical coordinate, which have the names.
        model: What is drawn under the paths, a `ViewModel`.
        minima: (m, k) the known minima within the view: (x, y), (x, value) or (x, y, height).
        marks: Named points, such as the recordings that define a plane of weights.
        value_name: The name of the value: "f(x, y)", "loss"; empty for an image.
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

    Attributes:
        name: The objective's title, written beside the group if there are several; empty for a single one.
        facets: One, or one per optimizer; all with the same limits and kind of model.
        panels: Each a `PanelModel`.
    """

    name: str
    facets: tuple[Facet, ...]
    panels: tuple[Any, ...] = ()


@dataclass(frozen=True, eq=False, repr=False)
class Scene:
    """What is shown. `len(scene)` is its number of frames; by default it is a single frame in which nothing moves.

    Attributes:
        formula: The objective's formula for the title, in LaTeX without dollar signs; empty for none.
        formula_for_title: Whether the formula may replace the title, because both say the same.
        subtitles: What the picture does not show, in full and ever shorter; empty if it shows everything.
        alt_text: What happens, in a few sentences.
        size: Width and height in pixels.
        styles: The optimizers, in order.
        groups: One per objective.
        panels_at: None for what fits best.
        dots: Whether each iterate has a dot.
        trail: How many steps of a path are visible behind its head, fading; None for the whole path.
        vectors: Whether each head has arrows for the gradient, its negative and the step taken.
        frame_steps: (frames,) the step, with a fraction, that each frame shows.
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

    def __repr__(self) -> str:
        return f"<Scene: {self.title or self.alt_text.partition('.')[0]}, {len(self)} frame{'s' * (len(self) != 1)}>"

    @property
    def facets(self) -> tuple[Facet, ...]:
        """The facets of all groups."""
        return tuple(facet for group in self.groups for facet in group.facets)

    @property
    def turns(self) -> bool:
        """Whether a camera turns, so that each frame differs everywhere."""
        return any(facet.model.turns for facet in self.facets)
