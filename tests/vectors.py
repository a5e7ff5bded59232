"""Read back what a vector picture shows: its words, shapes and axes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gdsim.render import Frames

NUMBER = r"-?[\d.]+(?:e-?\d+)?"
PIXELS = 100 / 72
"""An SVG of ours counts in 1/72 inch; a picture has 100 dots per inch."""


@dataclass(frozen=True)
class Shape:
    """A path of the picture: its corners, (n, 2), in pixels from the upper left corner, and its colours."""

    corners: np.ndarray
    fill: str
    stroke: str


@dataclass(frozen=True)
class Words:
    """Text of the picture: where its baseline begins, in pixels from the upper left corner."""

    text: str
    x: float
    y: float


class VectorPicture:
    """The last frame of a scene as vectors.

    Attributes:
        shapes: Everything that is filled or stroked, in drawing order.
        words: All text, in drawing order.
    """

    def __init__(self, frames: Frames, path: Path) -> None:
        frames.save_poster(path)
        parser = ET.XMLParser(target=ET.TreeBuilder(insert_comments=True))  # noqa: S314  (our own file)
        self._root = ET.parse(path, parser).getroot()  # noqa: S314
        definitions = {id(each) for block in self._named("defs") for each in block.iter()}
        self.shapes = [_shape(each) for each in self._named("path") if id(each) not in definitions]
        self.words = _words(self._root)

    def _named(self, tag: str) -> list[ET.Element]:
        return [each for each in self._root.iter() if isinstance(each.tag, str) and each.tag.endswith("}" + tag)]

    def data(self, pixels: np.ndarray, view: np.ndarray, index: int = 1) -> np.ndarray:
        """Turn pixels (…, 2) into coordinates of the axes drawn as number `index`, which show a view, (2, 2)."""
        (axes,) = (each for each in self._named("g") if each.get("id") == f"axes_{index}")
        background = _shape(next(each for each in axes.iter() if str(each.tag).endswith("}path"))).corners
        (left, top), (right, bottom) = background.min(0), background.max(0)
        shares = (pixels - [left, bottom]) / [right - left, top - bottom]
        return view[:, 0] + shares * (view[:, 1] - view[:, 0])


def _shape(path: ET.Element) -> Shape:
    style = dict(part.split(": ") for part in path.get("style", "").split("; ") if part)
    corners = np.array(re.findall(rf"({NUMBER}) ({NUMBER})", path.get("d", "")), float).reshape(-1, 2)
    return Shape(PIXELS * corners, style.get("fill", "#000000"), style.get("stroke", "none"))


def _words(parent: ET.Element) -> list[Words]:
    found = []
    for group in parent.iter():
        if group.get("id", "").startswith("text_"):
            comment, *rest = list(group)
            if comment.tag is not ET.Comment:
                continue  # text with an outline, which is drawn as paths
            place = re.search(rf"translate\(({NUMBER}) ({NUMBER})\)", rest[0].get("transform", ""))
            found.append(Words(comment.text.strip(), *(PIXELS * float(each) for each in place.groups())))
    return found
