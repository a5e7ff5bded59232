"""A scene → the text of its page, filled into the skeleton, the style sheet and the scripts beside this file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from importlib.resources import files
from os import PathLike
from pathlib import Path
from string import Template

from gdsim.files import atomic_write
from gdsim.metadata import Provenance
from gdsim.render import Drawing, frames, stride
from gdsim.render.display_list import film_stride
from gdsim.scene import Facet, Group, Scene, SurfaceModel
from gdsim.web.display_data import ground, numbers, quoted
from gdsim.web.icons import ICONS, swatch
from gdsim.web.templates import csp_hash

__all__ = ["notes", "page", "write_player"]

KEYS = (
    "<kbd>space</kbd> plays and pauses, <kbd>←</kbd> and <kbd>→</kbd> take a step, with <kbd>shift</kbd> ten, "
    "<kbd>home</kbd> and <kbd>end</kbd> go to the first and to the last."
)

POINT, DRAG = "Point at a path for its figures", "drag in a panel to move in time"

NETWORK = (
    "A spot on the plane is the place nearest to a network's weights, and the gradient there is its part along the "
    "plane; the loss is that of the weights themselves."
)


def write_player(
    scene: Scene, path: str | PathLike[str], *, provenance: Provenance | None = None, loop: bool = True
) -> Path:
    """Write the page; it appears when it is whole, or not at all.

    Args:
        scene: What is to be seen.
        path: Where to write; folders on the way are made.
        provenance: How it was made; travels inside the page, and its YAML can be read and copied there.
        loop: Whether the animation begins anew at first; the reader can change that.

    Returns:
        The path, as given.

    Raises:
        GdsimError: The file cannot be written.
    """
    target = Path(path)
    text = page(scene, provenance, loop)
    with atomic_write(target) as partial:
        partial.write_text(text, encoding="utf-8", newline="\n")
    return target


def page(scene: Scene, provenance: Provenance | None = None, loop: bool = True) -> str:
    """Return the page as HTML: one file that asks for nothing else, and works in an iframe.

    Args:
        scene: What is to be seen.
        provenance: How it was made; None for a page that does not say.
        loop: Whether the animation begins anew at first.
    """
    still = replace(scene, groups=tuple(_stopped(scene)))
    drawing = frames(still).drawing()
    script = "\n\n".join(_file(name).strip() for name in ("picture.js", "player.js"))
    style = f"{_shape(scene)}\n{_file('player.css').strip()}"
    title = scene.title or "gdsim"
    return Template(_file("player.html")).substitute(
        policy=escape(_policy(style, script)),
        generator="gdsim" if provenance is None else escape(f"gdsim {provenance.versions.get('gdsim', '')}".strip()),
        title=escape(title),
        style=style,
        ground=ground(drawing),
        width=scene.size[0],
        height=scene.size[1],
        steps=scene.steps,
        inert="" if scene.steps else " hidden",
        loop=str(loop).lower(),
        chips="\n".join(_chips(scene)),
        happens=escape(scene.alt_text),
        told="\n".join(f'<p class="quiet">{escape(words)}</p>' for words in (*notes(scene), *_qualified(drawing))),
        keys=_keys(drawing),
        figures=_figures(drawing) if scene.steps and any(pane.figures for pane in drawing.panes) else "",
        source="" if provenance is None or not provenance.yaml else _source(provenance.yaml),
        made=escape(_made(provenance)),
        provenance="" if provenance is None else _held("gdsim-source", provenance.to_json()),
        scene=_held("gdsim-scene", json.dumps(numbers(still, drawing), separators=(",", ":"), allow_nan=False)),
        script=script,
        **{f"icon_{name}": icon for name, icon in ICONS.items()},
    )


def notes(scene: Scene) -> tuple[str, ...]:
    """Say what the page does not show of a scene, a sentence each."""
    told = []
    if scene.turns:
        told.append("The page shows the surface from where the camera begins; here it does not turn.")
    if stride(scene) > 1:
        told.append(f"The page knows the figures of one in {stride(scene)} steps.")
    if film_stride(scene) > 1:
        told.append(f"The page holds one in {film_stride(scene)} of the small pictures.")
    return tuple(told)


def _stopped(scene: Scene) -> Iterator[Group]:
    """The groups of a scene, their cameras where they begin."""
    for group in scene.groups:
        yield replace(group, facets=tuple(map(_standing, group.facets)))


def _standing(facet: Facet) -> Facet:
    ground = facet.model
    if not isinstance(ground, SurfaceModel):
        return facet
    camera = replace(ground.space.camera, orbit=0.0)
    return replace(facet, model=replace(ground, space=replace(ground.space, camera=camera)))


def _qualified(drawing: Drawing) -> Iterator[str]:
    """Say what the page's numbers are not, a sentence each."""
    if any("loss" in pane.terms for pane in drawing.panes):
        yield NETWORK
    if drawing.apart >= 1:
        yield "There are more steps than a page can hold: the paths are drawn by one in a few of their places."


