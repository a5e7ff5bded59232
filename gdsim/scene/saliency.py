"""Build scenes of saliency maps of trained networks."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Literal, TypeAlias

import numpy as np

from gdsim.errors import InputError
from gdsim.languages import ENGLISH, Language
from gdsim.scene.build import styles, title_of
from gdsim.scene.model import Group, Scene, Style
from gdsim.scene.panels.heatmap import of_completed
from gdsim.scene.panels.images import ImageGrid, ImageRow, grays
from gdsim.scene.views.image import ColorScale, color_scale, image_facet, still_image
from gdsim.simulation import Explanation, Trajectory
from gdsim.themes import Theme

HEADINGS: Mapping[str, str] = {
    "gradient": "input gradient",
    "saliency": "saliency",
    "smoothgrad": "SmoothGrad",
    "integrated": "integrated gradients",
    "gradcam": "Grad-CAM",
}

MAX_ROWS = 64  # maximum number of rows of a picture

Explained: TypeAlias = tuple[Sequence[Trajectory], Sequence[Explanation]]
"""The trajectories of a network, and one explanation for each."""


def build_saliency_scene(
    networks: Sequence[Explained],
    *,
    title: str | Literal[False] | None,
    theme: Theme,
    size: tuple[int, int],
    say: Language = ENGLISH,
) -> Scene:
    """Build a scene of saliency maps of trained networks: one row per optimizer, one column per map.

    Args:
        networks: The trajectories of each network, with their explanations.
        title: The picture's title, as in `View`.
        theme: The theme of the picture.
        size: Width and height in pixels; the height is increased if there are many rows.
        say: The language.

    Raises:
        InputError: There are more rows than a picture can have.
    """
    count = sum(len(explained) for _, explained in networks)
    if count > MAX_ROWS:
        message = f"{count} trained networks are more than the {MAX_ROWS} rows of a picture"
        raise InputError(message, ("optimizers",), code="too-large")
    trajectories, explained = [each for each, _ in networks], [each for _, each in networks]
    own = [
        [_style(style, each, say) for style, each in zip(given, group, strict=True)]
        for given, group in zip(styles(trajectories, theme), trajectories, strict=True)
    ]
    # A row needs 4.2 ems for three lines of text, and each network 11 more; an em is 2.32 % of the shorter side.
    needed = 0.0232 * theme.type * (4.2 * count + 11 * len(networks))
    height = size[1] if needed * min(size) <= size[1] else 2 * math.ceil(needed * size[0] / 2)
    titles, scales = [group[0].objective.title for group in trajectories], _map_scales(networks)
    several = say("What the networks see in image {n}", n=explained[0][0].number)
    return Scene(
        title=title_of(title, titles[0] if len(titles) == 1 else several),
        alt_text=" ".join(_text(*each, say) for each in zip(titles, explained, own, strict=True)),
        theme=theme,
        size=(size[0], height),
        styles=tuple(chain(*own)),
        groups=tuple(
            _group(name if len(titles) > 1 else "", each, row_styles, scales, say)
            for name, each, row_styles in zip(titles, explained, own, strict=True)
        ),
        say=say,
    )


def _style(style: Style, trajectory: Trajectory, say: Language) -> Style:
    """Say in the legend whether a training failed; the distance from the loss plane is irrelevant here."""
    stop = trajectory.stops[0]
    failed = say("{what} at step {step}", what=say(stop.value), step=trajectory.stopped_at(0)) if stop.failed else ""
    return replace(style, settings=failed or style.settings, aside="")


def _group(
    name: str, explained: Sequence[Explanation], own: Sequence[Style], scales: Mapping[str, ColorScale], say: Language
) -> Group:
    """Return the image of a network and the maps of each optimizer."""
    first = explained[0]
    rows = tuple(
        ImageRow(
            style, tuple(still_image(each, *scales[method]) for method, each in found.maps.items()), _says(found, say)
        )
        for style, found in zip(own, explained, strict=True)
    )
    facet = image_facet(grays(first.image), heading=say("image {n} · label {label}", n=first.number, label=first.label))
    return Group(name, (facet,), (ImageGrid(say("class {n}", n=first.target), rows, columns=_headings(first, say)),))


def _headings(explanation: Explanation, say: Language) -> tuple[str, ...]:
    # Other methods are "layer:" and the name of a layer.
    layer = "gradient at {layer}"
    return tuple(say(HEADINGS.get(each, layer), layer=each.partition(":")[2]) for each in explanation.maps)


def _map_scales(networks: Sequence[Explained]) -> dict[str, ColorScale]:
    """Return the colour scale of each method, which all its maps share, so that optimizers can be compared."""
    pairs = [pair for trajectories, explained in networks for pair in zip(trajectories, explained, strict=True)]
    scales: dict[str, ColorScale] = {}
    for method in dict.fromkeys(chain(*(explained.maps for _, explained in pairs))):
        own = [(trajectory, explained.maps[method]) for trajectory, explained in pairs if method in explained.maps]
        scales[method] = color_scale(of_completed(*zip(*own, strict=True)))
    return scales


def _says(explained: Explanation, say: Language) -> str:
    if explained.predicted is None:
        return say("says nothing: its scores are not finite")
    # Rounded down, so that 99.97 % does not become 100 %.
    sure = "" if explained.probability is None else f" · {np.floor(1000 * explained.probability) / 10:g} %"
    wrong = "" if explained.predicted == explained.label else say(", not {label}", label=explained.label)
    return say("says {label}", label=explained.predicted) + sure + wrong


def _text(title: str, explained: Sequence[Explanation], own: Sequence[Style], say: Language) -> str:
    first = explained[0]
    said = [
        f"{style.label} {_says(each, say).replace(' · ', ', ')}" for style, each in zip(own, explained, strict=True)
    ]
    facts = {"n": first.number, "label": first.label, "target": first.target, "title": title}
    opening = say("Saliency of image {n}, label {label}, for class {target} in {title}", **facts)
    return f"{opening}: {', '.join(_headings(first, say))}. {'; '.join(said)}."
