"""SVG charts of a study's curves and profiles, whose colours are CSS variables of the page."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gdsim.analysis import Curve, Profile, Study
from gdsim.objectives import FloatArray
from gdsim.render.panels.curves import chart
from gdsim.scene import CurvesPanel, PanelCurve, Style, axis_limits, number, on_axis
from gdsim.themes import THEMES, Theme
from gdsim.web.report.animation import ReportAnimation
from gdsim.web.report.summary import objectives_run

ROLES = ("page", "text", "quiet", "grid")

# Charts are drawn once, in unusual colours, each of which is replaced by the CSS variable of its role or path.
PLACEHOLDERS: Theme = replace(
    THEMES["light"], page="#fe0000", panel="#fe0000", text="#fe0001", quiet="#fe0002", grid="#fe0003"
)
PATH = "#fd{:04x}"

PAGE_COLORS: Mapping[str, Mapping[str, str]] = {
    "light": {
        "page": "#ffffff",
        "text": "#1b2430",
        "quiet": "#5a6675",
        "rule": "#dfe4ea",
        "shade": "#f5f7f9",
        "tint": "#0072b2",
        "focus": "#0072b2",
        "warning": "#a84300",
    },
    "dark": {
        "page": "#10141b",
        "text": "#f1f4f8",
        "quiet": "#9aa7b8",
        "rule": "#2a3340",
        "shade": "#181e28",
        "tint": "#56b4e9",
        "focus": "#56b4e9",
        "warning": "#f0a04b",
    },
}
"""The colours of the page, which are independent of the animation's theme."""


@dataclass(frozen=True, eq=False)
class Loss:
    """The loss curves of one objective.

    Attributes:
        caption: The quantity that the values are.
        base: The minimum that was subtracted, or 0.
        may_be_logarithmic: Whether the values may be shown on a logarithmic axis.
        values: The values of each curve minus the base; NaN if not finite.
    """

    title: str
    caption: str
    base: float
    may_be_logarithmic: bool
    curves: tuple[Curve, ...]
    values: tuple[FloatArray, ...]


def losses(study: Study) -> list[Loss]:
    """Return the loss curves of each objective on which an optimizer ran."""
    found = []
    for title, experiment in zip(objectives_run(study.table), study.experiments, strict=True):
        spec = experiment.objectives[0]
        minimum, is_network = spec.build().minimum, spec.to_train() is not None
        base = 0.0 if minimum is None else minimum
        curves = tuple(each for each in study.curves if each.objective == title)
        values = tuple(np.where(np.isfinite(each.values), each.values - base, np.nan) for each in curves)
        symbol = "loss" if is_network else "f"
        caption = f"lowest {symbol} so far" if minimum is None else "lowest f − f* so far"
        found.append(Loss(title, caption, base, minimum is not None or is_network, curves, values))
    return found


def loss_charts(loss: Loss, styles: Mapping[str, Style], *, name: str) -> tuple[str, str]:
    """Return charts of the loss against steps and against gradient evaluations; `name` makes their ids unique."""
    values = np.concatenate(loss.values)
    limits, logarithmic = axis_limits(values[np.isfinite(values)], may_be_logarithmic=loss.may_be_logarithmic)
    ends = "; ".join(
        f"{each.optimizer} ends at {number(float(values[-1]), 3)}"
        for each, values in zip(loss.curves, loss.values, strict=True)
    )

    def against(axis: str, x: Sequence[FloatArray], suffix: str) -> str:
        curves = tuple(
            _curve(styles[each.optimizer], place, on_axis(values, limits) if logarithmic else values)
            for each, place, values in zip(loss.curves, x, loss.values, strict=True)
        )
        reach = max(1.0, *(float(place[-1]) for place in x))
        panel = CurvesPanel(loss.caption, axis, reach, loss.base, logarithmic, limits, None, curves)
        alt_text = f"{loss.title}: {loss.caption} against {axis}. {ends}."
        return _with_variables(chart(panel, PLACEHOLDERS, name=name + suffix, words=alt_text))

    steps = against("step", [each.steps for each in loss.curves], "steps")
    return steps, against("gradient evaluations", [each.evaluations for each in loss.curves], "evaluations")


