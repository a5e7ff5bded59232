"""Pixels of frames: which of them change, and their conversion to palettes of at most 255 colours and to YUV."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import product, tee
from math import gcd
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

Frame: TypeAlias = npt.NDArray[np.uint8]
"""A picture, (H, W, 3) or with opacity (H, W, 4), or another array of bytes."""

PixelIndices: TypeAlias = npt.NDArray[np.intp]
"""Flat indices of pixels, (n,)."""

UNCHANGED = 0  # the palette index of pixels that do not change, and all channels of such a pixel, which is transparent

_CLOSE = 8  # maximum difference of a channel from a blended colour at which a pixel keeps the colour that it has
_FLATS = 160 / 255  # maximum fraction of a palette for the colours of flat areas
_FLAT_SHARE = 1 / 5000
_SAMPLES = 30_000
_CHUNK = 4096

_Keys: TypeAlias = npt.NDArray[np.uint32]
_Floats: TypeAlias = npt.NDArray[np.floating]


def differ(pixels: Frame, shown: Frame) -> npt.NDArray[np.bool_]:
    """Return which pixels, (n,) or (n, channels), are not those that are shown, (n,)."""
    return np.asarray((pixels != shown).any(tuple(range(1, pixels.ndim))))


def changed_rectangles(
    frames: Iterable[Frame],
    convert: Callable[[Frame], Frame],
    differ: Callable[[Frame, Frame], npt.NDArray[np.bool_]] = differ,
) -> Iterator[tuple[int, int, Frame] | None]:
    """Yield left, top and pixels of the whole first frame, then of the changed rectangle of each frame.

    Args:
        frames: The frames, (H, W, 3).
        convert: Converts colours (n, 3) to the pixels to yield, (n,) or (n, channels).
        differ: Returns which pixels must replace those that are shown.

    Yields:
        The rectangle, in which unchanged pixels are `UNCHANGED`; None if nothing changed.
    """
    frames = iter(frames)
    before = next(frames)
    height, width, _ = before.shape
    shown = convert(before.reshape(-1, 3))
    yield 0, 0, shown.reshape(height, width, *shown.shape[1:])

    canvas = np.full_like(shown, UNCHANGED)
    for frame in frames:
        where = changed_pixels(before, frame)
        pixels = convert(frame.reshape(-1, 3)[where])
        changed = differ(pixels, shown[where])
        where, pixels = where[changed], pixels[changed]
        if where.size:
            shown[where] = canvas[where] = pixels
            rows, columns = np.divmod(where, width)
            left, top = int(columns.min()), int(rows.min())
            patch = canvas.reshape(height, width, *shown.shape[1:])[top : rows.max() + 1, left : columns.max() + 1]
            yield left, top, patch
            canvas[where] = UNCHANGED
        else:
            yield None
        before = frame


def changed_pixels(before: Frame, after: Frame) -> PixelIndices:
    """Return the flat indices of pixels that differ between two frames, (H, W, 3) in C order.

    Frames are compared as the widest integers that divide them, so the result also contains the few unchanged pixels
    that share an integer with a changed one. Some indices occur twice.
    """
    width = gcd(before.size, 8)
    differs = before.reshape(-1).view(f"u{width}") != after.reshape(-1).view(f"u{width}")
    first = np.flatnonzero(differs) * width // 3
    reach = np.arange((width + 1) // 3 + 1)
    pixels: PixelIndices = np.minimum(first[:, None] + reach, before.size // 3 - 1).ravel()
    return pixels


class Palette:
    """A palette that finds the nearest of its colours, whose indices begin at 1, to any 24-bit colour.

    Args:
        poster: Pixels (…, 3) with all colours of the animation.
        keep: Colours to include exactly, (n, 3), the most important first; they use at most half of the palette.
        quality_level: 0 for 255 colours, and half as many at each further level.

    Attributes:
        colors: The distinct colours, (n, 3).
        bits: The number of bits of an index.
    """

    def __init__(self, poster: Frame, keep: Frame, quality_level: int) -> None:
        self.bits = 8 - quality_level
        while self.bits < 8 and len(np.unique(keep, axis=0)) > 1 << self.bits - 1:
            self.bits += 1
        self.colors = _choose_colors(poster, keep, (1 << self.bits) - 1)
        # A table of all 2²⁴ colours occupies memory only for the pages that are used. Coarser keys would merge the
        # fills of a contour map, which may differ by only 2 or 3 units.
        self._known = np.zeros(1 << 24, np.uint8)
        # A pixel does not change between blended colours, which are approximate if the palette is full, that look the
        # same: the edges of a head that moves by less than a pixel would make a file larger by a twentieth.
        approximate = ~np.isin(_keys(self.colors), _keys(keep)) & (len(self.colors) == (1 << self.bits) - 1)
        colors = self.colors.astype(np.int16)
        self._differ = np.abs(colors[:, None] - colors).max(-1) > _CLOSE * approximate[:, None]

    def indices(self, pixels: Frame) -> Frame:
        """Return the index, 1 to 255, of the palette colour nearest to each of the pixels (n, 3)."""
        keys = _keys(pixels)
        indices: Frame = self._known.take(keys)
        if not indices.all():
            new = np.unique(keys[indices == 0])
            self._known[new] = 1 + _nearest(_colors(new), self.colors)
            indices = self._known.take(keys)
        return indices

    def differ(self, indices: Frame, shown: Frame) -> npt.NDArray[np.bool_]:
        """Return which indices, (n,), must replace those that are shown, (n,), because their colours look different."""
        return np.asarray(self._differ[indices - 1, shown - 1])


def _choose_colors(poster: Frame, keep: Frame, size: int) -> Frame:
    """Choose at most `size` distinct colours.

    The colours to keep, and those of large flat areas, such as the fills of a contour map, are included exactly. The
    remaining entries approximate the blended colours of antialiased edges, weighted by a power of their count below
    one so that the edges of large fills do not outweigh those of thin lines: median cut, then k-means iterations.
    """
    keys, counts = np.unique(_keys(poster.reshape(-1, 3)), return_counts=True)
    common = keys[np.argsort(-counts, kind="stable")]
    wanted = np.concatenate([_keys(keep.reshape(-1, 3)), common])
    exact = _distinct(wanted)
    if exact.size <= size:
        return _colors(exact)
    flats = min(int(_FLATS * size), int(np.count_nonzero(counts >= _FLAT_SHARE * counts.sum())))
    exact = _distinct(wanted[: len(keep) + flats])[:size]
    if exact.size == size:
        return _colors(exact)
    mixed = ~np.isin(keys, exact)
    weights = counts[mixed] ** 0.65
    repeats = np.maximum(1, np.rint(weights * (_SAMPLES / weights.sum()))).astype(int)
    samples = np.repeat(_colors(keys[mixed]), repeats, 0)
    image = Image.fromarray(samples[None]).quantize(size - exact.size, Image.Quantize.MEDIANCUT, kmeans=1)
    approximate = np.array(image.getpalette("RGB"), np.uint8).reshape(-1, 3)
    return np.vstack([_colors(exact), approximate])[:size]


def _nearest(colors: Frame, palette: Frame) -> npt.NDArray[np.intp]:
    """Return the index into the palette (m, 3) nearest to each of the colours (n, 3), in chunks to limit memory."""
    targets = palette.astype(np.float32)
    half = (targets**2).sum(1) / 2
    chunks = np.split(colors.astype(np.float32), range(_CHUNK, len(colors), _CHUNK))
    return np.concatenate([(half - chunk @ targets.T).argmin(1) for chunk in chunks])


def _keys(colors: Frame) -> _Keys:
    """Return each colour of (n, 3) as an integer 0xRRGGBB."""
    red, green, blue = colors.astype(np.uint32).T
    return np.asarray(red << 16 | green << 8 | blue)


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

_FEW = 0.25  # fraction of changed pixels up to which it is faster to convert only these
_ROWS = 8  # number of chroma rows that are converted at a time, so that they fit in the processor's cache


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
            touched = np.zeros(height * width // 4, bool)
            touched[pixels // width // 2 * (width // 2) + pixels % width // 2] = True
            parts = [np.divmod(np.flatnonzero(touched), width // 2)]
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
