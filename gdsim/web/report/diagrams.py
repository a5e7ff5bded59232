"""A study's curves and profiles → panels, and these → charts for the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gdsim.analysis import Profile
from gdsim.objectives import FloatArray
from gdsim.render.charts import chart
from gdsim.scene import CurvesPanel, PanelCurve, Style, axis_limits, number, on_axis
from gdsim.web.report.look import STANDINS, colored
from gdsim.web.report.summary import walked

if TYPE_CHECKING:
    from gdsim.analysis import Curve as Descent
    from gdsim.analysis import Study

__all__ = ["Loss", "data_chart", "loss_charts", "losses", "performance_chart"]


@dataclass(frozen=True, eq=False)
class Loss:
    """How the loss fell on one objective.

    Args:
        title: The objective's.
        minimum: Its known minimum, or None.
        descents: How low each optimizer came that ran.
        symbol: What the figures are called, "f" or "loss".
    """

    title: str
    minimum: float | None
    descents: tuple[Descent, ...]
    symbol: str

    @property
    def caption(self) -> str:
        """What the figures are."""
        return f"lowest {self.symbol} so far" if self.minimum is None else "lowest f − f* so far"

    def above(self) -> tuple[FloatArray, ...]:
        """Return the figures, those above the minimum where it is known, one array an optimizer; NaN for none."""
        base = 0.0 if self.minimum is None else self.minimum
        return tuple(np.where(np.isfinite(each.values), each.values - base, np.nan) for each in self.descents)


def losses(study: Study) -> tuple[Loss, ...]:
    """Return how the loss fell on each objective on which an optimizer ran."""
    specs = [each.objectives[0] for each in study.experiments]
    return tuple(
        Loss(
            title,
            spec.build().minimum,
            tuple(each for each in study.curves if each.objective == title),
            "f" if spec.to_train() is None else "loss",
        )
        for title, spec in zip(walked(study.table), specs, strict=True)
    )


def loss_charts(loss: Loss, styles: Mapping[str, Style], *, name: str) -> tuple[str, str]:
    """Return how the loss falls on one objective, against steps and against gradient evaluations.

    Args:
        loss: The figures.
        styles: Label → how it is drawn.
        name: What tells the two from the page's other charts.
    """
    above, descents, caption = loss.above(), loss.descents, loss.caption
    base = loss.minimum or 0.0
    figures = np.concatenate(above)
    known = loss.minimum is not None or loss.symbol == "loss"
    limits, logarithmic = axis_limits(figures[np.isfinite(figures)], may_be_logarithmic=known)
    ends = "; ".join(
        f"{each.optimizer} ends at {number(float(values[-1]), 3)}" for each, values in zip(descents, above, strict=True)
    )

    def drawn(across: str, places: Sequence[FloatArray], suffix: str) -> str:
        curves = tuple(
            _curve(styles[each.optimizer], place, on_axis(values, limits) if logarithmic else values)
            for each, place, values in zip(descents, places, above, strict=True)
        )
        reach = max(float(place[-1]) for place in places)
        panel = CurvesPanel(caption, across, max(reach, 1.0), base, logarithmic, limits, None, curves)
        return colored(
            chart(panel, STANDINS, name=name + suffix, words=f"{loss.title}: {caption} against {across}. {ends}.")
        )

    return drawn("step", [each.steps for each in descents], "steps"), drawn(
        "gradient evaluations", [each.evaluations for each in descents], "evaluations"
    )


def performance_chart(profile: Profile, styles: Mapping[str, Style]) -> str:
    """Return a performance profile; its axis counts doublings of the fewest evaluations."""
    words = _ends("Performance profile. Share of problems within tolerance, by times the fewest evaluations", profile)
    places = np.log2(profile.x)
    panel = _profile_panel(profile, places, styles, "times the fewest gradient evaluations")
    return colored(chart(panel, STANDINS, name="performance", words=words, stepped=True, doubling=True))


def data_chart(profile: Profile, styles: Mapping[str, Style]) -> str:
    """Return a data profile, over gradient evaluations."""
    words = _ends("Data profile. Share of problems within tolerance, by gradient evaluations", profile)
    panel = _profile_panel(profile, profile.x, styles, "gradient evaluations")
    return colored(chart(panel, STANDINS, name="data", words=words, stepped=True))


def _ends(words: str, profile: Profile) -> str:
    told = (f"{label} {share:.0%}" for label, share in zip(profile.labels, profile.shares[-1], strict=True))
    return f"{words}; in the end {', '.join(told)}."


def _profile_panel(profile: Profile, places: FloatArray, styles: Mapping[str, Style], across: str) -> CurvesPanel:
    reach = max(1.02 * float(places[-1]), 1.0)
    # Beyond the last place a share stays.
    places, shares = np.append(places, reach), np.append(profile.shares, profile.shares[-1:], axis=0)
    curves = tuple(
        _curve(styles[label], places, column) for label, column in zip(profile.labels, shares.T, strict=True)
    )
    limits = np.array([-0.03, 1.03])
    return CurvesPanel("share within tolerance", across, reach, 0.0, False, limits, np.linspace(0, 1, 5), curves)


def _curve(style: Style, places: FloatArray, figures: FloatArray) -> PanelCurve:
    return PanelCurve(style, np.stack([places, figures], -1)[:, None], np.array([len(places) - 1]))
