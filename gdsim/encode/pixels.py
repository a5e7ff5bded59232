"""Pixels of frames: which of them change, and their conversion to palettes of at most 255 colours and to YUV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product, tee
from math import gcd
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Frame: TypeAlias = npt.NDArray[np.uint8]
"""A picture, (H, W, 3) or with opacity (H, W, 4), or another array of bytes."""

Pixels: TypeAlias = npt.NDArray[np.intp]
"""Flat indices of pixels, (n,)."""

UNCHANGED = 0
"""The palette index of pixels that do not change."""

_FLATS = 160 / 255
"""Maximum fraction of a palette for the colours of flat areas."""

_FLAT_SHARE = 1 / 5000
_SAMPLES = 30_000
_LLOYD_STEPS = 4
_CHUNK = 4096

_Keys: TypeAlias = npt.NDArray[np.uint32]
_Floats: TypeAlias = npt.NDArray[np.floating]


def changed_pixels(before: Frame, after: Frame) -> Pixels:
    """Return the flat indices of pixels that differ between two frames, (H, W, 3) in C order.

    Frames are compared as the widest integers that divide them, so the result also contains the few unchanged pixels
    that share an integer with a changed one. Some indices occur twice.
    """
    width = gcd(before.size, 8)
    differs = before.reshape(-1).view(f"u{width}") != after.reshape(-1).view(f"u{width}")
    first = np.flatnonzero(differs) * width // 3
    reach = np.arange((width + 1) // 3 + 1)
    pixels: Pixels = np.minimum(first[:, None] + reach, before.size // 3 - 1).ravel()
    return pixels


def bounding_box(pixels: Pixels, width: int) -> tuple[slice, slice]:
    """Return the rows and columns that contain all of the pixels; those of a single pixel if there are none."""
    rows, columns = np.divmod(pixels if pixels.size else np.zeros(1, np.intp), width)
    return slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)


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
    return colors.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)


def _colors(keys: _Keys) -> Frame:
    return np.stack([keys >> 16, keys >> 8, keys], 1).astype(np.uint8)


def _distinct(keys: _Keys) -> _Keys:
    """Return the unique keys in the order of their first occurrence."""
    return np.array(list(dict.fromkeys(keys.tolist())), np.uint32)


# ITU-R BT.709-6: luma weights, and scale factors of colour differences for the range 16 to 240.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_LUMA = _WEIGHTS * np.float32(219 / 255)
_CHROMA = np.stack(
    [(np.eye(3, dtype=np.float32)[i] - _WEIGHTS) * np.float32(224 / 255 / (2 - 2 * _WEIGHTS[i])) for i in (2, 0)], -1
)

_FEW = 0.25
"""Fraction of changed pixels up to which it is faster to convert only these."""

_ROWS = 8
"""Number of chroma rows that are converted at a time, so that they fit in the processor's cache."""


def planes(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield each frame, (H, W, 3) of even height and width, as YUV: BT.709, limited range, 4:2:0 chroma subsampling.

    The three planes are in one array, (H · W · 3 / 2,), which is overwritten by the next. If few pixels changed, only
    these are converted, at a tenth of the cost. ffmpeg's own conversion is equally exact, but converts all of each
    frame, which makes writing an MP4 of a growing drawing a half slower.
    """
    before = None
    for frame in frames:
        height, width, _ = frame.shape
        parts: list[slice | tuple[npt.NDArray[np.intp], ...]]
        parts = [slice(top, top + _ROWS) for top in range(0, height // 2, _ROWS)]
        if before is None:
            picture = np.empty(frame.size // 2, np.uint8)
            luma = picture[: height * width].reshape(height, width)
            blue, red = picture[height * width :].reshape(2, height // 2, width // 2)
        elif (pixels := changed_pixels(before, frame)).size < frame.size // 3 * _FEW:
            touched = np.zeros((height // 2, width // 2), bool)
            touched[pixels // width // 2, pixels % width // 2] = True
            parts = [touched.nonzero()]
        for part in parts:
            sums: _Floats = np.zeros(3, np.float32)
            for row, column in product((0, 1), (0, 1)):
                pixels = frame[row::2, column::2][part].astype(np.float32)
                luma[row::2, column::2][part] = pixels @ _LUMA + np.float32(16.5)
                sums = sums + pixels
            chroma = sums @ (_CHROMA / 4) + np.float32(128.5)
            blue[part], red[part] = chroma[..., 0], chroma[..., 1]
        yield picture
        before = frame


def planes_and_opacity(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield each frame, (H, W, 4) of even height and width, as the planes of its colours and of its opacity."""
    shown, seen = tee(frames)
    for frame, picture in zip(shown, planes(_without_hidden_colors(seen)), strict=True):
        yield np.concatenate([picture, frame[..., 3].ravel()])


def _without_hidden_colors(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield the colours of each frame, with transparent pixels replaced by the colours near them.

    Chroma subsampling and compression would otherwise spread the hidden colours, often black, into every edge.
    """
    nearby: Frame | None = None
    for frame in frames:
        if nearby is None:
            # The colours of the first frame suffice for all others, whose transparent areas differ little.
            opacities = frame[..., 3:].astype(np.float32)
            nearby = np.rint(_means(frame[..., :3] * opacities, opacities)).astype(np.uint8)
        yield np.where(frame[..., 3:] == 0, nearby, frame[..., :3])


def _means(sums: _Floats, weights: _Floats) -> _Floats:
    """Return weighted sums (h, w, 3) over their weights (h, w, 1).

    Where the weight is 0, the result is that of the smallest square around it whose weight is not.
    """
    means = sums / np.maximum(weights, 1)
    if weights.all() or weights.size == 1:
        return means
    rows, columns = (range(0, side, 2) for side in weights.shape[:2])
    blocks = [np.add.reduceat(np.add.reduceat(values, rows, 0), columns, 1) for values in (sums, weights)]
    around = _means(*blocks).repeat(2, 0).repeat(2, 1)[: len(means), : means.shape[1]]
    return np.where(weights > 0, means, around)