def _policy(style: str, script: str) -> str:
    """What the page may do: run this one script, and show what it holds itself."""
    return (
        f"default-src 'none'; style-src {csp_hash(style)}; script-src {csp_hash(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _file(name: str) -> str:
    return files("gdsim.web").joinpath(name).read_text("utf-8")


def _shape(scene: Scene) -> str:
    width, height = scene.size
    return f":root {{ --ratio: {width / height:.6g}; --ground: {scene.theme.page}; }}"


def _held(name: str, text: str) -> str:
    return f'<script type="application/json" id="{name}">{quoted(text)}</script>'


def _chips(scene: Scene) -> Iterator[str]:
    for index, style in enumerate(scene.styles):
        words = f"{swatch(style, scene.theme.casing)}<span>{escape(style.label)}</span>"
        about = escape(" · ".join(filter(None, [style.label, style.settings, style.aside])))
        told = f'class="chip" data-style="{index}" aria-pressed="true" title="{about}"'
        yield f'<button type="button" {told}>{words}</button>'


def _keys(drawing: Drawing) -> str:
    """What the keys and the pointer do."""
    does = [POINT] * any(pane.figures for pane in drawing.panes) + [DRAG] * any(pane.rail for pane in drawing.panes)
    if not does:
        return KEYS
    words = "; ".join(does)
    return f"{KEYS} {words[0].upper()}{words[1:]}."


def _figures(drawing: Drawing) -> str:
    told = {pane.terms for pane in drawing.panes if pane.figures}
    points, values, gradients = ({terms[i] for terms in told} for i in range(3))
    spots = {words for words in points if "spot" in words}
    point = "point" if not spots else "spot on the plane" if spots == points else "point, or spot on the plane"
    value = values.pop() if len(values) == 1 else "value"
    gradient = gradients.pop() if len(gradients) == 1 else "gradient"
    heads = "".join(f'<th scope="col">{words}</th>' for words in ("optimizer", point, value, gradient))
    return (
        '<div class="scroll" role="region" aria-label="Figures at this step" tabindex="0">\n'
        f'<table><caption>At step <span id="at">0</span></caption><thead><tr>{heads}</tr></thead>'
        '<tbody id="figures"></tbody></table>\n</div>'
    )


def _source(yaml: str) -> str:
    return (
        '<div class="source">\n<details>\n<summary>The configuration</summary>\n'
        f'<pre id="yaml" tabindex="0" aria-label="The configuration">\n{escape(yaml)}</pre>\n</details>\n'
        '<button type="button" id="copy">Copy the YAML</button>\n</div>'
    )


def _made(provenance: Provenance | None) -> str:
    packages = {} if provenance is None else provenance.versions
    used = " · ".join(f"{name} {version}" for name, version in packages.items()) or "gdsim"
    return f"One file, no network. Made with {used}."
