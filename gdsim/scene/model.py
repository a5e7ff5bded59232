"""The data classes of a scene, in units of the objective rather than pixels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gdsim.languages import ENGLISH, Language
from gdsim.objectives import FloatArray
from gdsim.themes import Theme

FEW_STARTS = 4  # maximum number of starts for which paths are thick; with more they are thin


class ViewModel(Protocol):
    """What is drawn under the paths; `kind` is the name of its module in `render.views`."""

    kind: ClassVar[str]

    @property
    def turns(self) -> bool:
        """Whether a camera turns around the view, so that no part of the picture is constant."""
        ...


class PanelModel(Protocol):
    """What a panel shows; `kind` is the name of its module in `render.panels`."""

    kind: ClassVar[str]

    @property
    def caption(self) -> str:
        """The name of the quantity shown."""
        ...


@dataclass(frozen=True, eq=False)
class Arrows:
    """Gradients on a regular grid as arrows that point uphill, centred on their points or, on a curve, beginning there.

    Attributes:
        points: (n, k) the grid points with a gradient, k = 1 or 2; for stream lines all, row by row from the bottom.
        gradients: (n, k) the gradient along these coordinates; NaN where it does not exist.
        lengths: (n,) the drawn length, as a fraction of the space for one arrow; see `lengths`.
        spacing: (k,) the spacing of the grid along each coordinate.
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
    """The appearance of one optimizer in all facets and panels, and its text in the legend.

    Attributes:
        dash: On and off lengths in units of the line width; empty for a solid line.
        marker: Matplotlib marker of the path's head.
        aside: What the picture cannot show, such as "0.31 off the plane" for a network's last weights; usually empty.
        thin: Whether the paths are thin, because there are many.
    """

    label: str
    settings: str
    color: str
    dash: tuple[float, ...]
    marker: str
    aside: str = ""
    thin: bool = False


@dataclass(frozen=True)
class Exit:
    """The end of a path before the last step, because it leaves the view for good or is no longer finite.

    Attributes:
        step: The first step outside.
        time: Fractional step at which the path crosses the border.
        point: (k,) where the path ends, as `Path.points`.
        words: Text for the picture, as alternatives from long to short: the first step outside, or how the path failed.
    """

    start: int
    step: int
    time: float
    point: tuple[float, ...]
    words: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Curvature:
    """The curvature along a path in a plane.

    Attributes:
        times: (n,) the fractional steps at which it is known.
        axes: (n, starts, 2, 2) the unit eigenvectors of the Hessian as rows, each close to the one before.
        reaches: (n, starts, 2) 1/√|λ| of their eigenvalues λ, the distance along each at which the quadratic part of
            the function changes by 1/2; NaN where the Hessian is not finite.
        negative: (n, starts, 2) whether λ is negative.
    """

    times: FloatArray
    axes: FloatArray
    reaches: FloatArray
    negative: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Path:
    """One optimizer's paths over one objective in a facet, which follow a curve or a surface between two iterates.

    Attributes:
        times: (n,) the fractional step of each point; whole numbers are iterates.
        points: (n, starts, k) the points: (x, y), (x, value) on a curve, or (x, y, height) on a surface, where the
            height is a fraction of the value axis; NaN where the function has no value.
        slopes: (n, starts) the derivative at each point of a curve; otherwise None.
        gradients: (steps + 1, starts, c) the gradient at each iterate along the c coordinates shown; 0 if not finite.
        values: (steps + 1, starts) the objective at each iterate; NaN if not finite.
        ends: (starts,) the last step that is drawn: at most the first one outside the view for good.
        exits: Where paths leave the view for good.
        at_heads: What is drawn at the heads, by the names in `Scene.vectors`: an arrow at each iterate, (steps + 1,
            starts, c), or the matrix of an outline, (steps + 1, starts, 2, 2), in data units.
        curvature: The curvature along the path, if it is drawn.
    """

    style: Style
    times: FloatArray
    points: FloatArray
    slopes: FloatArray | None
    gradients: FloatArray
    values: FloatArray
    ends: npt.NDArray[np.int64]
    exits: tuple[Exit, ...]
    at_heads: Mapping[str, FloatArray] = field(default_factory=dict)
    curvature: Curvature | None = None


@dataclass(frozen=True, eq=False)
class Spread:
    """The mean and the spread of the runs of an ensemble.

    Attributes:
        mean: The path of the mean.
        runs: The number of runs.
        times: (n,) the steps at which the spread is known.
        regions: (n, shares, vertices, k) lines, in the coordinates of `Path.points`, around given shares of the runs:
            closed ones in a plane or on a surface, or the part of a curve.
    """

    mean: Path
    runs: int
    times: FloatArray
    regions: FloatArray


