"""What the picture looks like, how long it moves, and which files are written."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from gdsim import languages, themes
from gdsim.config.messages import format_value, is_number
from gdsim.config.model import (
    TEXT_OR_OTHER,
    Color,
    Finite,
    Line,
    Model,
    NoneAsEmpty,
    OneOf,
    OptionalColor,
    all_different,
    has_control_characters,
    none_as_empty,
    refuse,
)
from gdsim.errors import InputError, Problem, did_you_mean

MIN_WIDTH, MIN_HEIGHT, MAX_WIDTH, MAX_HEIGHT = 160, 120, 3840, 2160
MAX_FRAMES = 3000
PlaneName = Literal["pca", "hessian", "hessian_start", "random"]
PLANES = f"{', '.join(get_args(PlaneName))}, two coordinates such as [0, 1], or two recordings such as [a.npz, b.npz]"


def _check_size(size: list[int]) -> list[int]:
    limits = ((MIN_WIDTH, MAX_WIDTH), (MIN_HEIGHT, MAX_HEIGHT))
    refuse(
        Problem(f"must be from {low} to {high}, not {side}", (index,))
        for index, (side, (low, high)) in enumerate(zip(size, limits, strict=True))
        if not low <= side <= high
    )
    return size


def _check_plane(plane: Any) -> Any:
    if plane is None or plane in get_args(PlaneName):
        return plane
    types = {type(each) for each in plane} if isinstance(plane, list) and len(plane) == 2 else set()
    if (types == {str} and not any(map(has_control_characters, plane))) or (types == {int} and min(plane) >= 0):
        return all_different(plane)
    hint = did_you_mean(plane, get_args(PlaneName)) if isinstance(plane, str) else ""
    refuse([Problem(f"must be {PLANES}, not {format_value(plane)}{hint}")])
    return plane


Pixels = Annotated[int, Field(ge=MIN_HEIGHT, le=MAX_WIDTH, multiple_of=2)]
Pair = Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True})
Coordinates = Annotated[list[Annotated[int, Field(ge=0)]], Pair]
Recordings = Annotated[list[Line], Pair]
Plane = Annotated[
    PlaneName | list[int] | list[str] | None,
    PlainValidator(_check_plane, json_schema_input_type=Coordinates | PlaneName | Recordings | None),
]
Steps = Annotated[int, Field(ge=1, le=1_000_000)]
Vector = Literal["gradient", "descent", "step", "momentum", "preconditioner", "trust"]
Vectors = Annotated[
    list[Vector],
    BeforeValidator(
        lambda value: {True: ["gradient", "descent", "step"], False: []}[value] if isinstance(value, bool) else value,
        json_schema_input_type=bool | list[Vector],
    ),
    AfterValidator(all_different),
]
MapMethod = Literal["gradient", "saliency", "smoothgrad", "integrated", "gradcam"]
ThemeName = Annotated[str, Field(examples=["dark"]), OneOf("gdsim.themes", "names")]
ColorMap = Annotated[Line, Field(max_length=80, examples=["viridis"])]
Shades = Annotated[list[Color], Field(min_length=2, max_length=256)]


class OwnTheme(Model):
    """A theme of the user's own; what is not given is that of its base."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"base": "dark"}]})

    base: ThemeName | None = None
    """The theme to start from, one of ours or a style sheet of matplotlib; light by default."""
    page: OptionalColor = None
    """The background of the whole picture."""
    text: OptionalColor = None
    """Titles and labels."""
    quiet: OptionalColor = None
    """Ticks, secondary text and thin rules."""
    grid: OptionalColor = None
    """Lines behind a panel's curves."""
    panel: OptionalColor = None
    """The background of a panel."""
    field: Annotated[Annotated[Shades, Tag("other")] | Annotated[ColorMap, Tag("text")], TEXT_OR_OTHER] | None = Field(
        default=None, examples=["viridis", ["#fffdf5", "#3c5f86"]]
    )
    """The colours under the paths, from the lowest level to the highest: a colour map of matplotlib, or a list of at
    least two colours."""
    level_line: OptionalColor = None
    """The thin line between two levels."""
    arrow: OptionalColor = None
    """The gradient arrows."""
    falling: OptionalColor = None
    """The arrows of a curve where its slope is negative."""
    rising: OptionalColor = None
    """The arrows of a curve where its slope is positive."""
    casing: OptionalColor = None
    """The thin outline that separates a path, a head or a star from what is under it."""
    minimum: OptionalColor = None
    """The stars on the minima."""
    paths: Annotated[list[Color], Field(min_length=1, max_length=16), AfterValidator(all_different)] | None = Field(
        default=None, examples=[["#0072B2", "#D55E00"]]
    )
    """The colours of the paths, in the order of the optimizers."""
    font: Annotated[Line, Field(min_length=1, max_length=80)] | None = Field(default=None, examples=["DejaVu Sans"])
    """The font family of all text, by matplotlib's name for it."""
    stroke: Annotated[Finite, Field(ge=themes.STROKE[0], le=themes.STROKE[1])] | None = None
    """A factor for all line widths."""
    type: Annotated[Finite, Field(ge=themes.TYPE[0], le=themes.TYPE[1])] | None = None
    """A factor for the size of all text."""
    dashes: bool | None = None
    """Whether paths also differ in their dashes, for pictures that must work in grey; false by default."""

    def given(self) -> dict[str, Any]:
        """Return the keys that are given, the argument of `gdsim.themes.theme`."""
        return self.model_dump(exclude_none=True)


