"""The files of a sweep: .npz with all figures and the YAML that produced them, and CSV with those that are shown."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.analysis.table import without_formula
from gdsim.config import Experiment
from gdsim.config.sweep import NEED_MINIMUM, START
from gdsim.files import load_arrays
from gdsim.networks import MAX_RECORDING_BYTES
from gdsim.simulation.archive import ArrayReader, experiment_of, header, open_recording, write_arrays
from gdsim.sweeps.plan import Plan
from gdsim.sweeps.result import HISTORIES, OUTCOMES, SweepResult

TYPES = {
    "outcome": np.int8,
    "final_value": np.float64,
    "best_value": np.float64,
    "solved": np.bool_,
    "steps_to_tolerance": np.float64,
    "evaluations": np.float64,
    "minimum": np.int16,
    "distance": np.float64,
    "stop_steps": np.int32,
    "minimum_steps": np.int32,
}
"""The type of each array (optimizers, …)."""


def save(path: str | Path, result: SweepResult, experiment: Experiment) -> None:
    """Write a sweep to a file that `read` accepts; equal results of one configuration give equal bytes.

    The file has the values of the axes as `x` and `y`, and one array per figure under its name, see `SweepResult`.

    Raises:
        GdsimError: The file cannot be written.
    """
    arrays = {
        **header(experiment, result.labels, result.settings),
        "agreement": np.array(result.agreement),
        "stop_steps": result.stop_steps,
        "minimum_steps": result.minimum_steps,
        "history_steps": result.history_steps,
        **{name: axis.values for name, axis in zip("xy", result.axes, strict=False)},
        **result.figures,
        **{f"history_{name}": each for name, each in result.history.items()},
    }
    write_arrays(path, arrays)


def is_sweep(path: Path) -> bool:
    """Return whether a file is one that `save` wrote.

    Raises:
        InputError: It does not exist, or is not a readable .npz file.
    """
    return "minimum_steps" in load_arrays(path, max_bytes=MAX_RECORDING_BYTES, names={"minimum_steps"})


def read(path: str | Path, *, allow_code: bool = False) -> tuple[Experiment, SweepResult]:
    """Read a sweep written by `save`; the arguments are those of `gdsim.simulation.read`.

    Raises:
        InputError: The file does not exist, is damaged, or was not written by `save`.
    """
    path = Path(path)
    with open_recording(path) as arrays:
        experiment = experiment_of(arrays, path, allow_code=allow_code)
        arrays.require("yaml", experiment.sweep)
        return experiment, _result(arrays, Plan(experiment))


def _result(arrays: ArrayReader, plan: Plan) -> SweepResult:
    labels, found = tuple(plan.experiment.optimizers), arrays.arrays
    arrays.require("labels", arrays.read("labels", "optimizers", np.str_) == labels)
    check_figures(found, plan, (len(labels), *plan.shape))
    agreement = arrays.read("agreement", "")
    arrays.require("agreement", 0 <= agreement <= 1)
    return plan.result(
        figures={name: found[name] for name in TYPES if name in found and not name.endswith("_steps")},
        stop_steps=found["stop_steps"],
        minimum_steps=found["minimum_steps"],
        history={name: found[f"history_{name}"] for name in HISTORIES if f"history_{name}" in found},
        settings=arrays.read("settings", "optimizers", np.str_),
        agreement=agreement,
    )


def check_figures(
    arrays: Mapping[str, npt.NDArray[Any]], plan: Plan, shape: tuple[int, ...], types: Mapping[str, Any] = TYPES
) -> None:
    """Check that figures of a sweep have the types, shapes and numbers that its runs give them.

    The arrays are the figures, each of a shape, and the history of some runs, see `SweepResult`.

    Raises:
        ValueError: A figure is missing, or not as it should be.
    """
    minima = len(plan.objective.minima)
    wanted = {name: (shape, kind) for name, kind in types.items() if minima or name not in NEED_MINIMUM}
    kept = (name for name in HISTORIES if name in plan.sweep.show)
    wanted |= {f"history_{name}": ((len(plan.history_steps), *shape), np.float32) for name in kept}
    limits = {"outcome": (0, len(OUTCOMES) - 1), "minimum": (-1, minima - 1), "minimum_steps": (-1, plan.steps)}
    limits |= dict.fromkeys(("stop_steps", "steps_to_tolerance"), (0, plan.steps))
    for name, (dimensions, kind) in wanted.items():
        low, high = limits.get(name, (-np.inf, np.inf))
        array = arrays.get(name, np.empty(0))
        is_other = array.shape != dimensions or array.dtype != kind
        if is_other or (array < low).any() or (array > high).any():
            raise ValueError(f"'{name}' is not as gdsim writes it")


def to_csv(result: SweepResult) -> str:
    """Return the shown figures as CSV with a row per optimizer and cell; an outcome in words, empty for never."""
    written = StringIO()
    writer = csv.writer(written, lineterminator="\n")
    settings = [axis.setting for axis in result.axes]
    if settings == [START, START]:
        settings = [f"{START}.{coordinate}" for coordinate in range(2)]
    writer.writerow(["optimizer", *settings, *result.show])
    grids = np.meshgrid(*(axis.values for axis in result.axes))
    values = [grid.ravel().tolist() for grid in grids]
    for optimizer, label in enumerate(result.labels):
        columns = [_words(name, result.figures[name][optimizer].ravel()) for name in result.show]
        for row in zip(*values, *columns, strict=True):
            writer.writerow([without_formula(label), *row])
    return written.getvalue()


def _words(name: str, values: npt.NDArray[Any]) -> list[Any]:
    if name == "outcome":
        return [OUTCOMES[each].value for each in values.tolist()]
    return ["" if each != each else each for each in values.tolist()]
