"""A few pictures, held to those that were looked at and found good; run as a script, this file draws them anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gdsim

CONFIGS = Path(__file__).parent.parent / "configs"
STILLS = Path(__file__).parent / "stills"
NAMES = ["quickstart", "cubic", "sine", "heat", "surface", "streamlines", "side_by_side", "matrix"]
TILE = 16


def draw(name: str) -> np.ndarray:
    experiment = gdsim.load(CONFIGS / f"{name}.yaml", overrides=["view.size=[480, 270]"])
    scene = gdsim.build_scene(gdsim.simulate(experiment), view=experiment.view, animation=experiment.animation)
    return gdsim.frames(scene).poster()


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_picture_is_the_one_that_was_approved(name):
    with Image.open(STILLS / f"{name}.png") as image:
        approved = np.asarray(image.convert("RGB")).astype(int)
    drawn = draw(name).astype(int)
    # Type may be set a little differently by another version of FreeType; what is drawn may not. Tile by tile, for
    # over a whole page nobody would miss an arrow.
    apart = np.abs(drawn - approved).max(-1)[: 270 // TILE * TILE]
    tiles = apart.reshape(-1, TILE, 480 // TILE, TILE).mean((1, 3))
    assert tiles.max() < 20


if __name__ == "__main__":
    for name in NAMES:
        Image.fromarray(draw(name)).save(STILLS / f"{name}.png", optimize=True)
