"""The files of a sweep: .npz with all figures and the YAML that produced them, and CSV with those that are shown."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
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
from gdsim.sweeps.result import OUTCOMES, SweepResult

TYPES: dict[str, type[np.generic]] = {
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
        return experiment, _result(arrays, Plan.of(experiment))


def _result(arrays: ArrayReader, plan: Plan) -> SweepResult:
    labels = tuple(plan.experiment.optimizers)
    arrays.require("labels", arrays.read("labels", "optimizers", np.str_) == labels)
    found = read_figures(arrays, plan, (len(labels), *plan.shape))
    settings, agreement = arrays.read("settings", "optimizers", np.str_), arrays.read("agreement", "")
    arrays.require("agreement", 0 <= agreement <= 1)
    return plan.result(found, settings=settings, agreement=agreement)


def read_figures(
    arrays: ArrayReader, plan: Plan, shape: Sequence[int], types: Mapping[str, type[np.generic]] = TYPES
) -> dict[str, npt.NDArray[Any]]:
    """Return the figures of some runs of a sweep, each of a shape, and their history, see `Plan.result`.

    Raises:
        InputError: A figure is missing, or does not have the type, the shape or the numbers that its runs give it.
    """
    minima, axes = len(plan.objective.minima), " ".join(map(str, shape))
    wanted = {name: (axes, kind) for name, kind in types.items() if minima or name not in NEED_MINIMUM}
    wanted |= {f"history_{name}": (f"{len(plan.history_steps)} {axes}", np.float32) for name in plan.histories}
    found = {name: arrays.read(name, *each) for name, each in wanted.items()}
    limits = {"outcome": (0, len(OUTCOMES) - 1), "minimum": (-1, minima - 1), "minimum_steps": (-1, plan.steps)}
    limits |= dict.fromkeys(("stop_steps", "steps_to_tolerance"), (0, plan.steps))
    for name in limits.keys() & found.keys():
        low, high = limits[name]
        arrays.require(name, not ((found[name] < low) | (found[name] > high)).any())
    return found


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