ThemeChoice = Annotated[Annotated[ThemeName, Tag("text")] | Annotated[OwnTheme, Tag("other")], TEXT_OR_OTHER]
"""The name of a theme, or a theme of the user's own."""


def _check_words(words: dict[str, str]) -> dict[str, str]:
    try:
        languages.language(words)
    except InputError as error:
        refuse(error.problems)
    return words


LanguageName = Annotated[str, Field(examples=["de"]), OneOf("gdsim.languages", "names")]
Words = Annotated[dict[str, Annotated[Line, Field(max_length=200)]], AfterValidator(_check_words)]
LanguageChoice = Annotated[Annotated[LanguageName, Tag("text")] | Annotated[Words, Tag("other")], TEXT_OR_OTHER]
"""The name of a language, or words of the user's own."""


class Camera(Model):
    """The direction from which a surface is seen, by default the one that shows most of the paths."""

    elevation: Annotated[Finite, Field(gt=0, le=90)] | None = Field(default=None, examples=[30])
    """The camera's angle above the horizon, in degrees; 90 looks straight down."""
    azimuth: Annotated[Finite, Field(ge=-360, le=360)] | None = Field(default=None, examples=[-60])
    """The camera's direction in the plane of the inputs, in degrees from the first coordinate."""
    orbit: Annotated[Finite, Field(ge=-360, le=360)] = Field(default=0.0, examples=[30])
    """How far the camera turns during the animation, in degrees: up to 45 while paths move, and the rest around the
    complete paths. Every frame is then drawn completely, which takes longer and makes a GIF large."""


class SaliencySpec(Model):
    """The attribution map of an image that a panel shows along the training path."""

    image: Annotated[int, Field(ge=0)] = 0
    """The index of the image in the test data, from 0."""
    target: Annotated[int, Field(ge=0)] | None = Field(default=None, alias="class")
    """The class whose score is differentiated; that of the image by default."""
    method: MapMethod = "gradient"
    """gradient is that of the score, by autograd; the others are Captum's: its absolute value, smoothgrad, integrated
    gradients, and Grad-CAM at the last convolution."""


class SharpnessSpec(Model):
    """The eigenvalues of the Hessian that a panel shows along the path."""

    every: Steps | None = None
    """The interval in steps at which they are computed, and interpolated between; 1 by default, 10 for a network. The
    weights of a network must be kept there, see record_every."""
    top: Annotated[int, Field(ge=1, le=9)] = 1
    """How many of the largest ones are shown, the others fainter."""

    def interval(self, *, network: bool) -> int:
        """Return the interval in steps."""
        return self.every or (10 if network else 1)


