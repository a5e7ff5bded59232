"""The pictures of a report: its animation, and SVG charts whose colours are CSS variables of the page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gdsim.analysis import Curve, Profile, Study
from gdsim.analysis.metrics import group_by_objective, lowest_value
from gdsim.analysis.ranking import scores, typical_start
from gdsim.config import Experiment
from gdsim.encode import write
from gdsim.encode.size_limit import surroundings
from gdsim.files import temporary_folder
from gdsim.objectives import FloatArray
from gdsim.objectives.formulas import number
from gdsim.render import frames
from gdsim.render.panels.curves import chart
from gdsim.scene.build import build_scene
from gdsim.scene.figures import axis_limits, on_axis
from gdsim.scene.model import FEW_STARTS, Scene, Style
from gdsim.scene.panels.curves import CurvesPanel, PanelCurve
from gdsim.simulation import Trajectory
from gdsim.simulation.experiments import simulate
from gdsim.themes import THEMES, Theme
from gdsim.web import data_uri, image_uri
from gdsim.web.report.summary import objectives_run

MAX_OBJECTIVES = 4  # maximum number of objectives in the animation; with more, each would be too small
CLIP_LEVEL = 1  # good quality, not the best: a report has each clip twice, for light and dark pages
POSTER_QUALITY = 85  # WebP quality of the poster, high enough to keep thin lines sharp

# Charts are drawn once, in unusual colours, each of which is replaced by the CSS variable of its role or path.
ROLES = ("page", "text", "quiet", "grid")
PLACEHOLDERS: Theme = replace(
    THEMES["light"], page="#fe0000", panel="#fe0000", text="#fe0001", quiet="#fe0002", grid="#fe0003"
)
PATH = "#fd{:04x}"


@dataclass(frozen=True)
class ReportAnimation:
    """The animation of a report.

    Attributes:
        scenes: One for light and one for dark pages; a single one if the view has another theme.
        clips: The video of each scene, an MP4, and its last frame, as `data:` URIs.
        objectives: The number of objectives shown.
        text: What happens.
        omissions: What the animation does not show, one sentence each.
    """

    scenes: tuple[Scene, ...]
    clips: tuple[tuple[str, str], ...]
    objectives: int
    text: str
    omissions: tuple[str, ...]


def animate(experiments: Sequence[Experiment], notes: tuple[str, ...]) -> ReportAnimation:
    """Simulate the first experiments again and draw them, with notes about the tuning in the subtitle."""
    shown = experiments[:MAX_OBJECTIVES]
    trajectories = _with_equal_settings([each for experiment in shown for each in simulate(experiment)])
    starts = max(len(each.stops) for each in trajectories)
    if starts > FEW_STARTS:
        trajectories = [each for group in group_by_objective(trajectories) for each in _typical(group)]
    # Several objectives need the space of the panels, and the page has charts.
    view = shown[0].view if len(shown) == 1 else shown[0].view.model_copy(update={"panels": []})
    themes = ("light", "dark") if view.theme in ("light", "dark") else (view.theme,)
    views = [view.model_copy(update={"theme": theme}) for theme in themes]
    drawn = (build_scene(trajectories, view=each, animation=shown[0].animation) for each in views)
    scenes = tuple(_with_notes(each, notes) for each in drawn)
    text, omissions = scenes[0].alt_text, []
    if len(shown) < len(experiments):
        omissions.append(f"The animation shows the first {len(shown)} of {len(experiments)} objectives.")
    if starts > FEW_STARTS:
        text = f"From a typical one of {starts} starts: {text}"
        if len(shown) > 1:
            omissions.append(f"It shows a typical one of {starts} starts on each.")
    return ReportAnimation(scenes, tuple(map(_clip, scenes)), len(shown), text, tuple(omissions))


def _with_equal_settings(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Give all trajectories of one label the same settings text, even if the settings differ between objectives."""
    settings: dict[str, set[str]] = {}
    for each in trajectories:
        settings.setdefault(each.label, set()).add(each.settings)
    return [
        each
        if len(settings[each.label]) == 1
        else replace(each, settings=f"{each.settings.split(' · ')[0]} · tuned for each objective")
        for each in trajectories
    ]


def _typical(trajectories: Sequence[Trajectory]) -> Iterator[Trajectory]:
    """Yield the trajectories of one objective from a start on which the optimizers are neither fast nor slow."""
    lowest = lowest_value(trajectories)
    start = typical_start([scores(each, lowest) for each in trajectories])
    for each in trajectories:
        yield each.subset(np.arange(len(each.stops)) == start)


def _with_notes(scene: Scene, notes: tuple[str, ...]) -> Scene:
    own = scene.notes
    if notes and own:
        # If there is room for only one of them, what the picture omits takes precedence.
        own = (f"{notes[0]}; {own[0]}", f"{notes[-1]}; {own[-1]}", *own)
    return replace(scene, notes=own or notes)


