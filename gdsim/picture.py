"""From an experiment, or from trajectories, to a finished file in one call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gdsim.config import Animation, Experiment, View
from gdsim.descent import simulate
from gdsim.encode import write
from gdsim.render import frames
from gdsim.scene import compose
from gdsim.trajectory import Trajectory

__all__ = ["animate"]


def animate(
    source: Experiment | Trajectory | Sequence[Trajectory],
    path: str | Path,
    *,
    view: View | None = None,
    animation: Animation | None = None,
) -> Path:
    """Write an animation, or for .png, .svg and .pdf its last frame.

    Args:
        source: An experiment, which is simulated first, or trajectories over one objective.
        path: Where to write; its suffix decides the format.
        view: What is shown; the experiment's own, or the defaults, when left out.
        animation: The pace; likewise.

    Returns:
        The path.

    Raises:
        InputError: The input is at fault, or the suffix stands for no format.
        GdsimError: The file cannot be written, or the encoder fails.
    """
    if isinstance(source, Experiment):
        view, animation = view or source.view, animation or source.animation
        trajectories: Sequence[Trajectory] = simulate(source)
    else:
        trajectories = [source] if isinstance(source, Trajectory) else source
    scene = compose(trajectories, view=view, animation=animation)
    return write(frames(scene), Path(path), fps=scene.fps, hold=scene.hold)
