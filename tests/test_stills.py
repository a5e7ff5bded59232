"""Frames compared with those that were looked at and approved; run as a script, this file records them anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gdsim
from gdsim.config import Animation, View
from gdsim.scene.build import build_scene
from gdsim.scene.model import Scene
from tests import networks_made as made

CONFIGS = Path(__file__).parent.parent / "configs"
STILLS = Path(__file__).parent / "stills"
SMALL, FULL = "view.size=[480, 270]", "view.size=[1280, 720]"
TILE, BOUND = 16, 1.5


def shipped(name: str, *overrides: str) -> Scene:
    experiment = gdsim.load(CONFIGS / f"{name}.yaml", overrides=[*overrides, "animation.seconds=2"])
    return build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)


def trained() -> Scene:
    """Curves, heat maps and images of a network's training."""
    view = View(panels=["loss", "layers", "saliency"], size=[640, 360])
    return build_scene(made.trained(("SGD", "Adam")), view=view, animation=Animation(seconds=2))


def imagined() -> Scene:
    """Images that are descended themselves."""
    view = View(panels=["score", "saliency"], size=[480, 270])
    return build_scene(made.imagined(), view=view, animation=Animation(seconds=2))


SCENES: dict[str, Callable[[], Scene]] = {
    **{
        name: lambda name=name: shipped(name, SMALL)
        for name in (
            "quickstart",
            "function_sine",
            "view_heat",
            "view_surface",
            "view_streamlines",
            "compare_side_by_side",
            "compare_matrix",
            "view_orbit",
        )
    },
    "function_cubic": lambda: shipped("function_cubic", FULL),
    "compare_rosenbrock": lambda: shipped("compare_rosenbrock", FULL),
    "trained": trained,
    "imagined": imagined,
}


def drawn(name: str) -> list[np.ndarray]:
    """The frame in the middle above the last one."""
    frames = gdsim.frames(SCENES[name]())
    return [frame for index, frame in enumerate(frames) if index in (len(frames) // 2, len(frames) - 1)]


@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_frames_are_those_that_were_approved(name):
    with Image.open(STILLS / f"{name}.webp") as image:
        approved = np.asarray(image.convert("RGB")).astype(int)
    shown = np.concatenate(drawn(name)).astype(int)
    assert shown.shape == approved.shape
    # Other builds of FreeType may set type a little differently. Tile by tile, because the mean of a whole frame
    # hides a missing arrow.
    apart = np.abs(shown - approved).max(-1)
    apart = np.pad(apart, [(0, -side % TILE) for side in apart.shape])
    tiles = apart.reshape(len(apart) // TILE, TILE, -1, TILE).mean((1, 3))
    assert tiles.max() < BOUND


if __name__ == "__main__":
    for name in SCENES:
        Image.fromarray(np.concatenate(drawn(name))).save(STILLS / f"{name}.webp", lossless=True, quality=100)
