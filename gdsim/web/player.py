"""Write a scene as a self-contained web page with playback controls and the figures of each iterate."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any, cast

from gdsim.files import atomic_write
from gdsim.metadata import Provenance
from gdsim.render import frames
from gdsim.render.display_list import iterate_stride
from gdsim.render.painter import marker_outline
from gdsim.scene import Facet, Scene, Style, SurfaceModel
from gdsim.web import asset, csp_hash, render
from gdsim.web.drawing import Drawing, image_stride


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
    fixed = replace(
        scene,
        groups=tuple(replace(group, facets=tuple(map(_without_orbit, group.facets))) for group in scene.groups),
    )
    drawing = Drawing(frames(fixed))
    # A page does not need the scripts' comments and blank lines.
    script = re.sub(r"(?m)^ *(//|/\*\*).*\n|\n(?=\n)", "", f"{asset('picture.js')}\n{asset('player.js')}")
    width, height = scene.size
    ratio = f":root {{ --ratio: {width / height:.6g}; --ground: {scene.theme.page}; }}"
    style = f"{ratio}\n{asset('player.css')}"
    versions = {} if provenance is None else provenance.versions
    return render(
        "player.html",
        scene=scene,
        drawing=drawing,
        drawing_json=json.dumps(drawing.data, separators=(",", ":"), allow_nan=False),
        quoted=quoted,
        title=scene.title or "gdsim",
        generator=f"gdsim {versions.get('gdsim', '')}".strip(),
        loops=loop,
        chips=[_chip(style) for style in scene.styles],
        notes=notes(scene),
        columns=_columns(drawing.data["layers"]),
        provenance=provenance,
        versions=" · ".join(f"{name} {version}" for name, version in versions.items()) or "gdsim",
        style=style,
        style_hash=csp_hash(style),
        script=script,
        script_hash=csp_hash(script),
    )


def notes(scene: Scene) -> tuple[str, ...]:
    """Return what the page omits of a scene, one sentence each."""
    found = []
    if scene.turns:
        found.append("The page shows the surface as the camera sees it at the beginning; here it does not turn.")
    if iterate_stride(scene) > 1:
        found.append(f"The page contains the figures of one in {iterate_stride(scene)} steps.")
    if image_stride(scene) > 1:
        found.append(f"The page contains one in {image_stride(scene)} of the small images.")
    return tuple(found)


def quoted(text: str) -> str:
    """Escape JSON for a script element, so that it cannot end the element or begin another."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _without_orbit(facet: Facet) -> Facet:
    if not facet.model.turns:
        return facet
    model = cast("SurfaceModel", facet.model)
    return replace(facet, model=replace(model, camera=replace(model.camera, orbit=0.0)))


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


def _columns(layers: list[dict[str, Any]]) -> tuple[str, ...]:
    """Return the column names of the table of figures; empty if there is no table."""
    terms = [layer["terms"] for layer in layers if layer["iterates"]]
    if not terms:
        return ()
    points, values, gradients = map(set, zip(*terms, strict=True))
    planes = {words for words in points if "spot" in words}
    point = "point" if not planes else "spot on the plane" if planes == points else "point, or spot on the plane"
    value = values.pop() if len(values) == 1 else "value"
    return "optimizer", point, value, gradients.pop() if len(gradients) == 1 else "gradient"