class StatePanel(Model):
    """A panel of what the optimizers hold."""

    state: Line = Field(examples=["exp_avg_sq"])
    """The name of a tensor or number in optimizer.state, such as exp_avg_sq; or effective_rate, or trust."""
    per: Literal["coordinate"] | None = None
    """A line per coordinate, the last one faint; by default their norm."""


Title = Annotated[Line, Field(max_length=200)]
PanelName = Annotated[str, OneOf("gdsim.scene.panels", "panel_kinds")]
Panel = Annotated[Annotated[PanelName, Tag("text")] | Annotated[StatePanel, Tag("other")], TEXT_OR_OTHER]
"""The name of a panel, or the name of what the optimizers hold."""


class View(Model):
    """What the picture looks like."""

    kind: Annotated[str, OneOf("gdsim.scene.views", "view_kinds")] | None = None
    """contour shows a function of two variables from above, surface shows it in space, curve one of a single variable,
    image the image that is descended with wrt: input; by default what fits the objective. A sweep over two settings is
    shown as a map."""
    plane: Plane = Field(default=None, examples=[[0, 1], "pca", "hessian", "random", ["sgd.npz", "adam.npz"]])
    """The plane in which more than two dimensions are shown: two coordinates, counted from 0; or pca, the plane that
    holds most of the paths' variance, which is the default; or hessian, the plane of the two largest eigenvalues of the
    Hessian where the first path ends, or with hessian_start where it begins. For a network also random, two random
    directions with filters scaled to its own; or two recordings, for the plane through their last weights and those of
    this run."""
    examples: Annotated[int, Field(ge=1)] | None = Field(default=None, examples=[500])
    """For a network: the number of training examples on which the loss of the plane is computed; all by default."""
    at: list[Finite] | None = Field(default=None, examples=[[0, 0, 1, 1]])
    """A point on the plane of two coordinates; the minimum by default."""
    layout: Literal["overlay", "grid"] = "overlay"
    """All paths in one view; or one view per optimizer, side by side."""
    color_by: Literal["optimizer", "minimum"] | None = None
    """What the colour of a path tells: its optimizer, or with one optimizer the minimum that it reaches. minimum is the
    default for eight starts or more on a function with several known minima."""
    fill: Literal["levels", "heat", "none"] = "levels"
    """For a contour: a shaded field with level lines, the field alone, or level lines alone."""
    levels: Literal["linear", "log", "rank"] | None = None
    """For a contour or a surface, how the colours change: evenly over the values, over their logarithm, or so that
    each colour covers the same area. Chosen from the values by default."""
    heights: Literal["linear", "log"] = "linear"
    """For a surface: its value axis to scale, or logarithmic, which its label says."""
    camera: Annotated[Camera, NoneAsEmpty()] = Camera()
    """For a surface: from where it is seen, and whether the camera turns."""
    arrows: Literal["gradient", "stream", "heads", "none"] = "gradient"
    """Gradient arrows on a regular grid, pointing uphill, but none under paths; for a contour also stream lines; heads
    draws only the negative gradient where the head of each path is; or none."""
    arrows_at: Literal["axis", "curve"] = "axis"
    """For a curve: whether its arrows are on the axis of its input or along the curve."""
    vectors: Vectors = Field(default=[], examples=[["descent", "momentum", "preconditioner", "step"]])
    """What is drawn at the head of each path: the gradient, its negative (descent), the step; the negative of the
    momentum buffer; an ellipse whose axes are the effective learning rates of the coordinates (preconditioner); a box
    that steps hardly leave (trust). true stands for the first three."""
    curvature: bool = False
    """For a contour of a function of two variables: draw the eigenvectors of the Hessian at the head of each path, of
    the length 1/√|λ| in a common scale up to a limit; negative curvature has a color of its own."""
    flow: bool = False
    """Draw the gradient flow ẋ = −∇f from each start, up to the time that the paths reach, as a thin line."""
    panels: Annotated[list[Panel], AfterValidator(all_different)] = Field(
        default=["loss"], json_schema_extra={"uniqueItems": True}
    )
    """Diagrams that are animated with the view; [] for none. distance is the distance to the nearest minimum, angle the
    angle between each step and steepest descent, momentum the norm of the momentum buffer, effective_rate the learning
    rate of each coordinate, update_ratio ‖step‖ / ‖x‖; {state: exp_avg_sq} shows any tensor that optimizers hold, with
    per: coordinate a line for each one. For networks: accuracy, layers and weights (the norm of each layer's
    gradient and weights), off_plane (the distance of the weights from the plane), and saliency; score for wrt:
    input. sharpness is the largest eigenvalue of the Hessian, with the edge of stability of SGD, RMSprop, Adam and
    AdamW; flow_distance is the distance of the paths of SGD from the gradient flow at the same time."""
    layers: Literal["heat", "lines"] = "heat"
    """For the panels layers and weights: a heat map per optimizer, or a line per layer."""
    saliency: SaliencySpec = SaliencySpec()
    """For the panel saliency: the image, the class and the method."""
    sharpness: SharpnessSpec = SharpnessSpec()
    """For the panel sharpness: how often it is computed, and how many eigenvalues are shown."""
    panels_at: Literal["beside", "under"] | None = None
    """Where the panels are; by default where they fit best."""
    against: Literal["steps", "evaluations"] = "steps"
    """The horizontal axis of the panels: steps, or evaluations: of gradients, and of all that a minimizer evaluates."""
    theme: ThemeChoice = Field(default="light", examples=["dark", {"base": "dark", "page": "#000000"}])
    """light, dark, slide, the name of a style sheet of matplotlib, or a mapping: a theme of your own."""
    size: Annotated[list[Pixels], Field(strict=False, min_length=2, max_length=2), AfterValidator(_check_size)] = Field(
        default=[1280, 720],
        description="Width and height in pixels, both even, from "
        f"{MIN_WIDTH} × {MIN_HEIGHT} to {MAX_WIDTH} × {MAX_HEIGHT}. 1280 × 720 fits a slide.",
        examples=[[1280, 720], [1920, 1080], [800, 600]],
    )
    title: Annotated[Annotated[Title, Tag("text")] | Annotated[Literal[False], Tag("other")], TEXT_OR_OTHER] | None = (
        Field(default=None, examples=["function", "Three optimizers", False])
    )
    """The title of the picture, above the objective's name; by default a sentence about what happens, such as "SGD
    arrives in 9 steps; Momentum needs 70". function makes the objective's name the title, false leaves it
    out."""
    milestones: bool = True
    """Whether sentences such as "SGD arrives · step 9" appear beside the step counter when it happens."""
    language: LanguageChoice = Field(default="en", examples=["de", {"base": "fr", "start": "départ"}])
    """The language of all words in the picture and of its alternative text; or a mapping from English words, such as
    start, minimum, gradient and step, to other ones, where base is the language of all others."""
    names: Annotated[list[Annotated[Line, Field(min_length=1, max_length=30)]], Field(max_length=2)] = Field(
        default=[], examples=[["w", "b"]]
    )
    """The names of the axes, instead of x and y, also in the formula if they are single words."""
    formula: bool = True
    """Whether the subtitle includes the objective's formula."""

    @property
    def say(self) -> languages.Language:
        """The language, which says what stands in the picture."""
        return languages.language(self.language)

    @property
    def needs_flow(self) -> bool:
        """Whether the gradient flow is computed."""
        return self.flow or "flow_distance" in self.panels

    @property
    def shows_state(self) -> bool:
        """Whether the state of the optimizers is shown."""
        vectors, panels = ("momentum", "preconditioner", "trust"), ("momentum", "effective_rate", "sharpness")
        shown = any(isinstance(each, StatePanel) or each in panels for each in self.panels)
        return shown or any(each in vectors for each in self.vectors)

    @model_validator(mode="after")
    def _check_panels(self) -> View:
        beside = [key for key in ("panels_at", "against") if key in self.model_fields_set and getattr(self, key)]
        if not self.panels:
            refuse(Problem("goes with panels, and panels: [] has none", (key,), "conflict") for key in beside)
        if "layers" in self.model_fields_set and not ("layers" in self.panels or "weights" in self.panels):
            refuse([Problem("goes with panels: [layers] or [weights]", ("layers",), "conflict")])
        if "sharpness" in self.model_fields_set and "sharpness" not in self.panels:
            refuse([Problem("goes with panels: [sharpness]", ("sharpness",), "conflict")])
        return self


