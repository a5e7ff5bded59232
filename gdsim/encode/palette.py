"""Palettes of at most 255 colours, chosen once per animation, and the mapping of pixels to them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from gdsim.encode.frames import Frame

UNCHANGED = 0
"""The palette index of pixels that do not change."""

_FLATS = 160 / 255
"""Maximum fraction of a palette for the colours of flat areas."""

_FLAT_SHARE = 1 / 5000
_SAMPLES = 30_000
_LLOYD_STEPS = 4
_CHUNK = 4096

_Keys: TypeAlias = npt.NDArray[np.uint32]
_Floats: TypeAlias = npt.NDArray[np.float32]


class Palette:
    """A palette of at most 255 colours, (n, 3), with indices from 1, that finds the nearest one to any 24-bit colour.

    Results are cached in a table of all 2²⁴ colours, which occupies memory only for the pages that are used. Coarser
    keys would merge the fills of a contour map, which may differ by only 2 or 3 units.
    """

    def __init__(self, colors: Frame) -> None:
        self.colors = colors
        self._known = np.zeros(1 << 24, np.uint8)

    def indices(self, pixels: Frame) -> Frame:
        """Return the index, 1 to 255, of the palette colour nearest to each of the pixels (n, 3)."""
        keys = _keys(pixels)
        indices: Frame = self._known.take(keys)
        if not indices.all():
            new = np.unique(keys[indices == UNCHANGED])
            self._known[new] = 1 + _nearest(_colors(new), self.colors.astype(np.float32))
            indices = self._known.take(keys)
        return indices


def palette_size(keep: Frame, quality_level: int) -> int:
    """Return the number of colours of a palette besides index 0: 255, and half as many at each further quality level.

    The colours to keep exactly, (n, 3), use at most half of them.
    """
    bits = 8 - quality_level
    while bits < 8 and len(np.unique(keep, axis=0)) > 1 << bits - 1:
        bits += 1
    return (1 << bits) - 1


def choose_colors(poster: Frame, keep: Frame, size: int) -> Frame:
    """Choose at most `size` distinct colours for an animation from its poster (H, W, 3), which contains all of them.

    The colours to keep, most important first, and those of large flat areas, such as the fills of a contour map, are
    included exactly. The remaining entries approximate the blended colours of antialiased edges, weighted by a power of
    their count below one so that the edges of large fills do not outweigh those of thin lines.
    """
    keys, counts = np.unique(_keys(poster.reshape(-1, 3)), return_counts=True)
    common = keys[np.argsort(-counts, kind="stable")]
    wanted = np.concatenate([_keys(keep.reshape(-1, 3)), common])
    exact = _distinct(wanted)
    if exact.size <= size:
        return _colors(exact)
    flats = min(int(_FLATS * size), int(np.count_nonzero(counts >= _FLAT_SHARE * counts.sum())))
    exact = _distinct(wanted[: len(keep) + flats])[:size]
    mixed = ~np.isin(keys, exact)
    return _fill(_colors(exact), _colors(keys[mixed]), counts[mixed].astype(np.float32) ** 0.65, size)


def _fill(exact: Frame, mixed: Frame, weights: _Floats, size: int) -> Frame:
    """Add colours that approximate the mixed ones to the exact ones, by median cut and k-means iterations."""
    free = size - len(exact)
    if not free:
        return exact
    means, masses = _cells(mixed, weights)
    colors = np.vstack([exact.astype(np.float32), _median_cut(means, masses, free)])
    for _ in range(_LLOYD_STEPS):
        nearest = _nearest(means, colors)
        mass = np.bincount(nearest, masses, len(colors))
        movable = mass > 0
        movable[: len(exact)] = False
        for channel in range(3):
            total = np.bincount(nearest, masses * means[:, channel], len(colors))
            colors[movable, channel] = total[movable] / mass[movable]
    return np.rint(colors).astype(np.uint8)


def _cells(colors: Frame, weights: _Floats) -> tuple[_Floats, _Floats]:
    """Group colours (m, 3) by the cells of a coarse grid; return their means (n, 3) and sums of weights (n,)."""
    coarse = _keys(colors & np.array([0xF8, 0xFC, 0xF8], np.uint8))
    _, cell = np.unique(coarse, return_inverse=True)
    total = np.bincount(cell, weights)
    means = [np.bincount(cell, weights * colors[:, channel]) / total for channel in range(3)]
    return np.stack(means, 1).astype(np.float32), total.astype(np.float32)


def _median_cut(colors: _Floats, weights: _Floats, count: int) -> _Floats:
    """Return at most `count` colours (n, 3) from Pillow's median cut of samples in proportion to the weights."""
    repeats = np.maximum(1, np.rint(weights * (_SAMPLES / weights.sum()))).astype(int)
    samples = np.rint(np.repeat(colors, repeats, 0)).astype(np.uint8)
    image = Image.fromarray(samples[None]).quantize(count, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    palette = np.array(image.getpalette("RGB"), np.float32)
    return palette.reshape(-1, 3)[:count]


def _nearest(colors: Frame | _Floats, palette: _Floats) -> npt.NDArray[np.intp]:
    """Return the index into the palette (m, 3) nearest to each of the colours (n, 3), in chunks to limit memory."""
    half = (palette**2).sum(1) / 2
    chunks = np.split(colors.astype(np.float32), range(_CHUNK, len(colors), _CHUNK))
    return np.concatenate([(half - chunk @ palette.T).argmin(1) for chunk in chunks])


def _keys(colors: Frame) -> _Keys:
    """Return each colour of (n, 3) as an integer 0xRRGGBB."""
    red, green, blue = colors.T
    keys: _Keys = red.astype(np.uint32) << 16
    keys |= green.astype(np.uint32) << 8
    keys |= blue
    return keys


def _colors(keys: _Keys) -> Frame:
    return np.stack([keys >> 16, keys >> 8, keys], 1).astype(np.uint8)


def _distinct(keys: _Keys) -> _Keys:
    """Return the unique keys in the order of their first occurrence."""
    first = np.unique(keys, return_index=True)[1]
    distinct: _Keys = keys[np.sort(first)]
    return distinct
