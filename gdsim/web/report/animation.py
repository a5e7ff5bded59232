"""The animation of a report: the tuned optimizers, in a light and a dark theme."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from gdsim.config import Experiment
from gdsim.encode import write
from gdsim.render import frames
from gdsim.scene import FEW_STARTS, Scene, build_scene
from gdsim.simulation import Trajectory, simulate
from gdsim.themes import Theme
from gdsim.web.templates import data_uri

MAX_OBJECTIVES = 4
"""Maximum number of objectives in the animation; with more, each would be too small."""

POSTER_QUALITY = 85
"""WebP quality of the poster, high enough to keep thin lines sharp."""


@dataclass(frozen=True)
class Clip:
    """The animation in one theme.

    Attributes:
        colors: Label → the colour of the path.
        video, poster: The MP4 and the last frame as `data:` URIs.
    """

    theme: Theme
    colors: dict[str, str]
    video: str
    poster: str


@dataclass(frozen=True)
class ReportAnimation:
    """The animation of a report.

    Attributes:
        clips: One for light and one for dark pages; a single one if the view has another theme.
        dashes: Label → on and off lengths of the path's dashes, in units of the line width.
        objectives: The number of objectives shown.
        omissions: What the animation does not show, one sentence each.
    """

    clips: tuple[Clip, ...]
    dashes: dict[str, tuple[float, ...]]
    size: tuple[int, int]
    objectives: int
    text: str
    omissions: tuple[str, ...]


def animate(experiments: Sequence[Experiment], notes: tuple[str, ...]) -> ReportAnimation:
    """Simulate the first experiments again and draw them, with notes about the tuning in the subtitle."""
    shown = experiments[:MAX_OBJECTIVES]
    trajectories = _with_equal_settings([each for experiment in shown for each in simulate(experiment)])
    starts = max(len(each.stops) for each in trajectories)
    if starts > FEW_STARTS:
        trajectories = [_first_start(each) for each in trajectories]
    # Several objectives need the space of the panels, and the page has charts.
    view = shown[0].view if len(shown) == 1 else shown[0].view.model_copy(update={"panels": []})
    themes = ("light", "dark") if view.theme in ("light", "dark") else (view.theme,)
    views = [view.model_copy(update={"theme": theme}) for theme in themes]
    scenes = [_with_notes(build_scene(trajectories, view=each, animation=shown[0].animation), notes) for each in views]
    text, omissions = scenes[0].alt_text, []
    if len(shown) < len(experiments):
        omissions.append(f"The animation shows the first {len(shown)} of {len(experiments)} objectives.")
    if starts > FEW_STARTS:
        text = f"From the first of {starts} starts: {text}"
        if len(shown) > 1:
            omissions.append(f"It shows the first of {starts} starts.")
    return ReportAnimation(
        clips=tuple(map(_clip, scenes)),
        dashes={style.label: style.dash for style in scenes[0].styles},
        size=scenes[0].size,
        objectives=len(shown),
        text=text,
        omissions=tuple(omissions),
    )


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


def _first_start(trajectory: Trajectory) -> Trajectory:
    names = ("points", "values", "gradients", "learning_rates", "evaluations")
    first = {name: getattr(trajectory, name)[:, :1] for name in names}
    return replace(trajectory, stop_steps=trajectory.stop_steps[:1], stops=trajectory.stops[:1], **first)


def _with_notes(scene: Scene, notes: tuple[str, ...]) -> Scene:
    """Add notes to the subtitles of a scene, and make its size even, as videos require."""
    width, height = scene.size
    size, subtitles = (width - width % 2, height - height % 2), scene.subtitles
    if notes and subtitles:
        # If there is room for only one of them, what the picture omits takes precedence.
        subtitles = (f"{notes[0]}; {subtitles[0]}", f"{notes[-1]}; {subtitles[-1]}", *subtitles)
    return replace(scene, size=size, subtitles=subtitles or notes)


def _clip(scene: Scene) -> Clip:
    drawn = frames(scene)
    with TemporaryDirectory() as folder:
        video = write(drawn, Path(folder, "film.mp4"), fps=scene.fps, hold=scene.hold).read_bytes()
    poster = BytesIO()
    Image.fromarray(np.ascontiguousarray(drawn.poster())).save(poster, "WEBP", quality=POSTER_QUALITY)
    return Clip(
        theme=scene.theme,
        colors={style.label: style.color for style in scene.styles},
        video=data_uri("video/mp4", video),
        poster=data_uri("image/webp", poster.getvalue()),
    )
