"""Write a scene as a self-contained web page with playback controls and the figures of each iterate.

A page has the display list of the scene as JSON, with arrays as base64, from which `picture.js` draws frames.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gdsim.encode.sequence import CALM, STRESSED
from gdsim.files import atomic_write
from gdsim.interrupts import pause
from gdsim.metadata import Provenance
from gdsim.objectives import FloatArray
from gdsim.render import Frames, frames
from gdsim.render.display_list import (
    SHADOW,
    SHADOW_ALPHA,
    Cursor,
    DropLines,
    EventMarks,
    HeadArrows,
    HeadOutlines,
    Layer,
    Lines,
    PathLabel,
    Tangents,
    ZoomTicks,
    iterate_stride,
)
from gdsim.render.header import Counter, Reading
from gdsim.render.images import ImageFrames, MapImage, RevealedImage, SpriteSheet, ZoomedImage
from gdsim.render.milestones import ShownMilestone
from gdsim.render.painter import OUTLINE_FILL, marker_outline, only
from gdsim.render.trail import INVISIBLE, Trail, TrailStyle
from gdsim.scene.model import CellRuns, Facet, Scene, Style
from gdsim.scene.panels.images import ImageGrid
from gdsim.scene.views.image import ImageSequence
from gdsim.scene.views.surface import SurfaceModel
from gdsim.web import PICTURE_SCRIPTS, asset, csp_hash, image_uri, render
from gdsim.web.cells import encoded_runs, map_cells, zoom_cells
from gdsim.web.encoding import encoded, fields, packed

FINEST = 3840  # maximum width in pixels of background and sprites at two dots per pixel; larger pictures have one
MOST_VERTICES, MOST_CELLS = 400_000, 1_500_000  # of trails and of images in a drawing; beyond them, some are omitted
UNIT, MISSING = 1 / 8, -(2**31)  # of the vertices of lines, in pixels, and what stands for none
FARTHEST = 1e4  # maximum distance between vertices, in pixels, that is tried to satisfy the first limit
QUALITY = 80  # WebP quality of the background image
PHONE = "(max-width: 30rem) and (orientation: portrait)"  # the windows in which the picture has a portrait arrangement
PHONE_WIDTH, PHONE_HEIGHTS = 800, (1200, 1600)
"""The size in pixels of a portrait arrangement, at two per CSS pixel; the second height is for three parts or more."""

PHONE_TYPE, SMALLEST_TYPE = 1.27, 11.0
"""The minimum factor on font sizes in a portrait arrangement, and the font size in CSS pixels from which none is needed
in a window of 400."""

SAID = re.compile(r'\bsay\("([^"]+)"')  # the templates in scripts
LONG_VALUE = re.compile(r'"[\w:;,+/=]{100,}"', re.ASCII)  # as in player.js


def write_player(
    scene: Scene, path: str | PathLike[str], *, provenance: Provenance | None = None, loop: bool = True
) -> Path:
    """Write the page and return its path; create missing folders; raise GdsimError if the file cannot be written."""
    target, text = Path(path), page(scene, provenance, loop)
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return target


def page(scene: Scene, provenance: Provenance | None = None, loop: bool = True) -> str:
    """Return the page as HTML: a single file that loads no others and works in an iframe."""
    fixed = with_fixed_camera(scene)
    cell_runs = None if scene.cell_runs is None else scene.cell_runs()
    drawing = _drawing(fixed, cell_runs)
    drawing_json, phone, phone_json = _json(drawing.data), None, ""
    if drawing.em * PHONE_WIDTH / 2 < SMALLEST_TYPE * scene.size[0]:
        phone = _drawing(_portrait(fixed), cell_runs, 1)
        phone_json = _json(phone.data)
        # Most long values are the same in both.
        for index, value in enumerate(LONG_VALUE.findall(drawing_json)):
            phone_json = phone_json.replace(value, f'{{"same":{index}}}')
    script = _compact(asset(*PICTURE_SCRIPTS, "player.js"))
    width, height = scene.size
    style = f":root {{ --ratio: {width / height:.6g}; --ground: {scene.theme.page}; }}\n"
    style += _compact(asset("player.css", "pointing.css"))
    if phone is not None:
        full = "#player { width: calc(100% - 2 * var(--pad)); } #picture { width: 100%; }"
        style += f"\n@media {PHONE} {{ :root {{ --ratio: {phone.size[0] / phone.size[1]:.6g}; }} {full} }}"
    say = scene.say
    words = {each: say.templates[each] for each in SAID.findall(script) if each in say.templates}
    versions = {} if provenance is None else provenance.versions
    return render(
        "player.html",
        scene=scene,
        drawing=drawing,
        drawing_json=drawing_json,
        phone=phone,
        cell_runs=cell_runs,
        phone_json=phone_json,
        phone_query=PHONE,
        quoted=quoted,
        say=say,
        words_json=_json(words),
        title=scene.name,
        generator=f"gdsim {versions.get('gdsim', '')}".strip(),
        loops=loop,
        chips=_chips(scene),
        notes=notes(scene, cell_runs),
        columns=_columns(scene, drawing.data["layers"]),
        provenance=provenance,
        versions=" · ".join(f"{name} {version}" for name, version in versions.items()) or "gdsim",
        style=style,
        style_hash=csp_hash(style),
        script=script,
        script_hash=csp_hash(script),
    )


def _compact(text: str) -> str:
    """Remove comments, blank lines, indentation, and imports of what is in the same element."""
    return re.sub(r"(?m)^(?: *(?://|/\*)|import ).*\n|\n(?=\n)|^ +", "", text)


def _drawing(scene: Scene, cell_runs: CellRuns | None = None, scale: int = 2) -> Drawing:
    drawn = frames(scene)
    with drawn.settings():
        drawing = Drawing(drawn, scale)
    drawing.data["runs"] = None if cell_runs is None else drawing.runs(cell_runs)
    return drawing


def with_fixed_camera(scene: Scene) -> Scene:
    """Return a scene whose camera remains where it is at the end."""

    def fixed(facet: Facet) -> Facet:
        if not isinstance(facet.model, SurfaceModel):
            return facet
        camera = replace(facet.model.camera, azimuth=facet.model.camera.azimuth_at(1.0), orbit=0.0)
        return replace(facet, model=replace(facet.model, camera=camera))

    return replace(scene, groups=tuple(replace(each, facets=tuple(map(fixed, each.facets))) for each in scene.groups))


def _portrait(scene: Scene) -> Scene:
    """Return the same scene in a portrait picture with large type."""
    parts = len(scene.facets) + sum(len(group.panels) for group in scene.groups)
    theme = replace(scene.theme, type=max(scene.theme.type, PHONE_TYPE))
    return replace(scene, size=(PHONE_WIDTH, PHONE_HEIGHTS[parts > 2]), theme=theme)


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False)


def notes(scene: Scene, cell_runs: CellRuns | None = None) -> tuple[str, ...]:
    """Return what the page omits of a scene, one sentence each."""
    found = []
    if cell_runs is not None:
        counts = {"n": len(cell_runs.places[0]), "m": len(cell_runs.places[1])}
        found.append(scene.say("The page contains the runs of {n} × {m} cells, evenly spaced.", **counts))
    if scene.turns:
        found.append(scene.say("The page shows the surface as the camera sees it at the end; here it does not turn."))
    if iterate_stride(scene) > 1:
        found.append(scene.say("The page contains the figures of one in {n} steps.", n=iterate_stride(scene)))
    if image_stride(scene) > 1:
        found.append(scene.say("The page contains one in {n} of the small images.", n=image_stride(scene)))
    return tuple(found)


def quoted(text: str) -> str:
    """Escape JSON for a script element, so that it cannot end the element or begin another."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _chips(scene: Scene) -> list[dict[str, Any]]:
    """Return the buttons of the optimizers; of a sweep, only of what has paths."""
    drawn = [path.style for facet in scene.facets for path in facet.paths]
    is_map = any(facet.model.kind == "map" for facet in scene.facets)
    shown = (each for each in enumerate(scene.styles) if not is_map or each[1] in drawn)
    return [{"optimizer": index, **_chip(style)} for index, style in shown]


