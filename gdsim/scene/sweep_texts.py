"""What is written about a sweep: its title, the shares in its legend, and the text that describes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from gdsim.config.sweep import EVERY
from gdsim.languages import ENGLISH, Language
from gdsim.objectives.formulas import number
from gdsim.scene.captions import Clause, Description
from gdsim.scene.scales import ScaledAxis
from gdsim.scene.sweep_map import CAPTIONS, FAILED, MapModel
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


def category_shares(models: Sequence[MapModel], labels: Sequence[str], category: int) -> str:
    """Return which share of the cells of each optimizer is in a category, with the names of two optimizers."""
    shares = [share_text(float((model.values == category).mean())) for model in models]
    named = zip(labels, shares, strict=True)
    return " · ".join(f"{label} {share}" for label, share in named) if len(shares) == 2 else " · ".join(shares)


def sweep_finding(result: SweepResult, axes: tuple[ScaledAxis, ...], say: Language = ENGLISH) -> tuple[str, ...]:
    """Return a sentence about a sweep as alternatives from long to short; none if there is nothing to say."""
    return tuple(_sentences(result, axes, say))


def _sentences(result: SweepResult, axes: tuple[ScaledAxis, ...], say: Language) -> Iterator[str]:
    reaches = say("reaches a minimum" if len(result.objective.minima) > 1 else "reaches the minimum")
    is_start = all(axis.is_coordinate for axis in axes)
    if len(axes) == 1 and axes[0].scale == "log" and "solved" in result.figures:
        yield from _range_sentences(result, axes[0], reaches, say)
    elif "solved" in result.figures:
        shares = [float(each.mean()) for each in result.figures["solved"]]
        if len(shares) == 1 and not is_start and shares[0] > 0:
            yield _fastest(result, axes, say)
        yield from _share_sentences(result, shares, reaches, say, is_start=is_start)
    else:
        worse = [OUTCOMES.index(each) for each in (Outcome.ROSE, *FAILED)]
        shares = [float(1 - np.isin(each, worse).mean()) for each in result.figures["outcome"]]
        has_loss = result.objective.kind == "network"
        lowers = say("lowers the loss" if has_loss else "lowers the value")
        yield from _share_sentences(result, shares, lowers, say, is_start=is_start)


def _range_sentences(result: SweepResult, axis: ScaledAxis, reaches: str, say: Language) -> Iterator[str]:
    """Say over how many decades of a setting each optimizer reaches a minimum, each value with half of both gaps."""
    decades = result.figures["solved"].mean(-1) * float(np.diff(axis.limits)[0])
    found = [(result.labels[i], number(float(decades[i]), 2)) for i in np.argsort(-decades, kind="stable")]
    (name, widest), *others = found
    first = say("{name} {what} over {n} decades of {setting}", name=name, what=reaches, n=widest, setting=axis.name)
    rest = [say("{name} over {n}", name=name, n=n) for name, n in others]
    if rest:
        yield ", ".join([first, *(rest if len(rest) <= 2 else rest[-1:])])
    yield first


def _share_sentences(
    result: SweepResult, shares: list[float], does: str, say: Language, *, is_start: bool
) -> Iterator[str]:
    """Say in which share of the cells each optimizer does something, the largest share first."""
    every, some, short = (
        ("from every start", "from {share} of starts", "from {share}")
        if is_start
        else ("with every setting", "with {share} of settings", "with {share}")
    )
    parts: list[str] = []
    for index in sorted(range(len(shares)), key=lambda index: -shares[index]):
        where = every if shares[index] == 1 else short if parts else some
        words = say(where, share=share_text(shares[index]))
        parts.append(" ".join([result.labels[index], *([] if parts else [does]), words]))
    yield "; ".join(parts) if len(parts) > 2 else ", ".join(parts)
    yield parts[0]


def _fastest(result: SweepResult, axes: tuple[ScaledAxis, ...], say: Language) -> str:
    """Say with which settings a run arrives first, and in how many steps."""
    steps = np.where(result.figures["solved"][0], result.figures["steps_to_tolerance"][0], np.inf)
    place = np.unravel_index(int(steps.argmin()), steps.shape)
    named = zip(axes, place[::-1], strict=True)
    settings = say.joined(f"{axis.name} {number(float(axis.values[index]), 2)}" for axis, index in named)
    template = "{name} is fastest at {settings}: {n} steps"
    return say(template, name=result.labels[0], settings=settings, n=int(steps.min()))


def agreement_notes(results: Sequence[SweepResult], say: Language) -> tuple[str, ...]:
    """Return the share of repeated runs with the outcome of a plain loop, as alternatives from long to short.

    There are none where all of them equal a plain loop bit for bit.
    """
    share = float(np.mean([each.agreement for each in results]))
    if results[0].objective.kind != "network" and share == 1:
        return ()
    templates = ("{share} of repeated runs end as in a plain loop", "{share} end as in a plain loop")
    return tuple(say(template, share=share_text(share)) for template in templates)


def describe_sweep(result: SweepResult, axes: tuple[ScaledAxis, ...], say: Language = ENGLISH) -> Description:
    """Describe how the runs of a sweep end."""
    facts = {
        "what": say.joined(say(CAPTIONS[name]) for name in result.show),
        "names": say.joined(axis.name for axis in axes),
        "title": result.objective.title,
        "n": result.steps,
        "ranges": say.joined(_range(axis, say) for axis in axes),
    }
    opening = say(
        "Curves of {what} over {names} on {title}, {n} steps: {ranges}."
        if len(axes) == 1
        else "Map of {what} over {names} on {title}, {n} steps: {ranges}.",
        **facts,
    )
    clauses = []
    for index, label in enumerate(result.labels):
        codes, counts = np.unique(result.figures["outcome"][index], return_counts=True)
        most = sorted(zip(counts.tolist(), codes.tolist(), strict=True), reverse=True)
        total = int(counts.sum())
        ends = [f"{share_text(count / total)} {say(OUTCOMES[code].value)}" for count, code in most]
        clauses.append(Clause(label, f": {', '.join(ends)}"))
    return Description(opening, tuple(clauses))


def _range(axis: ScaledAxis, say: Language) -> str:
    low, high = (number(float(each), 3) for each in (axis.values.min(), axis.values.max()))
    return say("{name} from {low} to {high}", name=axis.name, low=low, high=high)