class Zoom(Model):
    """A zoom into a point of a map, which is computed again for each factor of 2."""

    to: Annotated[list[Finite], Field(min_length=2, max_length=2)] = Field(examples=[[0.31, 0.87]])
    """The point, [x, y], which stays where it is in the picture."""
    factor: Annotated[Finite, Field(gt=1, le=2**40)] = Field(examples=[1000])
    """How many times larger the last frame shows it than the first. Each factor of 2 takes 32 frames."""


class Animation(Model):
    """How long the animation lasts, and its frame rate."""

    fps: Annotated[int, Field(ge=1, le=50)] = 25
    """Frames per second. A GIF keeps 10, 20, 25 and 50 exactly."""
    seconds: Annotated[Finite, Field(gt=0, le=120)] = Field(
        default=6.0, description=f"The duration of the moving part; fps × seconds is at most {MAX_FRAMES} frames."
    )
    hold: Annotated[Finite, Field(ge=0, le=60)] = 2.0
    """The number of seconds for which the last frame is shown before the animation repeats, with a short fade."""
    first: Literal["start", "poster"] = "start"
    """What the first frame shows: the start; or the poster, from which the animation then fades to the start, because
    a printed deck shows first frames. Decks and the presets slide, wide and half begin with the poster by default."""

    pace: Literal["distance", "even", "early"] = "distance"
    """A step takes time in proportion to the longest move on screen, or the same time, or more time at the start."""
    trail: Annotated[Annotated[Literal["whole"], Tag("text")] | Annotated[Steps, Tag("other")], TEXT_OR_OTHER] = Field(
        default="whole", examples=["whole", 40]
    )
    """How much of a path is shown behind its head: all of it, or a number of steps that fade."""

    zoom: Zoom | None = None
    """For a sweep over two ranges: zooms into the map instead of showing how it develops; `seconds` has no effect."""

    @field_validator("seconds")
    @classmethod
    def _check_frames(cls, seconds: float, info: ValidationInfo) -> float:
        frames = info.data.get("fps", 0) * seconds
        if frames > MAX_FRAMES:
            message = f"makes {frames:.0f} frames at {info.data['fps']} per second; at most {MAX_FRAMES} are drawn"
            refuse([Problem(message, code="too-large")])
        return seconds