def profile_charts(performance: Profile, data: Profile, styles: Mapping[str, Style]) -> tuple[str, str]:
    """Return charts of a performance profile, on a base-2 logarithmic axis, and of a data profile."""
    return (
        _profile_chart(
            performance, np.log2(performance.x), styles, "times the fewest gradient evaluations", "Performance"
        ),
        _profile_chart(data, data.x, styles, "gradient evaluations", "Data"),
    )


def _profile_chart(profile: Profile, x: FloatArray, styles: Mapping[str, Style], axis: str, kind: str) -> str:
    reach = max(1.02 * float(x[-1]), 1.0)
    # Shares are constant beyond the largest cost.
    x, shares = np.append(x, reach), np.append(profile.shares, profile.shares[-1:], axis=0)
    curves = tuple(_curve(styles[label], x, column) for label, column in zip(profile.labels, shares.T, strict=True))
    ticks, limits = np.linspace(0, 1, 5), np.array([-0.03, 1.03])
    panel = CurvesPanel("share within tolerance", axis, reach, 0.0, False, limits, ticks, curves)
    ends = ", ".join(f"{label} {share:.0%}" for label, share in zip(profile.labels, profile.shares[-1], strict=True))
    alt_text = f"{kind} profile. Share of problems within tolerance, by {axis}; in the end {ends}."
    doubling = kind == "Performance"
    svg = chart(panel, PLACEHOLDERS, name=kind.lower(), words=alt_text, stepped=True, doubling=doubling)
    return _with_variables(svg)


def _curve(style: Style, x: FloatArray, y: FloatArray) -> PanelCurve:
    return PanelCurve(style, np.stack([x, y], -1)[:, None], np.array([len(x) - 1]))


def chart_styles(labels: Sequence[str], animation: ReportAnimation) -> dict[str, Style]:
    """Return the style of each optimizer in charts: dashed as in the animation, with a placeholder colour."""
    return {
        label: Style(label, "", PATH.format(index), animation.dashes.get(label, ()), "")
        for index, label in enumerate(labels)
    }


def _with_variables(svg: str) -> str:
    svg = re.sub(r"#fe00(0[0-3])", lambda found: f"var(--chart-{ROLES[int(found[1], 16)]})", svg)
    return re.sub(r"#fd([0-9a-f]{4})", lambda found: f"var(--path-{int(found[1], 16)})", svg)


def color_variables(labels: Sequence[str], animation: ReportAnimation) -> str:
    """Return the CSS rules that define the colour variables for light and dark pages."""
    light, dark = (
        _declarations({**colors, "ground": clip.theme.page, **_chart_colors(labels, clip.colors, clip.theme)})
        for colors, clip in zip(PAGE_COLORS.values(), (animation.clips[0], animation.clips[-1]), strict=True)
    )
    return (
        f":root {{ color-scheme: light dark; {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"
    )


def _chart_colors(labels: Sequence[str], colors: Mapping[str, str], theme: Theme) -> dict[str, str]:
    """Return the colours of roles and paths; optimizers that are not in the animation get unused colours."""
    free = [color for color in theme.paths if color not in colors.values()] or list(theme.paths)
    missing = [label for label in labels if label not in colors]
    paths = {**{label: free[i % len(free)] for i, label in enumerate(missing)}, **colors}
    roles = {f"chart-{role}": str(getattr(theme, role)) for role in ROLES}
    return roles | {f"path-{index}": paths[label] for index, label in enumerate(labels)}


def _declarations(colors: Mapping[str, str]) -> str:
    return " ".join(f"--{name}: {color};" for name, color in colors.items())