def _clip(scene: Scene) -> tuple[str, str]:
    drawn = frames(scene)
    with temporary_folder() as folder:
        video = write(
            drawn, folder / "film.mp4", fps=scene.fps, quality_level=CLIP_LEVEL, **surroundings(scene, drawn)
        ).read_bytes()
    return data_uri("video/mp4", video), image_uri(drawn.poster(), quality=POSTER_QUALITY)


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
        built, is_network = spec.build(), spec.to_train() is not None
        minimum = built.minimum
        base = 0.0 if minimum is None else minimum
        curves = tuple(each for each in study.curves if each.objective == title)
        values = tuple(np.where(np.isfinite(each.values), each.values - base, np.nan) for each in curves)
        caption = f"{'loss' if is_network else built.gap_name}, lowest so far"
        found.append(Loss(title, caption, base, minimum is not None or is_network, curves, values))
    return found


def loss_charts(loss: Loss, styles: Mapping[str, Style], *, name: str) -> list[str]:
    """Return charts of the loss against steps and against evaluations; `name` makes their ids unique."""
    values = np.concatenate(loss.values)
    limits, logarithmic = axis_limits(values[np.isfinite(values)], may_be_logarithmic=loss.may_be_logarithmic)
    ends = "; ".join(
        f"{each.optimizer} ends at {number(float(values[-1]), 3)}"
        for each, values in zip(loss.curves, loss.values, strict=True)
    )
    charts = []
    for field, axis in (("steps", "step"), ("evaluations", "evaluations")):
        curves = tuple(
            _curve(styles[each.optimizer], getattr(each, field), on_axis(values, limits) if logarithmic else values)
            for each, values in zip(loss.curves, loss.values, strict=True)
        )
        reach = max(1.0, *(float(getattr(each, field)[-1]) for each in loss.curves))
        panel = CurvesPanel(loss.caption, axis, reach, loss.base, logarithmic, limits, None, curves)
        alt_text = f"{loss.title}: {loss.caption} against {axis}. {ends}."
        charts.append(_with_variables(chart(panel, PLACEHOLDERS, name=name + field, words=alt_text)))
    return charts


def profile_chart(profile: Profile, styles: Mapping[str, Style], *, axis: str, doubling: bool = False) -> str:
    """Return the chart of a performance profile, on a base-2 logarithmic axis (`doubling`), or of a data profile."""
    x = np.log2(profile.x) if doubling else profile.x
    reach = max(1.02 * float(x[-1]), 1.0)
    # Shares are constant beyond the largest cost.
    x, shares = np.append(x, reach), np.append(profile.shares, profile.shares[-1:], axis=0)
    curves = tuple(_curve(styles[label], x, column) for label, column in zip(profile.labels, shares.T, strict=True))
    ticks, limits = np.linspace(0, 1, 5), np.array([-0.03, 1.03])
    panel = CurvesPanel("share within tolerance", axis, reach, 0.0, False, limits, ticks, curves)
    ends = ", ".join(f"{label} {share:.0%}" for label, share in zip(profile.labels, profile.shares[-1], strict=True))
    kind = "Performance" if doubling else "Data"
    alt_text = f"{kind} profile. Share of problems within tolerance, by {axis}; in the end {ends}."
    svg = chart(panel, PLACEHOLDERS, name=kind.lower(), words=alt_text, stepped=True, doubling=doubling)
    return _with_variables(svg)


def _curve(style: Style, x: FloatArray, y: FloatArray) -> PanelCurve:
    return PanelCurve(style, np.stack([x, y], -1)[:, None], np.array([len(x) - 1]))


def chart_styles(labels: Sequence[str], scene: Scene) -> dict[str, Style]:
    """Return the style of each optimizer in charts: dashed as in the animation, with a placeholder colour."""
    dashes = {style.label: style.dash for style in scene.styles}
    return {label: Style(label, "", PATH.format(i), dashes.get(label, ()), "") for i, label in enumerate(labels)}


def _with_variables(svg: str) -> str:
    svg = re.sub(r"#fe00(0[0-3])", lambda found: f"var(--chart-{ROLES[int(found[1], 16)]})", svg)
    return re.sub(r"#fd([0-9a-f]{4})", lambda found: f"var(--path-{int(found[1], 16)})", svg)


def color_variables(labels: Sequence[str], animation: ReportAnimation) -> str:
    """Return the CSS rules that define the colours of charts for light and dark pages."""
    light, dark = (_declarations(labels, animation.scenes[i]) for i in (0, -1))
    return f":root {{ {light} }}\n@media (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}"


def _declarations(labels: Sequence[str], scene: Scene) -> str:
    """Declare the colours of roles and paths; optimizers that are not in the animation get unused colours."""
    theme, colors = scene.theme, {style.label: style.color for style in scene.styles}
    free = [color for color in theme.paths if color not in colors.values()] or list(theme.paths)
    missing = [label for label in labels if label not in colors]
    colors |= {label: free[i % len(free)] for i, label in enumerate(missing)}
    values = {"ground": theme.page} | {f"chart-{role}": getattr(theme, role) for role in ROLES}
    values |= {f"path-{i}": colors[label] for i, label in enumerate(labels)}
    return " ".join(f"--{name}: {color};" for name, color in values.items())
