"""The animation of a study: its tuned optimizers, drawn for light and for dark pages."""

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
"""More would be too small to follow in one picture."""

POSTER_QUALITY = 85
"""Of 100: thin lines stay clean."""


@dataclass(frozen=True)
class Clip:
    """The animation in one theme.

    Attributes:
        theme: Its colours.
        colors: Label → the colour of its path.
        video: The MP4 as a `data:` URI.
        poster: The last frame as a `data:` URI.
    """

    theme: Theme
    colors: dict[str, str]
    video: str
    poster: str


@dataclass(frozen=True)
class ReportAnimation:
    """The animation of a report.

    Attributes:
        clips: For light pages and for dark ones; only one where the view asks for another theme.
        dashes: Label → on and off lengths of its path, in units of the line's width.
        size: Width and height in pixels.
        objectives: How many it shows.
        text: What happens in it.
        omissions: What it does not show, a sentence each.
    """

    clips: tuple[Clip, ...]
    dashes: dict[str, tuple[float, ...]]
    size: tuple[int, int]
    objectives: int
    text: str
    omissions: tuple[str, ...]


def animate(experiments: Sequence[Experiment], notes: tuple[str, ...]) -> ReportAnimation:
    """Simulate the first experiments once more, and draw them.

    Args:
        experiments: At least one, with the settings that were compared.
        notes: How they were tuned, at length and in short, for the subtitle; empty for nothing.
    """
    shown = experiments[:MAX_OBJECTIVES]
    trajectories = _with_equal_settings([each for experiment in shown for each in simulate(experiment)])
    starts = max(len(each.stops) for each in trajectories)
    if starts > FEW_STARTS:
        trajectories = [_first_start(each) for each in trajectories]
    # Several objectives need the space that panels take, and the page has charts of its own.
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
    """Give the trajectories of one label the same settings, where each objective has its own."""
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
    """Add notes to the subtitles of a scene, and make its size even, as videos need."""
    width, height = scene.size
    size, subtitles = (width - width % 2, height - height % 2), scene.subtitles
    if notes and subtitles:
        # Where only one of the two has room, what the picture leaves out must be said.
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
