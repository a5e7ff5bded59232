"""What a scene is made of: frozen numbers and words, in the units of the objective, nothing in pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Protocol

import numpy as np
import numpy.typing as npt

from gdsim.objectives import FloatArray
from gdsim.scene.levels import Levels
from gdsim.scene.space import Space
from gdsim.themes import Theme

__all__ = [
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
    "Mark",
    "PanelCurve",
    "PanelModel",
    "Path",
    "Scene",
    "Style",
    "SurfaceModel",
    "ViewModel",
]


class ViewModel(Protocol):
    """What is drawn under the paths of a facet."""

    kind: ClassVar[str]
    """The name of the view kind, and of its module in `scene.views` and `render.views`."""

    @property
    def turns(self) -> bool:
        """Whether a camera turns around it, so that each frame differs everywhere."""
        ...


class PanelModel(Protocol):
    """What a panel shows."""

    kind: ClassVar[str]
    """The panel's shape, and the name of its module in `render.panels`."""

    @property
    def caption(self) -> str:
        """What is shown."""
        ...


@dataclass(frozen=True, eq=False)
class ContourModel:
    """The objective over a grid of two coordinates, seen from above.

    Args:
        x: (columns,) grid positions along the first coordinate.
        y: (rows,) grid positions along the second coordinate.
        values: (rows, columns) the objective there; NaN where it is not finite.
        levels: Where the colour changes.
        fill: Whether the levels are filled in even colours, shaded smoothly as a heat map, or left to bare lines.
    """

    kind: ClassVar[str] = "contour"
    turns: ClassVar[bool] = False

    x: FloatArray
    y: FloatArray
    values: FloatArray
    levels: Levels
    fill: Literal["levels", "heat", "none"]


@dataclass(frozen=True, eq=False)
class CurveModel:
    """The objective over one coordinate.

    Args:
        x: (n,) positions.
        values: (n,) the objective there; NaN where it is not finite.
    """

    kind: ClassVar[str] = "curve"
    turns: ClassVar[bool] = False

    x: FloatArray
    values: FloatArray


@dataclass(frozen=True, eq=False)
class SurfaceModel:
    """The objective over a grid of two coordinates, as a surface in space above the plane of its inputs.

    Args:
        x: (columns,) grid positions along the first coordinate.
        y: (rows,) grid positions along the second coordinate.
        values: (rows, columns) the objective there; NaN where it is not finite.
        heights: (rows, columns) how high the surface stands there, from 0 to 1 of the value axis.
        levels: Where the colour changes.
        ticks: (ticks,) heights that carry a number on the value axis, from 0 to 1.
        labels: The numbers, one a tick.
        caption: What the numbers are, and whether the axis is compressed or cut.
        space: Where all this stands, and how the camera sees it.
    """

    kind: ClassVar[str] = "surface"

    x: FloatArray
    y: FloatArray
    values: FloatArray
    heights: FloatArray
    levels: Levels
    ticks: FloatArray
    labels: tuple[str, ...]
    caption: str
    space: Space

    @property
    def turns(self) -> bool:
        """Whether its camera turns."""
        return self.space.camera.orbit != 0


@dataclass(frozen=True, eq=False)
class Arrows:
    """The gradient on a regular grid.

    An arrow points uphill. It is centred on its grid point, or begins there where it stands on a curve.

    Args:
        points: (n, k) grid points, in the one or two coordinates shown: those at which the function has a gradient;
            for stream lines all of the grid, row by row from the lowest.
        gradients: (n, k) the gradient along these coordinates, true in size; NaN where there is none.
        lengths: (n,) how long an arrow is drawn, from 0 to 1 of the room it has: a compressed, monotone
            function of the gradient's norm, log(1 + |∇f| / c) scaled to 1 at the largest; 0 where there is none.
        spacing: (k,) the grid's spacing along each coordinate.
        form: Single arrows, or lines that follow the gradient through the grid.
        heights: (n,) for one coordinate, at which value each arrow stands: on the curve. None for the axis.
    """

    points: FloatArray
    gradients: FloatArray
    lengths: FloatArray
    spacing: FloatArray
    form: Literal["quiver", "stream"]
    heights: FloatArray | None


