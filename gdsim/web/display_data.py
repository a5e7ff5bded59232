"""A drawing → what the page's script reads: JSON, its long rows as base64."""

from __future__ import annotations

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from gdsim.render import Digits, Drawing, Figures, Pane, Sign, Sprite, Trace, Vectors, outline
from gdsim.render.display_list import Band, Reel
from gdsim.render.head_artists import ARROW, EDGE, FAINT, FOOT, SHORTEST, STEP, TANGENT, TOUCHING
from gdsim.render.trail import BANDS, OVERLAP
from gdsim.scene import Scene
from gdsim.web.templates import data_uri

__all__ = ["ground", "numbers", "quoted"]

GAP = 2
"""How many dots lie between two sprites on their sheet, or one would bleed into the other where it is scaled."""

QUALITY = 90
"""Of the ground's picture: at twice the size nothing is seen of what it loses."""


def numbers(scene: Scene, drawing: Drawing) -> dict[str, Any]:
    """Return everything that the script needs, ready for JSON.

    Args:
        scene: What is to be seen.
        drawing: The same in pixels.
    """
    theme, em, line = scene.theme, drawing.em, drawing.line
    sheet = _Sheet(drawing.scale)
    panes = [_pane(pane, sheet) for pane in drawing.panes]
    digits = None if drawing.digits is None else _digits(drawing.digits, sheet)
    markers = dict.fromkeys(
        [
            *(style.marker for style in scene.styles),
            *(sign.marker for pane in drawing.panes for sign in pane.signs),
            "o",
        ]
    )
    return {
        "size": scene.size,
        "steps": scene.steps,
        "frames": _floats(scene.frame_steps),
        "fps": scene.fps,
        "hold": scene.hold,
        "colors": {"page": theme.page, "text": theme.text, "casing": theme.casing, "quiet": theme.quiet},
        "styles": [
            {"label": style.label, "color": style.color, "dash": style.dash, "marker": style.marker}
            for style in scene.styles
        ],
        "shapes": {marker: outline(marker).round(4).tolist() for marker in markers},
        "overlap": OVERLAP,
        "bands": BANDS,
        "tangent": {"reach": TANGENT * em, "width": TOUCHING * line, "foot": FOOT * line, "faint": FAINT},
        "arrow": {"width": ARROW * line, "step": STEP * line, "edge": EDGE * em, "shortest": SHORTEST * em},
        "groups": [group.name for group in scene.groups],
        "panes": panes,
        "digits": digits,
        "sheet": data_uri("image/png", sheet.picture()),
        "scale": drawing.scale,
    }


def quoted(text: str) -> str:
    """Return JSON as it may stand in a script element: no part of it ends that, or begins another."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def ground(drawing: Drawing) -> str:
    """Return what stands still as an address that holds the picture itself."""
    file = BytesIO()
    Image.fromarray(drawing.ground).save(file, "webp", quality=QUALITY, method=4)
    return data_uri("image/webp", file.getvalue())


def _pane(pane: Pane, sheet: _Sheet) -> dict[str, Any]:
    rail = pane.rail
    return {
        "box": pane.box,
        "group": pane.group,
        "terms": pane.terms,
        "rail": None if rail is None else {"times": _floats(rail.times), "places": _floats(rail.places)},
        "traces": [_trace(trace) for trace in pane.traces],
        "figures": [_figures(figures) for figures in pane.figures],
        "vectors": [_vectors(vectors) for vectors in pane.vectors],
        "signs": [_sign(sign, sheet) for sign in pane.signs],
        "reels": [_reel(reel) for reel in pane.reels],
        "bands": [_band(band, sheet) for band in pane.bands],
    }


def _trace(trace: Trace) -> dict[str, Any]:
    ink = trace.ink
    return {
        "style": trace.style,
        "ink": {
            "color": ink.color,
            "casing": ink.casing,
            "border": ink.border,
            "width": ink.width,
            "dash": [part * ink.width for part in ink.dash],
            "head": ink.head,
            "dot": ink.dot,
            "alpha": ink.alpha,
            "veil": ink.veil,
        },
        "fade": trace.fade,
        "starts": len(trace.spots),
        "times": _floats(trace.times),
        "spots": _floats(trace.spots),
        "veiled": None if trace.veiled is None else _bytes(trace.veiled.astype(np.uint8)),
        "whole": _floats(trace.whole),
        "slopes": None if trace.slopes is None else _floats(trace.slopes),
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {
        "trace": figures.trace,
        "steps": _floats(figures.steps),
        "points": _doubles(figures.points),
        "values": _doubles(figures.values),
        "gradients": _doubles(figures.gradients),
        "ends": figures.ends.tolist(),
    }


def _vectors(vectors: Vectors) -> dict[str, Any]:
    return {
        "trace": vectors.trace,
        "steps": _floats(vectors.steps),
        "uphill": _floats(vectors.uphill),
        "level": vectors.level,
    }


def _sign(sign: Sign, sheet: _Sheet) -> dict[str, Any]:
    return {
        "style": sign.style,
        "marker": sign.marker,
        "size": sign.size,
        "times": _floats(sign.times),
        "spots": _floats(sign.spots),
        "words": None if sign.words is None else sheet.add(sign.words),
    }


def _reel(reel: Reel) -> dict[str, Any]:
    rows, columns = reel.cells.shape[1:]
    return {
        "style": reel.style,
        "box": reel.box,
        "shape": [columns, rows],
        "steps": _floats(reel.steps),
        "cells": _bytes(reel.cells),
        "palette": _bytes(reel.palette),
    }


def _band(band: Band, sheet: _Sheet) -> dict[str, Any]:
    return {
        "style": band.style,
        "box": band.box,
        "times": _floats(band.times),
        "places": _floats(band.places),
        "picture": sheet.add(Sprite(0.0, 0.0, band.pixels)),
    }


def _digits(digits: Digits, sheet: _Sheet) -> dict[str, Any]:
    return {"pitch": digits.pitch, "signs": [sheet.add(sign) for sign in digits.signs]}


def _floats(values: npt.ArrayLike) -> str:
    """Numbers in single precision, which is finer than a picture is."""
    with np.errstate(over="ignore"):
        return _bytes(np.asarray(values, "<f4"))


def _doubles(values: npt.ArrayLike) -> str:
    """Numbers as they were recorded: what diverges soon leaves the range of single precision."""
    return _bytes(np.asarray(values, "<f8"))


def _bytes(values: npt.NDArray[Any]) -> str:
    return b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


class _Sheet:
    """Small pictures below each other on a large one.

    Args:
        scale: How many dots a pixel they have.
    """

    def __init__(self, scale: int) -> None:
        self._scale, self._below = scale, 0
        self._parts: list[tuple[int, npt.NDArray[np.uint8]]] = []

    def add(self, sprite: Sprite) -> dict[str, Any]:
        """Put one on the sheet, and return where it stands: on the page in pixels, on the sheet in dots."""
        rows, columns = sprite.pixels.shape[:2]
        row, self._below = self._below, self._below + rows + GAP
        self._parts.append((row, sprite.pixels))
        return {"left": sprite.left, "top": sprite.top, "row": row, "width": columns, "height": rows}

    def picture(self) -> bytes:
        """Return the sheet as PNG."""
        width = max((part.shape[1] for _, part in self._parts), default=1)
        pixels = np.zeros((max(self._below, 1), width, 4), np.uint8)
        for row, part in self._parts:
            pixels[row : row + part.shape[0], : part.shape[1]] = part
        file = BytesIO()
        Image.fromarray(pixels).save(file, "png", optimize=True)
        return file.getvalue()