FORMATS = OneOf("gdsim.encode.formats", "formats")

Preset = Literal["slide", "wide", "half", "square", "readme", "thumb"]


def _preset(size: list[int], pace: tuple[int, float, float], limit: int, theme: str) -> Mapping[str, Mapping[str, Any]]:
    fps, seconds, hold = pace
    first = "poster" if theme == "slide" else "start"
    return {
        "view": {"size": size, "theme": theme},
        "animation": {"fps": fps, "seconds": seconds, "hold": hold, "first": first},
        "output": {"max_bytes": limit},
    }


PRESETS: Mapping[str, Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "slide": _preset([1280, 720], (25, 6.0, 2.0), 5_000_000, "slide"),
        "wide": _preset([1920, 1080], (25, 6.0, 2.0), 10_000_000, "slide"),
        "half": _preset([640, 720], (25, 6.0, 2.0), 3_000_000, "slide"),
        "square": _preset([1080, 1080], (25, 6.0, 2.0), 5_000_000, "light"),
        "readme": _preset([800, 450], (20, 6.0, 2.0), 2_000_000, "light"),
        "thumb": _preset([320, 180], (10, 4.0, 1.0), 300_000, "light"),
    }
)
"""For each place the values, by section and key, that a configuration gets where it has none of its own."""

