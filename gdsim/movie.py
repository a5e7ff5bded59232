"""Movie, the result of `animate`: displays itself in notebooks, saves to any format."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from io import BytesIO
from os import PathLike
from pathlib import Path

from PIL import Image

from gdsim.config import Experiment, Output
from gdsim.encode import Progress, find_format
from gdsim.encode.size_limit import write_within_limit
from gdsim.metadata import Provenance, versions
from gdsim.render import Frames, frames
from gdsim.scene.model import Scene
from gdsim.web.embed import player_frame
from gdsim.web.player import page, write_player


@dataclass(frozen=True, eq=False, repr=False)
class Movie:
    """An animation that displays itself as the value of a notebook's cell, and saves itself in any format.

    Args:
        scene: What is drawn.
        provenance: How it was made, which is written into every file.
        output: How files are written.
    """

    scene: Scene
    provenance: Provenance
    output: Output

    def save(self, path: str | PathLike[str], *, progress: Progress = iter) -> Path:
        """Write the animation; for .html a page that plays it, and for .png, .svg and .pdf its last frame.

        If quality was reduced to keep within the size limit of the output, a warning is logged.

        Args:
            path: Where to write; its suffix decides the format.
            progress: Wraps the iterable of frames, as `tqdm.tqdm` does.

        Returns:
            The path.

        Raises:
            InputError: The suffix is unknown.
            GdsimError: The file cannot be written, or is too large at any quality.
        """
        target = Path(path)
        for note in save_scene(self.scene, target, output=self.output, provenance=self.provenance, progress=progress):
            logging.getLogger(__name__).warning("%s: %s", target, note)
        return target

    def __repr__(self) -> str:
        return f"<Movie: {self.scene.alt_text}>"

    def _repr_mimebundle_(
        self, include: Collection[str] | None = None, exclude: Collection[str] | None = None
    ) -> dict[str, str | bytes]:
        """Return the player, the last frame for where no page can be shown, and a description."""
        makers: dict[str, Callable[[], str | bytes]] = {
            "text/html": self._player,
            "image/png": self._poster,
            "text/plain": lambda: self.scene.alt_text,
        }
        wanted = set(makers if include is None else include) - set(exclude or ())
        return {kind: make() for kind, make in makers.items() if kind in wanted}

    def _player(self) -> str:
        """Return the player in an iframe, which isolates its style and its keys."""
        player = page(self.scene, self.provenance, self.output.loop == "forever")
        frame = player_frame(self.scene.size, title=self.scene.name, srcdoc=player)
        # ASCII, because a host that misreads the encoding would change the script, whose hash its policy has.
        return frame.encode("ascii", "xmlcharrefreplace").decode("ascii")

    def _poster(self) -> bytes:
        image = BytesIO()
        Image.fromarray(frames(self.scene).poster()).save(image, "PNG")
        return image.getvalue()


def make_provenance(scene: Scene, experiment: Experiment | None = None) -> Provenance:
    """Return how a scene was made, from an experiment or from trajectories alone."""
    return Provenance(
        title=scene.name,
        alt_text=scene.alt_text,
        yaml="" if experiment is None else experiment.yaml,
        seed=None if experiment is None else experiment.seed,
        versions=versions(),
        caption=scene.caption,
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
    """Draw a scene into a file, or write the page that plays it.

    The other arguments are those of `Movie` and `Movie.save`; `drawn` are the scene's frames, if they exist already.

    Returns:
        How quality was reduced to keep within the output's size limit, one sentence each; mostly nothing.

    Raises:
        InputError: The suffix is unknown.
        GdsimError: The file cannot be written, or is too large at any quality.
    """
    output, format_ = output or Output(), find_format(path.suffix)
    if format_ and format_.kind == "page":
        write_player(scene, path, provenance=provenance, loop=output.loop == "forever")
        return ()
    return write_within_limit(scene, path, output=output, provenance=provenance, drawn=drawn, progress=progress)