@dataclass(frozen=True)
class Style:
    """How one optimizer is drawn wherever it appears, and what the legend says of it.

    Args:
        label: The optimizer's label.
        settings: Its class and settings.
        color: "#rrggbb".
        dash: On and off lengths in units of the line's width; empty for a solid line.
        marker: The head's shape, a matplotlib letter.
        aside: What the picture does not show of it: "0.31 off the plane", where a network's weights end; empty for
            nothing.
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
        words: What happened, for a note: "left at step 4".
    """

    start: int
    step: int
    time: float
    point: tuple[float, ...]
    words: str


@dataclass(frozen=True, eq=False)
class Path:
    """One optimizer's paths over one objective, as they are drawn in a facet.

    Between two iterates a path is a straight segment of the input space. On a curve or a surface it is lifted onto
    the function, which takes places between the iterates, too.

    Args:
        style: How it is drawn.
        times: (n,) the step, with a fraction, at which each place is reached; whole numbers are iterates.
        points: (n, starts, k) the places. From above (x, y); on a curve (x, value); on a surface (x, y, height), the
            height from 0 to 1 of the value axis. NaN where the function has no value.
        slopes: (n, starts) the derivative there, on a curve; else None.
        gradients: (steps + 1, starts, c) the gradient at each iterate along the c coordinates shown; 0 where it is no
            number.
        values: (steps + 1, starts) the objective at each iterate, NaN where it is no number.
        moves: (steps, starts, c) the step taken from each iterate along these coordinates.
        ends: (starts,) the step up to which a path is drawn: at most the first one outside, because a later segment
            between two points far outside may well cross the view.
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


@dataclass(frozen=True, eq=False)
class PanelCurve:
    """One optimizer's curves in a panel.

    Args:
        style: How it is drawn.
        points: (n, starts, 2) where each step stands along the panel's axis, and its figure less the panel's base;
            NaN where there is none. On a logarithmic axis a figure that has no place on it, being 0 or less, stands
            far below the panel's limits.
        ends: (starts,) the step up to which it is drawn.
        strength: From 0 to 1: how strong it is drawn beside others of the same style, such as the loss on the test data
            beside that on the training data, or the first layer of a network beside its last.
    """

    style: Style
    points: FloatArray
    ends: npt.NDArray[np.int64]
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class CurvesPanel:
    """A figure over the steps.

    Args:
        caption: What is shown.
        across: What the horizontal axis counts: "step" or "gradient evaluations".
        reach: How far that axis goes, at least 1.
        base: What is taken off the figures: the known minimum where the axis is logarithmic, else mostly 0.
        logarithmic: Whether the value axis is logarithmic.
        limits: (2,) the range of figures to show.
        ticks: (ticks,) the figures that carry a number, where these are fixed, as for an angle; else None.
        curves: One an optimizer.
    """

    kind: ClassVar[str] = "curves"

    caption: str
    across: str
    reach: float
    base: float
    logarithmic: bool
    limits: FloatArray
    ticks: FloatArray | None
    curves: tuple[PanelCurve, ...]


@dataclass(frozen=True, eq=False)
class HeatmapRow:
    """One optimizer's figures by layer, as rows of a heat map that grows with the steps.

    Args:
        style: Whose figures.
        values: (layers, steps + 1) the first layer at the bottom; NaN where there is none.
        end: The step up to which it is drawn.
    """

    style: Style
    values: FloatArray
    end: int


@dataclass(frozen=True, eq=False)
class Heatmap:
    """A panel of heat maps under each other, one an optimizer, in one scale of colours.

    Args:
        caption: What is shown.
        across: What the horizontal axis counts.
        reach: How far that axis goes, at least 1.
        limits: (2,) the values of the ends of the colours, above 0: they are logarithmic; the same in all groups of a
            scene.
        layers: What the layers are called, from the bottom.
        rows: One an optimizer.
    """

    kind: ClassVar[str] = "heatmap"

    caption: str
    across: str
    reach: float
    limits: FloatArray
    layers: tuple[str, ...]
    rows: tuple[HeatmapRow, ...]


@dataclass(frozen=True, eq=False)
class ImageSequence:
    """A small picture of numbers that changes with the steps.

    Args:
        steps: (n,) from which step on each picture is seen, ascending from 0.
        pictures: (n, rows, columns) the numbers, row by row from the top.
        limits: (2,) the numbers of the ends of the colours.
        colors: Grey from black to white for an image; two hues around the middle for what has a sign; one hue for what
            has none.
    """

    kind: ClassVar[str] = "image"
    turns: ClassVar[bool] = False

    steps: npt.NDArray[np.int64]
    pictures: FloatArray
    limits: FloatArray
    colors: Literal["gray", "signed", "unsigned"]


@dataclass(frozen=True, eq=False)
class ImageRow:
    """The images of one optimizer in a grid of images.

    Args:
        style: The optimizer.
        images: One per column of the grid.
        words: What is written under its name, such as what its network sees: "says 3 · 98 %"; usually empty.
    """

    style: Style
    images: tuple[ImageSequence, ...]
    words: str = ""


@dataclass(frozen=True, eq=False)
class ImageGrid:
    """A panel of small images that change with the steps.

    Args:
        caption: What is shown.
        rows: One per optimizer, all with the same number of images.
        image: An image that all rows refer to and that does not change; None where there is none.
        heading: The heading of that image, "image 7"; else empty.
        columns: The heading of each column; empty where the columns have none. All images of a column share their
            limits and colors.
    """

    kind: ClassVar[str] = "images"

    caption: str
    rows: tuple[ImageRow, ...]
    image: ImageSequence | None = None
    heading: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Mark:
    """A place on the ground that has a name.

    Args:
        point: Where: (x, y) or (x, y, height).
        name: What is there.
    """

    point: tuple[float, ...]
    name: str


@dataclass(frozen=True, eq=False)
class Facet:
    """One view of an objective, with all paths or with those of one optimizer.

    Args:
        style: The one optimizer shown, whose name stands above the facet; None where all are shown.
        limits: (2, 2) the range shown of the horizontal and the vertical coordinate.
        names: What the horizontal and the vertical coordinate are called.
        model: What is drawn under the paths, a `ViewModel`; an image has no axes, paths, arrows or minima.
        arrows: The gradient arrows, or None.
        minima: (m, k) the known minima within the view: (x, y), (x, value) or (x, y, height).
        paths: The paths.
        marks: The recordings within the view that a plane of weights goes through.
        value_name: How the value is called: "f(x, y)", "loss"; empty for an image.
        heading: What is written above the facet when it has no style.
    """

    style: Style | None
    limits: FloatArray
    names: tuple[str, str]
    model: Any
    arrows: Arrows | None
    minima: FloatArray
    paths: tuple[Path, ...]
    marks: tuple[Mark, ...] = ()
    value_name: str = ""
    heading: str = ""


@dataclass(frozen=True, eq=False)
class Group:
    """All that is shown of one objective: one facet, or one an optimizer, and the panels that go with them.

    Args:
        name: The objective's title, which stands beside the group where there are several; empty for one alone.
        facets: At least one; all of the same limits and model.
        panels: Any number, each a `PanelModel`.
    """

    name: str
    facets: tuple[Facet, ...]
    panels: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class Scene:
    """What is to be seen. `len(scene)` is its number of frames; by default there is one, with nothing that moves.

    Args:
        title: The picture's title.
        formula: The objective's formula for the title, in LaTeX without dollar signs; empty for none.
        formula_for_title: Whether the title says the same as the formula, and gives way to it where that fits.
        subtitles: What the picture leaves out, in full and in short; none where it leaves out nothing.
        alt_text: What happens, in a sentence or a few, for those who do not see it.
        theme: Colours, line widths and type.
        size: Width and height in pixels.
        styles: The optimizers, in order.
        groups: One an objective, at least one.
        panels_at: Whether the panels stand beside the view or under it; None for what fits best.
        dots: Whether each iterate has a dot.
        trail: How many steps a path is seen back from its head, fading; None for the whole path.
        vectors: Whether each head carries the gradient, its negative and the step taken.
        steps: Number of steps.
        frame_steps: (frames,) the step, with a fraction, that each frame shows.
        fps: Frames a second.
        hold: Seconds that the last frame stands.
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
        """All facets of all groups."""
        return tuple(facet for group in self.groups for facet in group.facets)

    @property
    def turns(self) -> bool:
        """Whether a camera turns, so that each frame differs everywhere."""
        return any(facet.model.turns for facet in self.facets)