TRANSPARENT_FORMATS = ("webp", "webm", "png")  # default formats with a transparent background

UNITS = MappingProxyType({"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "ki": 2**10, "mi": 2**20, "gi": 2**30})
SIZE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?) ?(|k|m|g|ki|mi|gi)b", re.IGNORECASE)
SMALLEST, LARGEST = 1_000, 2 * 10**9


def _bytes(given: Any) -> Any:
    found = SIZE.fullmatch(given.strip()) if isinstance(given, str) else None
    count = float(found[1]) * UNITS[found[2].lower()] if found else given
    if not is_number(count) or not SMALLEST <= count <= LARGEST:
        message = f"must be a size from 1 kB to 2 GB, such as 5MB, 300 kB or 1.5 MiB, not {format_value(given)}"
        refuse([Problem(message)])
    return math.floor(count)


Bytes = Annotated[
    int,
    BeforeValidator(_bytes),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": SMALLEST, "maximum": LARGEST},
                {"type": "string", "pattern": r"^\s*[0-9]+(\.[0-9]+)? ?([kKmMgG][iI]?)?[bB]\s*$"},
            ]
        }
    ),
]


class Output(Model):
    """Which files are written."""

    preset: Preset | None = None
    """What the picture is for. It sets the defaults of size, theme, fps, seconds, hold, first, max_bytes: slide and
    wide fill a slide, half fills half of one, square is for posts, readme for a README, thumb small."""
    formats: Annotated[list[Annotated[str, FORMATS]], Field(min_length=1), AfterValidator(all_different)] = Field(
        default=["gif", "mp4", "png"], json_schema_extra={"uniqueItems": True}
    )
    """gif, mp4, webm, webp and apng are animations; png, svg and pdf are posters of the last frame; html is a page with
    a player."""
    max_bytes: Bytes | None = Field(default=None, examples=["5MB", "300 kB", "1.5 MiB"])
    """The largest size of each animation. A larger one is written with fewer colours, then frames, then fewer pixels,
    and the log says so; without this key, one of more than 2 GB is not written. Posters and pages are not limited."""
    loop: Literal["once", "forever"] = "forever"
    """Whether the animation repeats; for an MP4 or a WebM its player decides."""
    background: Literal["opaque", "transparent"] = "opaque"
    """Whether the background around the views is transparent, which webp, webm, png, svg and pdf support; the default
    of `formats` is then webp, webm and png."""

    @model_validator(mode="before")
    @classmethod
    def _with_fitting_formats(cls, value: Any) -> Any:
        fits = not isinstance(value, dict) or value.get("background") != "transparent" or "formats" in value
        return value if fits else {**value, "formats": list(TRANSPARENT_FORMATS)}

    @model_validator(mode="after")
    def _check_background(self) -> Output:
        if self.background == "transparent":
            reasons = {name: each.opaque_reason for name, each in FORMATS.choices().items()}
            suitable = f"background: transparent goes with {', '.join(name for name in reasons if not reasons[name])}"
            refuse(
                Problem(f"{suitable}, not with {name}: {reasons[name]}", ("formats", index), "unsupported")
                for index, name in enumerate(self.formats)
                if reasons[name]
            )
        return self


def with_preset(written: Any) -> Any:
    """Return a configuration's plain values with those of its preset, each where it has none of its own."""
    output = written.get("output") if isinstance(written, dict) else None
    name = output.get("preset") if isinstance(output, dict) else None
    if not isinstance(name, str) or name not in PRESETS:
        return written
    sections = {section: none_as_empty(written.get(section)) for section in PRESETS[name]}
    filled = {section: {**PRESETS[name][section], **own} for section, own in sections.items() if isinstance(own, dict)}
    return {**written, **filled}
