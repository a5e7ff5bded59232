"""What a sweep varies, and which figures of each run it keeps."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from gdsim.config.model import Coordinate, Line, Model, all_different, as_list, refuse
from gdsim.errors import Problem, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gdsim.config.optimizer import OptimizerSpec
    from gdsim.objectives import Objective

START = "start"
VARIABLE = (START, "steps", "seed", "objective", "optimizers")
"""The keys whose settings change the numbers of a run."""
EVERY = "*"  # in the place of a label, for all optimizers
MAX_CELLS = 2**24  # of all optimizers together: 4096 × 4096 of one optimizer
BYTES_PER_CELL = 60  # of all figures of a cell in memory
MAX_SIDE = 8192
SIZE, POINTS = (256, 256), 41

Figure = Literal[
    "solved", "outcome", "final_value", "best_value", "steps_to_tolerance", "minimum", "distance", "evaluations"
]
NEED_MINIMUM = ("solved", "steps_to_tolerance", "minimum", "distance", "evaluations")
"""The figures that are defined only if the minimum of the objective is known."""


Figures = Annotated[
    list[Figure], Field(min_length=1), AfterValidator(all_different), BeforeValidator(as_list, Figure | list[Figure])
]
Range = Annotated[list[Coordinate], Field(min_length=2, max_length=2, examples=[[0.001, 1]])]
Values = Annotated[list[Coordinate], Field(min_length=1, max_length=MAX_SIDE), AfterValidator(all_different)]
Size = Annotated[list[Annotated[int, Field(ge=2)]], Field(min_length=2, max_length=2, examples=[[256, 256]])]


class Axis(Model):
    """One setting that a sweep varies, and its values."""

    setting: Line = Field(examples=["optimizers.Adam.lr", "optimizers.*.lr", "start", "objective.condition"])
    """The setting, as for --set: optimizers.Adam.lr, objective.condition, steps, seed. In optimizers.*.lr the star
    stands for each optimizer. `start` is a coordinate of the start: the first along x, the second along y."""
    range: Range | None = None
    """The first and the last value; those between are evenly spaced on the scale. By default for `start` the view."""
    values: Values | None = None
    """The values themselves, instead of a range."""
    scale: Literal["linear", "log"] = "linear"
    """How values are spaced and drawn."""

    @model_validator(mode="after")
    def _check_values(self) -> Axis:
        if self.range is not None and self.values is not None:
            refuse([Problem("has a range and values; give one of the two", code="conflict")])
        if self.range is None and self.values is None and self.setting.partition(".")[0] != START:
            refuse([Problem("needs a range such as [0.001, 1], or values", code="missing")])
        if self.range is not None and not 0 < abs(self.range[1] - self.range[0]) < math.inf:
            refuse([Problem("must have two different ends, with a finite distance", ("range",))])
        key = "values" if self.range is None else "range"
        if self.scale == "log" and min(self.values or self.range or [1.0]) <= 0:
            refuse([Problem("must be above 0 on a log scale", (key,))])
        return self

    def spaced(self, count: int, default: tuple[float, float] = (0.0, 1.0)) -> npt.NDArray[np.float64]:
        """Return the values, of a range as many as `count`; `default` is the range if none is given."""
        import numpy as np

        if self.values is not None:
            return np.array(self.values, dtype=np.float64)
        low, high = self.range or default
        return np.geomspace(low, high, count) if self.scale == "log" else np.linspace(low, high, count)


class Sweep(Model):
    """One or two settings, or the start, varied over a grid: a map, or a curve over one setting."""

    x: Axis
    """The setting along the horizontal axis."""
    y: Axis | None = None
    """The setting along the vertical axis; without it, figures are curves over x."""
    size: Size | None = None
    """With two axes, the number of values of x and of y where they have a range; 256 each by default."""
    points: Annotated[int, Field(ge=2, le=MAX_SIDE)] | None = None
    """With one axis, the number of its values; 41 by default."""
    show: Figures = Field(default=["final_value"])
    """What is drawn: one figure, or a list with a panel for each."""
    paths: Annotated[list[list[Coordinate] | Coordinate], Field(max_length=16)] = Field(
        default=[], examples=[[[0.01, 0.9]]]
    )
    """The cells whose paths are drawn beside the map, each [x, y]; the nearest values are used."""
    device: Annotated[str, Field(pattern=r"^(cpu|cuda(:\d\d?)?)$", examples=["cuda"])] = "cpu"
    """Where the runs are computed: cpu, or cuda for a GPU, cuda:1 for the second one."""
    dimension: bool = False
    """Whether a run prints the box-counting dimension of the boundaries of a map: between minima if they are shown,
    otherwise between outcomes."""

    @field_validator("paths")
    @classmethod
    def _check_paths(cls, paths: list[list[float] | float], info: ValidationInfo) -> list[list[float] | float]:
        count = 1 if info.data.get("y") is None else 2
        refuse(
            Problem("must be [x, y]" if count == 2 else "must be one value of x", (index,))
            for index, each in enumerate(paths)
            if (len(each) if isinstance(each, list) else 1) != count
        )
        return paths

    @model_validator(mode="after")
    def _check_size(self) -> Sweep:
        refuse(self._size_problems())
        return self

    def _size_problems(self) -> Iterator[Problem]:
        if self.y is None and self.size is not None:
            yield Problem("is for two axes; one axis takes `points`", ("size",), "conflict")
        if self.y is not None and self.points is not None:
            yield Problem("is for one axis; two axes take `size`", ("points",), "conflict")
        if self.y is not None and self.y.setting == self.x.setting != START:
            yield Problem("is the setting of x, too", ("y", "setting"), "duplicate")

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes, x first."""
        return (self.x,) if self.y is None else (self.x, self.y)

    @property
    def counts(self) -> tuple[int, ...]:
        """The number of values of each axis, x first."""
        wanted = (self.points or POINTS,) if self.y is None else self.size or SIZE
        return tuple(
            len(axis.values) if axis.values is not None else count
            for axis, count in zip(self.axes, wanted, strict=True)
        )

    def _too_large(self, optimizers: int) -> Iterator[Problem]:
        cells = math.prod(self.counts) * optimizers
        if cells > MAX_CELLS:
            grid = " × ".join(f"{count:,}" for count in (*self.counts, optimizers))
            need = f"{grid} optimizers are {cells:,} runs, and their figures {cells * BYTES_PER_CELL / 2**30:,.0f} GiB"
            yield Problem(f"{need}; at most {MAX_CELLS:,} runs are computed", ("size",), "too-large")

    def coordinate(self, index: int) -> int | None:
        """Return the coordinate of the start that axis 0 or 1 varies; None if it varies another setting."""
        setting = self.axes[index].setting
        if setting == START:
            return index if len({each.setting for each in self.axes}) == 1 else 0
        key, _, number = setting.partition(".")
        return int(number) if key == START and number.isdecimal() else None

    def problems(
        self, objectives: Sequence[Objective], starts: int, optimizers: Mapping[str, OptimizerSpec]
    ) -> Iterator[Problem]:
        """Yield what does not fit the rest of a configuration."""
        yield from self._too_large(len(optimizers))
        if starts != 1:
            yield Problem(f"varies a single start, and there are {starts}", code="conflict")
        if len(objectives) > 1:
            yield Problem(f"varies the settings of one objective, and there are {len(objectives)}", code="conflict")
        for objective in objectives[:1]:
            for index in range(len(self.axes)):
                yield from self._axis_problems(index, objective, optimizers)
            for index, figure in enumerate(self.show):
                if figure in NEED_MINIMUM and (objective.minimum is None or not len(objective.minima)):
                    hint = "use final_value, best_value or outcome"
                    message = f"{figure} needs a known minimum, and that of {objective.name} is not known; {hint}"
                    yield Problem(message, ("show", index), "unsupported")

    def _axis_problems(self, index: int, objective: Objective, labels: Collection[str]) -> Iterator[Problem]:
        axis, key = self.axes[index], ("xy"[index], "setting")
        first, _, rest = axis.setting.partition(".")
        if first not in VARIABLE:
            hint = f"; it is below one of {', '.join(VARIABLE)}"
            if first in labels or not rest:
                hint = f"; did you mean optimizers.{'' if first in labels else f'{EVERY}.'}{axis.setting}?"
            hint = did_you_mean(first, VARIABLE) or hint
            yield Problem(f"'{axis.setting}' does not change the numbers of a run{hint}", key, "unknown-name")
        elif first == "optimizers" and rest in ("", *labels, EVERY):
            yield Problem(f"needs one of its settings, such as optimizers.{rest or EVERY}.lr", key)
        elif first == "optimizers" and not any(rest.startswith(f"{each}.") for each in (*labels, EVERY)):
            label = rest.partition(".")[0]
            hint = did_you_mean(label, labels) or f"; there are {', '.join(labels)}, and * for all"
            yield Problem(f"there is no optimizer '{label}'{hint}", key, "unknown-name")
        elif first == START:
            coordinate, kind, dim = self.coordinate(index), objective.kind, objective.dim
            if kind == "network":
                message = "a network starts from the weights that the seed gives it; vary seed"
                yield Problem(message, key, "unsupported")
            elif coordinate is None or coordinate >= dim:
                yield Problem(f"must be start.0 to start.{dim - 1}, not '{axis.setting}'", key)
            elif axis.setting == START and len([each for each in self.axes if each.setting == START]) != dim:
                message = f"{objective.name} has dim {dim}: write start.0 for the first coordinate of the start"
                yield Problem(message, key)
