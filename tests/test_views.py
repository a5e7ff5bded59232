"""Signs, colours and names of the static picture, read back from vectors and pixels."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_rgb

import gdsim
from gdsim.config import View
from gdsim.scene.build import build_scene, preview_scene
from tests.vectors import VectorPicture

SETTINGS = [
    ("SGD", {"lr": 0.003}),
    ("SGD", {"lr": 0.006, "momentum": 0.5}),
    ("Adam", {"lr": 0.1}),
    ("RMSprop", {"lr": 0.02}),
]
LABELS = ["One", "Two", "Three", "Four"]


def rgb(color: str) -> list[int]:
    return [round(255 * part) for part in to_rgb(color)]


def race(objective, count=3, start=None, **view):
    objective = gdsim.objective(objective)
    paths = [
        gdsim.descend(
            objective, name, start=objective.start if start is None else start, steps=25, label=label, **given
        )
        for label, (name, given) in zip(LABELS[:count], SETTINGS, strict=False)
    ]
    return paths, build_scene(paths, view=View(**view))


def arrow(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tail and the tip of an arrow of seven corners."""
    return (corners[0] + corners[6]) / 2, corners[3]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("arrows_at", ["axis", "curve"])
def test_arrows_of_a_derivative_have_the_colour_of_its_sign(arrows_at, theme, tmp_path):
    wave = gdsim.objective("sin(x)", bounds=[0, 6.2832])
    scene = preview_scene(wave, view=View(size=[640, 360], arrows_at=arrows_at, theme=theme))
    picture = VectorPicture(gdsim.frames(scene), tmp_path / "wave.svg")
    (key,) = (words for words in picture.words if words.text == "gradient")
    drawn = {"in the view": set(), "in the key": set()}
    for shape in picture.shapes:
        if shape.fill not in (scene.theme.rising, scene.theme.falling) or len(shape.corners) != 7:
            continue
        tail, tip = arrow(shape.corners)
        rises = tip[0] > tail[0]
        assert shape.fill == (scene.theme.rising if rises else scene.theme.falling)
        if tail[1] > key.y - 20:
            drawn["in the key"].add(rises)
            continue
        x = picture.data((tail + tip) / 2 if arrows_at == "axis" else tail, scene.facets[0].limits)[0]
        assert rises == (np.cos(x) > 0)
        drawn["in the view"].add(rises)
    assert drawn == {"in the view": {True, False}, "in the key": {True, False}}


def test_stream_lines_run_uphill(tmp_path):
    valley = gdsim.objective("himmelblau")
    scene = preview_scene(valley, view=View(size=[640, 360], arrows="stream"))
    picture = VectorPicture(gdsim.frames(scene), tmp_path / "stream.svg")
    heads = [shape.corners for shape in picture.shapes if shape.fill == scene.theme.arrow and len(shape.corners) == 3]
    assert len(heads) > 20
    for corners in heads:
        # The tip is the corner on the two long sides.
        sides = np.linalg.norm(corners - np.roll(corners, -1, axis=0), axis=1)
        tip = corners[(sides.argmin() + 2) % 3]
        base = (corners.sum(0) - tip) / 2
        (x, y), (ahead_x, ahead_y) = picture.data(np.stack([base, tip]), scene.facets[0].limits)
        slope = [4 * x * (x**2 + y - 11) + 2 * (x + y**2 - 7), 2 * (x**2 + y - 11) + 4 * y * (x + y**2 - 7)]
        assert (ahead_x - x) * slope[0] + (ahead_y - y) * slope[1] > 0


LEGENDS = {
    "beside": {"size": [1280, 720]},
    "beside, without settings": {"size": [640, 360], "panels": []},
    "under": {"size": [720, 1280]},
    "above the facets": {"size": [1280, 720], "layout": "grid"},
    "above small facets": {"size": [480, 270], "layout": "grid", "panels": []},
    "in one line": {"size": [240, 136]},
    "narrow": {"size": [320, 180]},
    "narrow and high": {"size": [300, 500], "panels": []},
    "dark": {"size": [640, 360], "theme": "dark"},
}


@pytest.mark.parametrize("name", LEGENDS)
def test_the_sign_beside_a_name_has_the_colour_of_the_path(name, tmp_path):
    _, scene = race("himmelblau", 4, **LEGENDS[name])
    frames = gdsim.frames(scene)
    # The first frame, because no path reaches into a name there.
    picture, frame = VectorPicture(frames, tmp_path / "legend.svg"), next(iter(frames))
    assert named(picture, frame, scene) == LABELS


def test_the_signs_of_several_objectives_are_those_of_the_paths(tmp_path):
    valleys = [gdsim.objective(name) for name in ("himmelblau", "sphere")]
    paths = [
        gdsim.descend(valley, "SGD", start=[1.0, 1.0], steps=5, lr=0.001 * (i + 1), label=label)
        for valley in valleys
        for i, label in enumerate(LABELS[:3])
    ]
    scene = build_scene(paths, view=View(size=[1280, 720]))
    frames = gdsim.frames(scene)
    picture = VectorPicture(frames, tmp_path / "legend.svg")
    assert named(picture, next(iter(frames)), scene) == LABELS[:3]


def named(picture, frame, scene) -> list[str]:
    """The names written in a picture, each of which has its own colour alone at its left."""
    em, found = max(0.0232 * min(scene.size) * scene.theme.type, 8.0), []
    colors = {style.label: rgb(style.color) for style in scene.styles}
    for words in picture.words:
        if words.text not in colors:
            continue
        left, right, middle = words.x - 1.6 * em, words.x - 0.2 * em, words.y - 0.36 * em
        beside = frame[int(middle - 0.6 * em) : int(middle + 0.6 * em), max(int(left), 0) : int(right)].reshape(-1, 3)
        seen = {label: int((beside == color).all(-1).sum()) for label, color in colors.items()}
        assert seen.pop(words.text) >= 4
        assert not any(seen.values())
        found.append(words.text)
    return found


@pytest.mark.parametrize("theme", ["light", "slide"])
@pytest.mark.parametrize("view", [{}, {"layout": "grid"}, {"panels": ["loss"]}])
def test_each_path_is_drawn_in_the_next_colour_of_the_theme(view, theme, tmp_path):
    paths, scene = race("himmelblau", 3, size=[960, 540], theme=theme, **view)
    picture = VectorPicture(gdsim.frames(scene), tmp_path / "paths.svg")
    colors = scene.theme.paths[:3]
    assert len(set(colors)) == 3
    for place, (path, color) in enumerate(zip(paths, colors, strict=True)):
        index = 1 + place if view.get("layout") == "grid" else 1
        strokes = [shape.corners for shape in picture.shapes if shape.stroke == color]
        # Iterates that are less than a third of a pixel from each other share a corner.
        ways = [picture.data(way, scene.facets[0].limits, index) for way in strokes if len(way)]
        near = [np.abs(way[:, None] - path.points[None, :, 0]).sum(-1).min(0).max() < 0.2 for way in ways]
        assert any(near)  # one line per width of the path, which may be beside another path
