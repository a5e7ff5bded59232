"""From an experiment, or from trajectories, to a finished file, or to a movie that a notebook shows."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path

from PIL import Image

from gdsim.config import Animation, Experiment, Output, View
from gdsim.encode import Progress, find_format
from gdsim.encode.size_limit import write_within_limit
from gdsim.errors import InputError
from gdsim.metadata import Provenance, versions
from gdsim.render import Frames, frames
from gdsim.scene import Scene, build_scene
from gdsim.simulation import Trajectory, simulate
from gdsim.web.embed import player_frame
from gdsim.web.player import page, write_player

__all__ = ["Movie", "animate", "make_provenance", "save_scene"]


@dataclass(frozen=True, eq=False, repr=False)
class Movie:
    """An animation that shows itself where it is the value of a notebook's cell, and saves itself in any format.

    Args:
        scene: What is to be seen.
        provenance: How it was made, which goes into every file.
        output: How files are written.
    """

    scene: Scene
    provenance: Provenance
    output: Output

    def save(self, path: str | PathLike[str], *, progress: Progress = iter) -> Path:
        """Write the animation, for .html a page that plays it, and for .png, .svg and .pdf its last frame.

        What is given up to keep within the budget of the output is logged as a warning.

        Args:
            path: Where to write; its suffix decides the format.
            progress: Wraps the iterable of frames, to show progress.

        Returns:
            The path.

        Raises:
            InputError: The suffix stands for no format.
            GdsimError: The file cannot be written, or is larger than the budget allows whatever is given up.
        """
        target = Path(path)
        for words in save_scene(self.scene, target, output=self.output, provenance=self.provenance, progress=progress):
            logging.getLogger(__name__).warning("%s: %s", target, words)
        return target

    def __repr__(self) -> str:
        return f"<Movie: {self.scene.alt_text}>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str | bytes]:
        """Show the player, or where no page can be shown the last frame, or the words alone."""
        makers: dict[str, Callable[[], str | bytes]] = {
            "text/html": self._frame,
            "image/png": self._poster,
            "text/plain": lambda: self.scene.alt_text,
        }
        wanted = set(makers if include is None else include) - set(exclude or ())
        return {kind: make() for kind, make in makers.items() if kind in wanted}

    def _frame(self) -> str:
        """The player in a frame of its own, which keeps its style and its keys to itself."""
        player = page(self.scene, self.provenance, self.output.loop == "forever")
        frame = player_frame(self.scene.size, title=self.scene.title or "gdsim", srcdoc=player)
        # A document that does not say how it is encoded must not change the player's script, which its policy knows.
        return frame.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def _poster(self) -> bytes:
        made = BytesIO()
        Image.fromarray(frames(self.scene).poster()).save(made, "PNG")
        return made.getvalue()


def animate(
    source: Experiment | Trajectory | Sequence[Trajectory],
    path: str | PathLike[str] | None = None,
    *,
    view: View | None = None,
    animation: Animation | None = None,
) -> Movie:
    """Return an animation, and write it where a path is given.

    Args:
        source: An experiment, which is simulated first, or trajectories.
        path: Where to write; its suffix decides the format, as in `Movie.save`. Nothing is written when left out.
        view: What is shown; the experiment's own, or the defaults, when left out.
        animation: The pace; likewise.

    Returns:
        The animation, which a notebook shows and which saves itself in further formats.

    Raises:
        InputError: The input is at fault, or the suffix stands for no format.
        GdsimError: The file cannot be written, or the encoder fails.
    """
    experiment, output = None, Output()
    _check(source, view, animation)
    if isinstance(source, Experiment):
        experiment, output = source, source.output
        view, animation = view or source.view, animation or source.animation
        trajectories: Sequence[Trajectory] = simulate(source)
    else:
        trajectories = [source] if isinstance(source, Trajectory) else source
    scene = build_scene(trajectories, view=view, animation=animation)
    movie = Movie(scene, make_provenance(scene, experiment), output)
    if path is not None:
        movie.save(path)
    return movie


def _check(source: object, view: object, animation: object) -> None:
    """Check the types of what is typed into a notebook, where nothing else does."""
    parts = source if isinstance(source, Sequence) and not isinstance(source, str) else [source]
    if not isinstance(source, Experiment) and not all(isinstance(part, Trajectory) for part in parts):
        wrong = type(next(part for part in parts if not isinstance(part, Trajectory))).__name__
        raise InputError(f"animate takes an experiment or trajectories, not {wrong}: gdsim.load(path) reads a config")
    for name, given, wanted in (("view", view, View), ("animation", animation, Animation)):
        if not isinstance(given, wanted | None):
            kind = f"gdsim.{wanted.__name__}(…)"
            raise InputError(f"{name} must be a {kind}, not {type(given).__name__}")


def make_provenance(scene: Scene, experiment: Experiment | None = None) -> Provenance:
    """Return how a scene was made: from an experiment, or from trajectories without one."""
    return Provenance(
        title=scene.title,
        alt_text=scene.alt_text,
        yaml="" if experiment is None else experiment.yaml,
        seed=None if experiment is None else experiment.seed,
        versions=versions(),
    )


def save_scene(
    scene: Scene,
    path: Path,
    *,
    output: Output | None = None,
    provenance: Provenance | None = None,
    drawn: Frames | None = None,
    progress: Progress = iter,
) -> tuple[str, ...]:
    """Draw a scene into a file.

    Args:
        scene: What is to be seen.
        path: Where to write; its suffix decides the format.
        output: How the file is written; the defaults when left out.
        provenance: What the file is to say of how it was made; nothing when left out.
        drawn: The scene's frames, where they have been made already.
        progress: Wraps the iterable of frames, to show progress.

    Returns:
        What was given up to keep within the output's budget, a sentence each; mostly nothing.

    Raises:
        InputError: The suffix stands for no format.
        GdsimError: The file cannot be written, or is larger than the budget allows whatever is given up.
    """
    output = output or Output()
    found = find_format(path.suffix)
    if found is not None and found.kind == "page":
        write_player(scene, path, provenance=provenance, loop=output.loop == "forever")
        return ()
    return write_within_limit(scene, path, output=output, provenance=provenance, drawn=drawn, progress=progress)