@dataclass(frozen=True, eq=False)
class Fan:
    """The paths of one optimizer from one start with each value of a setting.

    Attributes:
        points: (values, n, k) the points of each path, as `Path.points`; the last one is repeated.
        stays: (values,) whether the path stays in the view, or comes back to it.
    """

    style: Style
    points: FloatArray
    stays: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Mark:
    """A named point, (x, y) or (x, y, height)."""

    point: tuple[float, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Facet:
    """One view of an objective, with the paths of all optimizers or of one.

    Attributes:
        style: The optimizer shown; None if all are shown.
        limits: (2, 2) the range of the horizontal and the vertical coordinate.
        minima: (m, k) the known minima within the view, as `Path.points`.
        flow: (n, starts, k) the gradient flow from each start, as `Path.points`; NaN where there is no value.
        spreads: The means and spreads of ensembles, of which `paths` are the first runs.
        marks: Named points, such as the recordings that define a plane of weights.
        fans: Paths with each value of a setting, of which one is shown at a time.
        terms: The names of the point, the value and the gradient of an iterate, in a page.
        heading: Text above a facet without a style.
        inset: The part that contains the visible paths, in units of the same axes; None if they are not small.
    """

    style: Style | None
    limits: FloatArray
    names: tuple[str, str]
    model: ViewModel
    arrows: Arrows | None = None
    minima: FloatArray = field(default_factory=lambda: np.empty((0, 2)))
    paths: tuple[Path, ...] = ()
    flow: FloatArray = field(default_factory=lambda: np.empty((0, 0, 2)))
    spreads: tuple[Spread, ...] = ()
    fans: tuple[Fan, ...] = ()
    marks: tuple[Mark, ...] = ()
    terms: tuple[str, ...] = ()
    heading: str = ""
    inset: Facet | None = None


@dataclass(frozen=True)
class Milestone:
    """A sentence that appears when something happens.

    Attributes:
        step: The step at which it happens.
        words: Text such as "SGD arrives · step 9".
        short: The text without the step.
        optimizer: The index in `Scene.styles` of the optimizer; −1 for all.
    """

    step: int
    words: str
    short: str
    color: str
    optimizer: int


@dataclass(frozen=True, eq=False)
class Group:
    """The facets and panels of one objective.

    Attributes:
        name: The objective's title if the scene has several groups; otherwise empty.
        facets: One facet, or one per optimizer; all have the same limits and kind of model.
    """

    name: str
    facets: tuple[Facet, ...]
    panels: tuple[PanelModel, ...] = ()


@dataclass(frozen=True, eq=False)
class CellRuns:
    """The runs of some cells of a map.

    Attributes:
        places: The columns and the rows of the cells in the map, row 0 at the lowest value.
        points: (optimizers, rows, columns, points, 2) the vertices, as shares of the width and the height of the view
            from its lower left corner.
        view: Where they are drawn: on the map, in the view of paths beside it, or in a picture of its own.
        picture: That picture, without the runs; None for others.
    """

    places: tuple[npt.NDArray[np.int64], ...]
    points: FloatArray
    view: Literal["map", "paths", "picture"]
    picture: Scene | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Scene:
    """Everything that an animation shows; `len(scene)` is its number of frames, by default a single one.

    Attributes:
        title: The finding, or what the user calls the picture; empty for none.
        short_titles: What replaces the title where it has no room, from long to short.
        subject: The names of the objectives, for the subtitle.
        caption: What `alt_text` says of each optimizer, in clauses; empty if it says nothing.
        best: The index in `styles` of the optimizer that arrives first; None if no single one does.
        formula: The objective's formula for the subtitle, in LaTeX without dollar signs.
        formula_is_subject: Whether the formula may replace the subject, because both are the same expression.
        notes: What the picture does not show, or what is not of torch.optim, as alternatives from long to short.
        milestones: What happens, in order of steps.
        panels_at: Position of the panels; None to choose the one that fits best.
        dots: Whether iterates are drawn as dots where there is room.
        trail: Number of steps of a path that remain visible behind its head while they fade; None for the whole path.
        descent: Whether each head has an arrow for the negative gradient alone.
        vectors: What is drawn at each head: "gradient", "descent", "step", "momentum", "preconditioner" and "trust".
        readings: For a sweep over one setting, what the counter shows at each whole step, such as "lr 0.1".
        cell_runs: For a map, runs some of its cells for a page; None for other scenes.
        figures: For a sweep over one setting, the name and the numbers (optimizers, steps + 1) of each figure.
        frame_steps: (frames,) the fractional step that each frame shows.
        hold: Additional seconds for which the last frame is shown.
        poster_first: Whether the last frame is also shown before all others, for the time of one frame.
        say: The language of the words that are added when the scene is drawn.
    """

    title: str
    alt_text: str
    theme: Theme
    size: tuple[int, int]
    short_titles: tuple[str, ...] = ()
    subject: str = ""
    caption: tuple[str, ...] = ()
    best: int | None = None
    formula: str = ""
    formula_is_subject: bool = False
    notes: tuple[str, ...] = ()
    styles: tuple[Style, ...] = ()
    groups: tuple[Group, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    panels_at: Literal["beside", "under"] | None = None
    dots: bool = False
    trail: int | None = None
    descent: bool = False
    vectors: tuple[str, ...] = ()
    steps: int = 0
    readings: tuple[str, ...] = ()
    figures: tuple[tuple[str, FloatArray], ...] = ()
    cell_runs: Callable[..., CellRuns] | None = None
    frame_steps: FloatArray = field(default_factory=lambda: np.zeros(1))
    fps: int = 1
    hold: float = 0.0
    poster_first: bool = False
    say: Language = ENGLISH

    def __len__(self) -> int:
        return len(self.frame_steps)

    def __repr__(self) -> str:
        return f"<Scene: {self.name}, {len(self)} frame{'s' * (len(self) != 1)}>"

    @property
    def name(self) -> str:
        """The title, or where there is none the names of the objectives, or else how the description begins."""
        return self.title or self.subject or self.alt_text.partition(".")[0]

    @property
    def facets(self) -> tuple[Facet, ...]:
        """The facets of all groups."""
        return tuple(facet for group in self.groups for facet in group.facets)

    @property
    def legend(self) -> tuple[Style, ...]:
        """The styles that no facet has as its name."""
        named = [facet.style for facet in self.facets]
        return tuple(style for style in self.styles if style not in named)

    @property
    def turns(self) -> bool:
        """Whether a camera turns, so that no part of the picture is constant."""
        return any(facet.model.turns for facet in self.facets)
