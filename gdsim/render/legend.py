"""The legend: the paths by name, and what the other signs mean."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gdsim.render.layout import Box
from gdsim.render.still import Still, arrow_shapes
from gdsim.scene import Path, Scene

__all__ = ["draw_legend"]


def draw_legend(still: Still, scene: Scene) -> None:
    """Name the paths, each with its settings under or beside it, and below them what the other signs mean."""
    em, box, paths = still.layout.em, still.layout.legend, scene.paths
    if box is None:
        return
    if box.height < 2 * em:
        _draw_line(still, paths, box)
        return
    room = box.height - 2 * em
    pitch = (2.95 if len(paths) * 2.95 * em <= room else 1.55) * em
    shown = paths if len(paths) * pitch <= room else paths[: max(int(room // pitch) - 1, 0)]
    y = box.top - 0.8 * em
    for path in shown:
        _draw_entry(still, path, box, y, under=pitch > 2 * em)
        y -= pitch
    if len(shown) < len(paths):
        words = f"and {len(paths) - len(shown)} more"
        still.text(box.x + 3.4 * em, y, words, color=still.theme.quiet, va="center_baseline")
        y -= pitch
    _draw_key(still, scene, box, y - 0.3 * em)


def _draw_entry(still: Still, path: Path, box: Box, y: float, *, under: bool) -> None:
    em = still.layout.em
    still.sign([box.x, box.x + 2.7 * em], y, color=path.color, dash=path.dash)
    still.sign([box.x + 2.35 * em], y, color=path.color, marker=path.marker)
    x, room = box.x + 3.4 * em, box.width - 3.4 * em
    label = still.shortened(path.label, 1.05, room, bold=True)
    still.text(x, y, label, size=1.05, fontweight="bold", va="center_baseline")
    if under:
        y -= 1.3 * em
    else:
        x += still.width_of(label, 1.05, bold=True) + 0.8 * em
    settings = still.shortened(path.settings, 1.0, box.right - x)
    still.text(x, y, settings, color=still.theme.quiet, va="center_baseline")


def _draw_key(still: Still, scene: Scene, box: Box, y: float) -> None:
    """What ring, star and arrow mean, in one line; those that the picture does not show are left out."""
    em, theme = still.layout.em, still.theme
    signs = [
        ("o", "start", True),
        ("*", "minimum", len(scene.minima) > 0),
        ("", "gradient", scene.arrows is not None and scene.arrows.lengths.any()),
    ]
    x = box.x + 0.6 * em
    for marker, words, shown in signs:
        width = still.width_of(words, 1.0)
        if not shown or x + em + width > box.right:
            continue
        if marker:
            color = "none" if marker == "o" else theme.minimum
            still.sign([x], y, color=color, marker=marker, edge=theme.text)
        else:
            shape = arrow_shapes(np.array([[x, y]]), np.array([[1.0, 0.7]]), np.array([1.5 * em]), 0.1 * em)
            still.polygons(still.figure, shape)
        still.text(x + em, y, words, color=theme.quiet, va="center_baseline")
        x += width + 2.6 * em


def _draw_line(still: Still, paths: Sequence[Path], box: Box) -> None:
    em, x = still.layout.em, box.x
    for path in paths:
        label = still.shortened(path.label, 1.0, min(box.width, 12 * em))
        width = 1.2 * em + still.width_of(label, 1.0)
        if x + width > box.right:
            break
        still.sign([x + 0.45 * em], box.y + 0.7 * em, color=path.color, marker=path.marker)
        still.text(x + 1.2 * em, box.y + 0.7 * em, label, va="center_baseline")
        x += width + em
