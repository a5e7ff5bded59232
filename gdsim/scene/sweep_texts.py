"""What is written about a sweep: its title, the shares in its legend, and the text that describes it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gdsim.config.sweep import EVERY
from gdsim.languages import ENGLISH
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.scene.scales import ScaledAxis
from gdsim.scene.views.map import CAPTIONS, FAILED, MapModel
from gdsim.sweeps import OUTCOMES, Outcome, SweepResult


def share_text(share: float) -> str:
    """Return a share as whole percent, which is 0 or 100 only if it is exactly so."""
    if 0 < share < 0.01:
        return "< 1 %"
    return f"{min(round(100 * share), 99 if share < 1 else 100)} %"


def fixed_settings(result: SweepResult) -> Iterator[tuple[str, str]]:
    """Yield the label of each optimizer, and its settings without those that are varied."""
    for label, settings in zip(result.labels, result.settings, strict=True):
        own = [each.setting.replace(EVERY, label, 1).removeprefix(f"optimizers.{label}.") for each in result.axes]
        yield label, " · ".join(each for each in settings.split(" · ") if each.partition(" ")[0] not in own)


def category_shares(models: list[MapModel], category: int) -> str:
    """Return which share of the cells of each optimizer is in a category."""
    shares = [share_text(float((model.values == category).mean())) for model in models]
    return " · ".join(shares)


def sweep_finding(result: SweepResult, axes: tuple[ScaledAxis, ...]) -> tuple[str, ...]:
    """Return a sentence about a sweep as alternatives from long to short; none if there is nothing to say."""
    return tuple(_sentences(result, axes))


def _sentences(result: SweepResult, axes: tuple[ScaledAxis, ...]) -> Iterator[str]:
    if len(axes) == 1 and axes[0].scale == "log" and "solved" in result.figures:
        yield from _range_sentences(result, axes[0])
        return
    cells = "starts" if all(axis.is_coordinate for axis in axes) else "settings"
    if "solved" in result.figures:
        yield from _solved_sentences(result, axes, cells)
        return
    worse = [OUTCOMES.index(each) for each in (Outcome.ROSE, *FAILED)]
    shares = [float(1 - np.isin(each, worse).mean()) for each in result.figures["outcome"]]
    goal = "the loss" if result.objective.kind == "network" else "the value"
    yield from _share_sentences(result, shares, f"lowers {goal}", cells)


def _range_sentences(result: SweepResult, axis: ScaledAxis) -> Iterator[str]:
    """Say over how many decades of a setting each optimizer reaches a minimum, each value with half of both gaps."""
    decades = result.figures["solved"].mean(-1) * float(np.diff(axis.limits)[0])
    order = np.argsort(-decades, kind="stable").tolist()
    goal = "a minimum" if len(result.objective.minima) > 1 else "the minimum"
    ranges = [f"{result.labels[index]} over {number(float(decades[index]), 2)}" for index in order]
    first = ranges[0].replace(" over ", f" reaches {goal} over ", 1) + f" decades of {axis.name}"
    if len(ranges) > 2:
        yield f"{first}, {ranges[1]}, {ranges[-1]}" if len(ranges) == 3 else f"{first}, {ranges[-1]}"
    elif len(ranges) == 2:
        yield f"{first}, {ranges[1]}"
    yield first


def _solved_sentences(result: SweepResult, axes: tuple[ScaledAxis, ...], cells: str) -> Iterator[str]:
    shares = [float(each.mean()) for each in result.figures["solved"]]
    goal = "a minimum" if len(result.objective.minima) > 1 else "the minimum"
    if len(shares) == 1 and cells == "settings" and shares[0] > 0:
        best = _fastest(result, axes)
        yield f"{result.labels[0]} is fastest at {best}"
    yield from _share_sentences(result, shares, f"reaches {goal}", cells)


def _share_sentences(result: SweepResult, shares: list[float], does: str, cells: str) -> Iterator[str]:
    """Say in which share of the cells each optimizer does something, the largest share first."""
    preposition = "from" if cells == "starts" else "with"
    order = sorted(range(len(shares)), key=lambda index: -shares[index])
    parts: list[str] = []
    for index in order:
        share = f"every {cells[:-1]}" if shares[index] == 1 else f"{share_text(shares[index])} of {cells}"
        verb = f"{does} " if not parts else ""
        parts.append(f"{result.labels[index]} {verb}{preposition} {share if not parts else share.partition(' of ')[0]}")
    yield "; ".join(parts) if len(parts) > 2 else ", ".join(parts)
    yield parts[0]


def _fastest(result: SweepResult, axes: tuple[ScaledAxis, ...]) -> str:
    """Return the settings of the run that first comes within tolerance, and its number of steps."""
    steps = np.where(result.figures["solved"][0], result.figures["steps_to_tolerance"][0], np.inf)
    place = np.unravel_index(int(steps.argmin()), steps.shape)
    named = zip(axes, place[::-1], strict=True)
    settings = [f"{axis.name} {number(float(axis.values[index]), 2)}" for axis, index in named]
    return f"{ENGLISH.joined(settings)}: {int(steps.min())} steps"


def describe_sweep(result: SweepResult, axes: tuple[ScaledAxis, ...]) -> str:
    """Describe a sweep in sentences, for those who do not see it."""
    names = " and ".join(axis.name for axis in axes)
    ranges = ENGLISH.joined([f"{axis.name} from {_range(axis.values)}" for axis in axes])
    shown = ENGLISH.joined([CAPTIONS[name] for name in result.show])
    kind = "Map" if len(axes) > 1 else "Curves"
    opening = f"{kind} of {shown} over {names} on {result.objective.title}, {result.steps} steps: {ranges}."
    parts = []
    for index, label in enumerate(result.labels):
        codes, counts = np.unique(result.figures["outcome"][index], return_counts=True)
        most = sorted(zip(counts.tolist(), codes.tolist(), strict=True), reverse=True)
        total = int(counts.sum())
        parts.append(
            f"{label}: {', '.join(f'{share_text(count / total)} {OUTCOMES[code].value}' for count, code in most)}"
        )
    return f"{opening} {'; '.join(parts)}."


def _range(values: FloatArray) -> str:
    return f"{number(float(values.min()), 3)} to {number(float(values.max()), 3)}"
