"""What a page is told once: the schema, the catalogue with thumbnails, and the classes of torch."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from gdsim import themes
from gdsim.config import formats, schema, signatures
from gdsim.objectives import Objective, names, objective
from gdsim.objectives.catalog import CATALOG
from gdsim.themes import THEMES
from gdsim.web import image_uri

making_schema = threading.Lock()
"""Held because `ast` of Python 3.11 counts its depth for all threads together, and fails if several parse at a time."""

SIZE = 48  # of a thumbnail, in pixels
SHADES = 12  # the number of shades of a thumbnail


def hello(file: str | None, allow_code: bool) -> dict[str, Any]:
    """Return the first message to a page; `file` is its configuration, as it is saved."""
    with making_schema:
        described = schema()
    return {
        "type": "hello",
        "schema": described,
        "catalog": _catalog(),
        "classes": {
            "optimizers": {name: _arguments(each) for name, each in signatures.offered().items()},
            "schedules": {name: _arguments(each) for name, each in signatures.schedules().items()},
        },
        "themes": list(themes.names()),
        "formats": [*formats(), "pptx"],
        "file": file,
        "allow_code": allow_code,
    }


def _arguments(signature: signatures.Signature) -> dict[str, Any]:
    return {name: [each.default, each.schema] for name, each in signature.arguments.items()}


@cache
def _catalog() -> list[Mapping[str, Any]]:
    return [
        {
            "name": name,
            "title": each.title,
            "dim": each.dim,
            "formula": each.formula,
            "parameters": {key: _number(*range_) for key, range_ in CATALOG[name].parameters.items()},
            "bounds": each.bounds.tolist(),
            "start": each.start.tolist(),
            "thumbnail": _thumbnail(each),
        }
        for name in names()
        for each in [objective(name)]
    ]


def _number(default: float, low: float, high: float) -> dict[str, Any]:
    """Return the JSON Schema of a parameter."""
    return {"type": "number", "default": default, "minimum": low, "maximum": high}


def _thumbnail(target: Objective) -> str:
    """Return a small picture of a function as a data URI: its levels, each over an equal area, or its graph."""
    (left, right), (low, high) = target.bounds[0], target.bounds[-1]
    side = np.linspace(left, right, SIZE)
    if target.dim == 1:
        values = target.values(side[:, None])
        heights = (SIZE - 1) * (0.1 + 0.8 * (values - np.nanmin(values)) / np.ptp(values))
        shares = np.where(np.arange(SIZE)[::-1, None] < heights, 0.6, 0.0)
    else:
        points = np.tile(target.bounds.mean(1), (SIZE, SIZE, 1))
        points[..., :2] = np.stack(np.meshgrid(side, np.linspace(high, low, SIZE)), -1)
        ranks = np.argsort(np.argsort(target.values(points), axis=None)).reshape(SIZE, SIZE)
        shares = np.floor(SHADES * ranks / SIZE**2) / SHADES
    colors = np.array([[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in THEMES["light"].field])
    places = np.linspace(0, 1, len(colors))
    pixels = np.stack([np.interp(shares, places, channel) for channel in colors.T], -1)
    return image_uri(pixels.round().astype(np.uint8), quality=70)
