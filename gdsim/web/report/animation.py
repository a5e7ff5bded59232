"""The animation of a study: its tuned optimizers in motion, drawn for light and for dark pages."""

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

__all__ = ["Clip", "Film", "film"]

MOST = 4
"""So many objectives at most share a picture; each would else be too small to follow."""

POSTER = 85
"""The quality of a poster, of 100: so much that thin lines stay clean."""


@dataclass(frozen=True)
class Clip:
    """The animation in one theme.

    Args:
        theme: Its colours.
        colors: Label → the colour of its path.
        video: The MP4 as a `data:` address.
        poster: The last frame as a `data:` address.
    """

    theme: Theme
    colors: dict[str, str]
    video: str
    poster: str


@dataclass(frozen=True)
class Film:
    """What moves at the head of the page.

    Args:
        clips: One for light pages and one for dark ones; only one where the view asks for another theme.
        dashes: Label → on and off lengths of its path, in units of the line's width.
        size: Width and height in pixels.
        objectives: How many are shown.
        words: What happens, for those who do not see it.
        left_out: What is not shown, a sentence each.
    """

    clips: tuple[Clip, ...]
    dashes: dict[str, tuple[float, ...]]
    size: tuple[int, int]
    objectives: int
    words: str
    left_out: tuple[str, ...]


def film(experiments: Sequence[Experiment], notes: tuple[str, ...]) -> Film:
    """Descend once more, and film it.

    Args:
        experiments: At least one, tuned as they were compared.
        notes: What is to be said beside the title, how they were tuned, at length and in short; empty for nothing.
    """
    shown = experiments[:MOST]
    trajectories = _alike([each for experiment in shown for each in simulate(experiment)])
    starts = max(len(each.stops) for each in trajectories)
    if starts > FEW_STARTS:
        trajectories = [_first_start(each) for each in trajectories]
    # Several objectives need the room that panels take, and the page has charts of its own.
    view = shown[0].view if len(shown) == 1 else shown[0].view.model_copy(update={"panels": []})
    wanted = ("light", "dark") if view.theme in ("light", "dark") else (view.theme,)
    views = [view.model_copy(update={"theme": theme}) for theme in wanted]
    scenes = [_scene(build_scene(trajectories, view=each, animation=shown[0].animation), notes) for each in views]
    clips = [_clip(scene) for scene in scenes]
    told = []
    if len(shown) < len(experiments):
        told.append(f"The animation shows the first {len(shown)} of {len(experiments)} objectives.")
    words = scenes[0].alt_text
    if starts > FEW_STARTS:
        words = f"From the first of {starts} starts: {words}"
        if len(shown) > 1:
            told.append(f"It shows the first of {starts} starts.")
    return Film(
        clips=tuple(clips),
        dashes={style.label: style.dash for style in scenes[0].styles},
        size=scenes[0].size,
        objectives=len(shown),
        words=words,
        left_out=tuple(told),
    )


def _alike(trajectories: Sequence[Trajectory]) -> list[Trajectory]:
    """Trajectories of which the same label has the same settings: what was tuned for each objective is said so."""
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
    arrays = ("points", "values", "gradients", "learning_rates", "evaluations")
    cut = {name: getattr(trajectory, name)[:, :1] for name in arrays}
    return replace(trajectory, stop_steps=trajectory.stop_steps[:1], stops=trajectory.stops[:1], **cut)


def _scene(scene: Scene, notes: tuple[str, ...]) -> Scene:
    """A scene with notes beside its title, of a size that every video has."""
    width, height = scene.size
    size, subtitles = (width - width % 2, height - height % 2), scene.subtitles
    if notes and subtitles:
        # Where there is room for one of the two alone, what the picture leaves out must be said in it.
        subtitles = (f"{notes[0]}; {subtitles[0]}", f"{notes[-1]}; {subtitles[-1]}", *subtitles)
    return replace(scene, size=size, subtitles=subtitles or notes)


def _clip(scene: Scene) -> Clip:
    drawn = frames(scene)
    with TemporaryDirectory() as folder:
        path = write(drawn, Path(folder, "film.mp4"), fps=scene.fps, hold=scene.hold)
        video = path.read_bytes()
    still = BytesIO()
    Image.fromarray(np.ascontiguousarray(drawn.poster())).save(still, "WEBP", quality=POSTER)
    return Clip(
        theme=scene.theme,
        colors={style.label: style.color for style in scene.styles},
        video=data_uri("video/mp4", video),
        poster=data_uri("image/webp", still.getvalue()),
    )