def _chip(style: Style) -> dict[str, str]:
    """Return the button of an optimizer: its label, and a short piece of its path with a head."""
    corners = marker_outline(style.marker) * 11 + [28, 8]
    return {
        "label": style.label,
        "about": " · ".join(filter(None, [style.label, style.settings, style.aside])),
        "color": style.color,
        "dash": " ".join(f"{3 * part:g}" for part in style.dash),
        "head": " ".join(f"{x:.2f},{y:.2f}" for x, y in corners),
    }


def _columns(scene: Scene, layers: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the column names of the table of figures; empty if there is no table."""
    say = scene.say
    if scene.figures:
        return say("optimizer"), *(name for name, _ in scene.figures)
    terms = [layer["terms"] for layer in layers if layer["iterates"]]
    if not terms:
        return ()
    points, values, gradients = map(set, zip(*terms, strict=True))
    plane = say("spot on the plane")
    point = say("point") if plane not in points else plane if len(points) == 1 else say("point, or spot on the plane")
    value = values.pop() if len(values) == 1 else say("value")
    return say("optimizer"), point, value, gradients.pop() if len(gradients) == 1 else say("gradient")


class Drawing:
    """The frames of a scene whose camera does not turn, as data for JSON.

    Sprites and background have `scale` dots per pixel, and trails at one an eighth of the vertices.

    Attributes:
        background: The constant part of the picture, as a data URI.
        apart: The distance between two vertices of a trail, in pixels.
        size: The width and the height, in pixels.
        em: The font size, in pixels.
    """

    def __init__(self, frames: Frames, scale: int = 2) -> None:
        self._frames, self._height, scene = frames, frames.size[1], frames.scene
        self.size, self.em = scene.size, frames.canvas.em
        self._sheet = SpriteSheet(frames.canvas, scale if scale * scene.size[0] <= FINEST else 1)
        self._stride, self._image_stride = iterate_stride(scene), image_stride(scene)
        trails = [trail for layer in frames.layers for trail in only(layer.primitives, Trail)]
        most = MOST_VERTICES * scale**3 // 8 // max(1, sum(trail.points.shape[1] for trail in trails))
        aparts = {id(trail): _apart(trail, most) for trail in trails}
        self._vertices = {id(trail): trail.vertices(aparts[id(trail)]) for trail in trails}
        self.apart = max(aparts.values(), default=INVISIBLE)
        self.background = image_uri(frames.web_background(self._sheet.scale), quality=QUALITY, method=4)
        theme = scene.theme
        markers = ["o", *(trail.style.marker for trail in trails)]
        markers += [lines.style.marker for layer in frames.layers for lines in only(layer.primitives, Lines)]
        markers += [marks.marker for layer in frames.layers for marks in only(layer.primitives, EventMarks)]
        self.data: dict[str, Any] = {
            "size": scene.size,
            "steps": scene.steps,
            "frames": encoded(scene.frame_steps),
            "fps": scene.fps,
            "hold": scene.hold,
            "colors": {"text": theme.text, "casing": theme.casing, "quiet": theme.quiet, "page": theme.page},
            "optimizers": [{"label": style.label, "color": style.color} for style in scene.styles],
            "groups": [group.name for group in scene.groups],
            "markers": {marker: marker_outline(marker).round(4).tolist() for marker in dict.fromkeys(markers)},
            "layers": [self._layer(layer) for layer in frames.layers],
            "milestones": [self._milestone(each) for each in frames.milestones.shown],
            "counter": self._counter(),
            "readings": self._readings(),
            "figures": [{"name": name, "values": encoded(values, "f8")} for name, values in scene.figures],
            "runs": None,
            "stressed": self._stressed(),
            "scale": self._sheet.scale,
            "sheet": image_uri(self._sheet.pixels(), lossless=True),
        }

    def runs(self, cell_runs: CellRuns) -> dict[str, Any]:
        """Return the runs of cells of the maps, which take long to compute, with the box of each map's runs.

        They are instead in a picture of their own if there is one.
        """
        maps = [layer for layer in self._frames.layers if only(layer.primitives, MapImage)]
        beside = [layer for layer in self._frames.layers if layer.group == len(self._frames.scene.groups) - 1]
        places = {"map": maps, "paths": [beside[self._number(each)] for each in maps], "picture": []}[cell_runs.view]
        runs = encoded_runs(cell_runs) | {"boxes": [self._box(each) for each in places], "picture": None}
        if cell_runs.picture is not None:
            own = _drawing(cell_runs.picture)
            box = own.data["layers"][0]["box"]
            runs["picture"] = {"background": own.background, "size": own.size, "box": box}
        return runs

    def _number(self, layer: Layer) -> int:
        """Return the index of a layer among the views of its group."""
        facets = self._frames.scene.groups[layer.group].facets
        return next(index for index, each in enumerate(facets) if each is layer.facet)

    def _layer(self, layer: Layer) -> dict[str, Any]:
        pause()
        primitives, facet = layer.primitives, layer.facet
        trails = only(primitives, Trail)
        index = {id(trail): i for i, trail in enumerate(trails)}
        cursors = [fields(cursor, "times places") for cursor in only(primitives, Cursor)]
        return {
            "box": self._box(layer),
            "group": layer.group,
            "terms": () if facet is None else facet.terms,
            "cursor": cursors[0] if cursors else None,
            "trails": [self._trail(trail) for trail in trails],
            "drops": [self._drops(each, index) for each in only(primitives, DropLines)],
            "tangents": [self._tangents(each, index) for each in only(primitives, Tangents)],
            "outlines": [self._outlines(each, index) for each in only(primitives, HeadOutlines)],
            "arrows": [self._arrows(each, index) for each in only(primitives, HeadArrows)],
            "events": [self._events(each) for each in only(primitives, EventMarks)],
            "labels": [self._label(each) for each in only(primitives, PathLabel)],
            "images": [self._images(each) for each in only(primitives, ImageFrames)],
            "heatmaps": [self._heatmap(each) for each in only(primitives, RevealedImage)],
            "maps": [map_cells(each, layer) | {"number": self._number(layer)} for each in only(primitives, MapImage)],
            "zooms": [zoom_cells(each, layer) for each in only(primitives, ZoomedImage)],
            "lines": [self._lines(each) for each in only(primitives, Lines)],
            "ticks": [self._ticks(each) for each in only(primitives, ZoomTicks)],
            "iterates": [] if facet is None else self._iterates(facet, trails),
        }

    def _trail(self, trail: Trail) -> dict[str, Any]:
        chosen, style = self._vertices[id(trail)], trail.style
        return fields(trail, "optimizer overlap commit_times fade_bands fade") | {
            "fan": [trail.fan[0], -trail.fan[1]],
            "style": _look(style) | {"hiddenAlpha": style.alpha * style.hidden_alpha},
            "starts": trail.points.shape[1],
            "times": encoded(trail.times[chosen]),
            "points": encoded(self._down(trail.points[chosen].transpose(1, 0, 2))),
            "bands": None if style.taper == 1 or trail.fade_bands else encoded(trail.bands[chosen].T),
            "dotted": encoded(trail.dotted[chosen].T.astype(np.uint8)) if style.dot_size else None,
            "openings": None if trail.openings is None else encoded(np.rint(255 * trail.openings).astype(np.uint8)),
            "hidden": None if trail.hidden is None else encoded(trail.hidden[chosen].T.astype(np.uint8)),
        }

    def _drops(self, drops: DropLines, index: dict[int, int]) -> dict[str, Any]:
        ends = {"trail": index[id(drops.trail)], "foot": index[id(drops.foot)]}
        return ends | fields(drops, "width alpha dash rings") | {"shadow": SHADOW, "shadowAlpha": SHADOW_ALPHA}

    def _tangents(self, tangents: Tangents, index: dict[int, int]) -> dict[str, Any]:
        return fields(tangents, "reach width") | {
            "trail": index[id(tangents.trail)],
            "slopes": encoded(-tangents.slopes[self._vertices[id(tangents.trail)]].T),
        }

    def _outlines(self, outlines: HeadOutlines, index: dict[int, int]) -> dict[str, Any]:
        return fields(outlines, "steps width stamps") | {
            "trail": index[id(outlines.trail)],
            "matrices": encoded(outlines.matrices * [[1.0], [-1.0]]),
            "shape": outlines.shape.round(4).tolist(),
            "fill": OUTLINE_FILL,
        }

    def _arrows(self, arrows: HeadArrows, index: dict[int, int]) -> dict[str, Any]:
        return fields(arrows, "steps shortest stamps") | {
            "trail": index[id(arrows.trail)],
            "vectors": encoded(arrows.vectors * [1.0, -1.0]),
            "styles": [fields(style, "color edge edge_width width factor") for style in arrows.styles],
        }

    def _events(self, marks: EventMarks) -> dict[str, Any]:
        return fields(marks, "optimizer marker size edge color casing times") | {
            "points": encoded(self._down(marks.points)),
            "text": None if marks.text is None else self._sheet.draw(marks.text.draw),
        }

    def _label(self, label: PathLabel) -> dict[str, Any]:
        label.text.set_alpha(1.0)
        return fields(label, "optimizer begin end") | {"text": self._sheet.draw(label.text.draw)}

    def _images(self, images: ImageFrames) -> dict[str, Any]:
        count = len(images.cells)
        kept = np.unique(np.append(np.arange(0, count, self._image_stride), count - 1))
        return fields(images, "optimizer palette") | {
            "box": images.rect.box,
            "shape": images.cells.shape[:0:-1],
            "steps": encoded(images.steps[kept]),
            "cells": encoded(images.cells[kept]),
        }

    def _heatmap(self, image: RevealedImage) -> dict[str, Any]:
        opaque = np.where(image.cells == len(image.palette) - 1, 0, 255)[..., None]
        pixels = np.concatenate([np.where(opaque, image.palette[image.cells], 0), opaque], -1).astype(np.uint8)
        return fields(image, "optimizer reach end") | {"box": image.rect.box, "sprite": self._sheet.add(pixels)}

    def _box(self, layer: Layer) -> list[float]:
        box = layer.viewport.box
        return [box.x, self._height - box.top, box.width, box.height]

    def _ticks(self, ticks: ZoomTicks) -> dict[str, Any]:
        center, offsets, bounds = float(ticks.center[ticks.axis]), ticks.offsets, ticks.bounds
        if ticks.axis == 1:
            center, offsets, bounds = self._height - center, -offsets, self._height - bounds[::-1]
        return fields(ticks, "axis begins") | {
            "center": center,
            "offsets": encoded(offsets),
            "bounds": bounds.tolist(),
            "ends": encoded(np.minimum(ticks.ends, self._frames.scene.steps + 1)),
            "sprites": [self._sheet.draw(text.draw) for text in ticks.texts],
        }

    def _lines(self, lines: Lines) -> dict[str, Any]:
        return fields(lines, "optimizer times fill") | {
            "style": _look(lines.style),
            "shape": lines.points.shape[:2],
            # Differences from row to row: what moves together, or rests, takes hardly any room.
            "moves": packed(np.diff(_units(self._down(lines.points)), axis=0, prepend=np.int32(0)), "<i4"),
            "unit": UNIT,
        }

    def _iterates(self, facet: Facet, trails: Sequence[Trail]) -> list[dict[str, Any]]:
        """Return the recorded numbers at every `iterate_stride`-th iterate of each path."""
        found = []
        for i, trail in enumerate(trails):
            if trail.path is None:
                continue
            path = facet.paths[trail.path]
            steps = np.unique(np.append(np.arange(0, len(path.values), self._stride), len(path.values) - 1))
            points = path.points[np.searchsorted(path.times, steps)][..., : path.gradients.shape[-1]]
            numbers = {"points": points, "values": path.values[steps], "gradients": path.gradients[steps]}
            exact = {name: packed(values, "<f8") for name, values in numbers.items()}
            found.append({"trail": i, "steps": encoded(steps), "ends": path.ends.tolist(), **exact})
        return found

    def _milestone(self, milestone: ShownMilestone) -> dict[str, Any]:
        return fields(milestone, "begin end optimizer") | {"sprite": self._sheet.draw(milestone.text.draw)}

    def _counter(self) -> dict[str, Any] | None:
        counter = self._frames.counter
        if not isinstance(counter, Counter):
            return None
        digits = [self._sheet.draw(partial(counter.draw, time=digit)) for digit in range(10)]
        return {"pitch": counter.pitch, "digits": digits}

    def _readings(self) -> list[dict[str, Any]]:
        counter = self._frames.counter
        if not isinstance(counter, Reading):
            return []
        texts = enumerate(self._frames.scene.readings)
        return [{"text": text, "sprite": self._sheet.draw(partial(counter.draw, time=time))} for time, text in texts]

    def _stressed(self) -> dict[str, Any] | None:
        """Return the name of the best path on a pill, and the shares of the hold between which it is shown."""
        if not self._frames.best_names:
            return None
        shares = {"begin": CALM, "end": CALM + STRESSED}
        return {"optimizer": self._frames.scene.best, "sprite": self._sheet.draw(self._frames.draw_pills), **shares}

    def _down(self, points: FloatArray) -> FloatArray:
        """Convert points (…, 2) between an origin at the lower left corner and one at the upper left."""
        return np.stack([points[..., 0], self._height - points[..., 1]], -1)


def _look(style: TrailStyle) -> dict[str, Any]:
    looks = "color casing casing_width width widths dash_lengths hidden_width alpha taper"
    return fields(style, f"{looks} marker head_size head_edge dot_size dot_edge")


def _units(points: FloatArray) -> npt.NDArray[np.int32]:
    """Return coordinates in units of `UNIT`, with `MISSING` for NaN."""
    limit = -MISSING - 1
    return np.where(np.isnan(points), MISSING, np.clip(np.rint(points / UNIT), -limit, limit)).astype(np.int32)


def image_stride(scene: Scene) -> int:
    """Return the stride with which a drawing contains the small images of a scene."""
    sequences = [facet.model for facet in scene.facets if isinstance(facet.model, ImageSequence)]
    for panel in (each for group in scene.groups for each in group.panels if isinstance(each, ImageGrid)):
        sequences += [images for row in panel.rows for images in row.images]
    return max(1, -(-sum(images.pictures.size for images in sequences) // MOST_CELLS))


def _apart(trail: Trail, most: int) -> float:
    """Return the distance in pixels between the vertices of a trail such that each path has at most `most`."""
    apart = INVISIBLE
    while len(trail.vertices(apart)) > most and apart < FARTHEST:
        apart *= 1.25
    return apart
