"""How the picture looks and how long it moves: keys with good defaults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)

from gdsim.config.location import Problem
from gdsim.config.messages import shown
from gdsim.config.model import FORM, Finite, Model, all_different, one_line, refuse
from gdsim.config.theme import ThemeChoice
from gdsim.errors import did_you_mean
from gdsim.networks.attribution import MapMethod
from gdsim.objectives import Objective

__all__ = ["Animation", "Camera", "SaliencySpec", "View"]

MIN_WIDTH, MIN_HEIGHT, MAX_WIDTH, MAX_HEIGHT = 160, 120, 3840, 2160
MAX_FRAMES = 3000

Kind = Literal["contour", "surface", "curve", "image"]
BELONGINGS: dict[str, tuple[Kind, ...]] = {
    "fill": ("contour",),
    "levels": ("contour", "surface"),
    "heights": ("surface",),
    "camera": ("surface",),
    "arrows_at": ("curve",),
}
"""The keys of a view that go only with some kinds of it."""


OF_NETWORKS = ("accuracy", "layers", "weights", "off_plane", "saliency")
"""The panels that show what only a network has."""

OF_FUNCTIONS = ("distance", "angle")
"""The panels that show what a network has not: a known minimum, and steps along a gradient of all its data."""


def _kinds(objective: Objective) -> tuple[Kind, ...]:
    """The kinds in which an objective can be shown, first what it is by default."""
    if objective.dim == 1:
        return ("curve",)
    return ("image", "contour", "surface") if objective.image is not None else ("contour", "surface")


def _within_limits(size: Any) -> Any:
    sides = (("width", MIN_WIDTH, MAX_WIDTH), ("height", MIN_HEIGHT, MAX_HEIGHT))
    wanted = [f"an even {name} from {low} to {high}" for name, low, high in sides]
    size = list(size) if isinstance(size, tuple) else size
    if not isinstance(size, list) or len(size) != len(sides):
        refuse([Problem((), f"must be a list of {' and '.join(wanted)}, not {shown(size)}")])
    refuse(
        Problem((place,), f"must be {wanted[place]}, not {shown(side)}")
        for place, (side, (_, low, high)) in enumerate(zip(size, sides, strict=True))
        if not isinstance(side, int) or isinstance(side, bool) or side % 2 or not low <= side <= high
    )
    return size


Pixels = Annotated[
    int, WithJsonSchema({"type": "integer", "minimum": MIN_HEIGHT, "maximum": MAX_WIDTH, "multipleOf": 2})
]
Coordinate = Annotated[int, Field(ge=0)]
Plane = Annotated[
    list[Coordinate],
    Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True}),
    AfterValidator(all_different),
]
Checkpoints = Annotated[
    list[Annotated[str, AfterValidator(one_line)]],
    Field(min_length=2, max_length=2, json_schema_extra={"uniqueItems": True}),
    AfterValidator(all_different),
]
PLANE = Discriminator(
    lambda value: (
        "text"
        if isinstance(value, str)
        else "files"
        if isinstance(value, list) and any(isinstance(each, str) for each in value)
        else "other"
    )
)
NAMED_PLANES = ("pca", "random")
FORMS_OF_PLANE = "pca, random, two coordinates such as [0, 1], or two recordings such as [a.npz, b.npz]"


def _of_known_form(plane: Any) -> Any:
    """Refuse what is no plane, in whatever form."""
    pair = isinstance(plane, list) and len(plane) == 2
    if plane is None or plane in NAMED_PLANES or (pair and all(isinstance(each, str) for each in plane)):
        return plane
    if pair and all(isinstance(each, int) and not isinstance(each, bool) and each >= 0 for each in plane):
        return plane
    alone = plane[0] if isinstance(plane, list) and len(plane) == 1 else plane
    hint = did_you_mean(plane, NAMED_PLANES) if isinstance(plane, str) else ""
    if isinstance(alone, str) and ".npz" in alone:
        hint = "; name one more recording"
    refuse([Problem((), f"must be {FORMS_OF_PLANE}, not {shown(plane)}{hint}")])
    return plane


Steps = Annotated[int, Field(ge=1, le=1_000_000)]

Panel = Literal[
    "loss",
    "gradient_norm",
    "distance",
    "learning_rate",
    "step_size",
    "angle",
    "accuracy",
    "layers",
    "weights",
    "off_plane",
    "saliency",
    "score",
]


class Camera(Model):
    """From where a surface is seen."""

    elevation: Annotated[Finite, Field(gt=0, le=90)] = Field(
        30.0, description="How high above the horizon the camera stands, in degrees; 90 looks straight down."
    )
    azimuth: Annotated[Finite, Field(ge=-360, le=360)] = Field(
        -60.0, description="Its direction in the plane of the inputs, in degrees from the first coordinate."
    )
    orbit: Annotated[Finite, Field(ge=-360, le=360)] = Field(
        0.0,
        description="How far the camera turns over the whole animation, in degrees. While it turns every frame is "
        "drawn whole, which takes longer, and a GIF grows large.",
        examples=[30],
    )


class SaliencySpec(Model):
    """Which map of an image a panel shows as it changes along the training path."""

    image: Annotated[int, Field(ge=0)] = Field(0, description="The number of the image among the test data, from 0.")
    target: Annotated[int, Field(ge=0)] | None = Field(
        None, alias="class", description="The class whose score is differentiated; that of the image by default."
    )
    method: MapMethod = Field(
        "gradient",
        description="gradient is that of the score, by autograd; the others are Captum's: its absolute value, "
        "smoothgrad, integrated gradients, and Grad-CAM at the last convolution.",
    )


class View(Model):
    """What the picture looks like."""

    kind: Kind | None = Field(
        None,
        description="contour shows a function of two variables from above, surface shows it in space, curve one of a "
        "single variable, image the image that is descended with wrt: input; by default what fits the objective.",
    )
    plane: Annotated[
        Annotated[
            Annotated[Plane, Tag("other")]
            | Annotated[Literal["pca", "random"], Tag("text")]
            | Annotated[Checkpoints, Tag("files")],
            PLANE,
        ]
        | None,
        BeforeValidator(_of_known_form),
    ] = Field(
        None,
        description="On which plane more than two dimensions are shown: two coordinates, counted from 0; or pca, the "
        "plane that holds most of the paths' variance, which is the default. For a network also random, two random "
        "directions of filters as long as its own; or two recordings, for the plane through their last weights and "
        "those of this one.",
        examples=[[0, 1], "pca", "random", ["sgd.npz", "adam.npz"]],
    )
    examples: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="For a network: on how many of its training examples the loss of the plane is computed; on all by "
        "default.",
        examples=[500],
    )
    at: list[Finite] | None = Field(
        None,
        description="The point through which a plane of two coordinates goes; the minimum by default.",
        examples=[[0, 0, 1, 1]],
    )
    layout: Literal["overlay", "grid"] = Field(
        "overlay", description="All paths in one picture; or each optimizer in one of its own, side by side."
    )
    fill: Literal["levels", "heat", "none"] = Field(
        "levels", description="For a contour: even colours between levels, a smooth heat map, or bare level lines."
    )
    levels: Literal["linear", "log", "rank"] | None = Field(
        None,
        description="For a contour or a surface, where the colours change: evenly over the values, over their "
        "logarithm, or so that each colour covers the same area. By default what suits the values.",
    )
    heights: Literal["linear", "log"] = Field(
        "linear", description="For a surface: its value axis true to scale, or compressed, and labelled so."
    )
    camera: Camera = Field(Camera(), description="For a surface: from where it is seen, and whether the camera turns.")
    arrows: Literal["gradient", "stream", "none"] = Field(
        "gradient",
        description="Arrows of the gradient on a regular grid, pointing uphill; for a contour also as stream lines; "
        "or none.",
    )
    arrows_at: Literal["axis", "curve"] = Field(
        "axis", description="For a curve: whether its arrows lie on the axis, where its inputs are, or along the curve."
    )
    vectors: bool = Field(
        False, description="Draw at the head of each path the gradient, its negative and the step taken."
    )
    panels: Annotated[list[Panel], AfterValidator(all_different)] = Field(
        ["loss"],
        description="Diagrams that grow in step with the view; [] for none. distance is that to the nearest minimum, "
        "angle that between each step and steepest descent. For networks: accuracy, layers and weights (the norm of "
        "each layer's gradient and weights), off_plane (how far the weights are from the plane shown), and saliency; "
        "score for the class whose image is descended.",
        json_schema_extra={"uniqueItems": True},
    )
    layers: Literal["heat", "lines"] = Field(
        "heat", description="For the panels layers and weights: a heat map an optimizer, or a line a layer."
    )
    saliency: SaliencySpec = Field(
        SaliencySpec(), description="For the panel saliency: of which image, which class, and by which method."
    )
    panels_at: Literal["beside", "under"] | None = Field(
        None, description="Where the panels stand; by default where they fit best."
    )
    against: Literal["steps", "evaluations"] = Field(
        "steps", description="What the panels count: steps, or the gradients that an optimizer has asked for."
    )
    theme: ThemeChoice = Field(
        "light",
        description="light, dark, slide, the name of a style sheet of matplotlib, or a mapping: a theme of one's own.",
        examples=["dark", {"base": "dark", "page": "#000000"}],
    )
    size: Annotated[list[Pixels], Field(min_length=2, max_length=2), BeforeValidator(_within_limits)] = Field(
        [1280, 720],
        description="Width and height in pixels, both even, from "
        f"{MIN_WIDTH} × {MIN_HEIGHT} to {MAX_WIDTH} × {MAX_HEIGHT}. 1280 × 720 fits a slide.",
        examples=[[1280, 720], [1920, 1080], [800, 600]],
    )
    title: Annotated[str, Field(max_length=200), AfterValidator(one_line)] | None = Field(
        None,
        description="The title over the picture; the objective's by default.",
        examples=["Three optimizers"],
    )
    formula: bool | None = Field(
        None, description="Whether the objective's formula stands in the title; by default unless `title` is given."
    )

    @model_validator(mode="before")
    @classmethod
    def _without_empty_camera(cls, value: Any) -> Any:
        # Its lines may all be commented out: then it is not given, and fits any kind.
        camera_is_empty = isinstance(value, dict) and value.get("camera", ()) is None
        return {key: value[key] for key in value if key != "camera"} if camera_is_empty else value

    @model_validator(mode="after")
    def _check_panels(self) -> View:
        beside = [key for key in ("panels_at", "against") if key in self.model_fields_set and getattr(self, key)]
        if not self.panels:
            refuse(Problem((key,), "goes with panels, and panels: [] has none") for key in beside)
        if "layers" in self.model_fields_set and not {"layers", "weights"}.intersection(self.panels):
            refuse([Problem(("layers",), "goes with panels: [layers] or [weights]")])
        return self

    def kind_of(self, objective: Objective) -> Kind:
        """Return how an objective is shown: as the view says, where that fits."""
        fitting = _kinds(objective)
        return self.kind if self.kind in fitting else fitting[0]

    def misfits(self, kind: Kind) -> tuple[tuple[str, tuple[Kind, ...]], ...]:
        """Return the keys that were given and do not go with a kind of view, each with the kinds that it goes with."""
        given = [key for key in BELONGINGS if key in self.model_fields_set and getattr(self, key) is not None]
        goes_with = {key: BELONGINGS[key] for key in given}
        if self.arrows == "stream":
            goes_with["arrows"] = ("contour",)
        return tuple((key, kinds) for key, kinds in goes_with.items() if kind not in kinds)

    def problems(self, objectives: Sequence[Objective]) -> Iterator[Problem]:
        """Yield what was given and fits none of the objectives that are shown together, at least one."""
        first = objectives[0]
        here = f"'{first.title}', which has dim {first.dim} here"
        if self.kind is not None and all(self.kind not in _kinds(each) for each in objectives):
            yield Problem(("kind",), f"must be {' or '.join(_kinds(first))} for {here}")
            return
        misfits = [dict(self.misfits(self.kind_of(each))) for each in objectives]
        for key, kinds in misfits[0].items():
            if all(key in others for others in misfits):
                what = "stream" if key == "arrows" else key
                yield Problem((key,), f"{what} goes with kind: {' or '.join(kinds)}")
        yield from self._misplaced_planes(objectives)
        yield from self._misplaced_panels(objectives)

    def _misplaced_planes(self, objectives: Sequence[Objective]) -> Iterator[Problem]:
        networks = [each.landscape is not None for each in objectives]
        named = isinstance(self.plane, list) and isinstance(self.plane[0], int)
        first = f"'{objectives[0].title}', which has dim {objectives[0].dim} here"
        if any(networks):
            if self.at is not None or named:
                key = "at" if self.at is not None else "plane"
                yield Problem((key,), "is for a function; the plane of a network is pca, random or two recordings")
            return
        plane = next((key for key in ("plane", "at") if getattr(self, key) is not None), None)
        if self.examples is not None:
            yield Problem(("examples",), f"is for a network, not for {first}")
        if plane is not None and max(each.dim for each in objectives) <= 2:
            yield Problem((plane,), f"is for more than two dimensions, not for {first}")
        elif self.plane not in (None, "pca") and not named:
            yield Problem(
                ("plane",), "must be two coordinates or pca for a function; random and recordings are for networks"
            )

    def _misplaced_panels(self, objectives: Sequence[Objective]) -> Iterator[Problem]:
        networks, images = ([getattr(each, what) is not None for each in objectives] for what in ("landscape", "image"))
        for index, panel in enumerate(self.panels):
            if panel in OF_NETWORKS and not all(networks) and not (panel == "saliency" and all(images)):
                yield Problem(
                    ("panels", index), f"{panel} goes with a network: objective: {{network: mlp, data: digits}}"
                )
            elif panel in OF_FUNCTIONS and any(networks):
                yield Problem(("panels", index), f"{panel} goes with a function, not with a network")
            elif panel == "score" and not all(images):
                yield Problem(
                    ("panels", index), "score goes with a class that is descended: objective: {network: …, wrt: input}"
                )


class Animation(Model):
    """How long the animation lasts, and how smoothly it runs."""

    fps: Annotated[int, Field(ge=1, le=50)] = Field(
        25, description="Frames a second. A GIF keeps 10, 20, 25 and 50 exactly."
    )
    seconds: Annotated[Finite, Field(gt=0, le=120)] = Field(
        6.0, description=f"How long the paths take to grow; fps × seconds is at most {MAX_FRAMES} frames."
    )
    hold: Annotated[Finite, Field(ge=0, le=60)] = Field(
        2.0, description="How many seconds the last frame stays before the animation begins again."
    )

    pace: Literal["even", "early"] = Field(
        "even", description="The same time for every step, or more of it for the first steps."
    )
    trail: Annotated[Annotated[Literal["whole"], Tag("text")] | Annotated[Steps, Tag("other")], FORM] = Field(
        "whole",
        description="How much of a path is seen behind its head: the whole, or so many steps, fading.",
        examples=["whole", 40],
    )

    @field_validator("seconds")
    @classmethod
    def _check_frames(cls, seconds: float, info: ValidationInfo) -> float:
        frames = info.data.get("fps", 0) * seconds
        if frames > MAX_FRAMES:
            sentence = f"makes {frames:.0f} frames at {info.data['fps']} a second; at most {MAX_FRAMES} are drawn"
            refuse([Problem((), sentence)])
        return seconds
