"""Convert RGB frames to YUV planes for video: BT.709, limited range, 4:2:0 chroma subsampling.

ffmpeg's own conversion (`scale=out_color_matrix=bt709:flags=accurate_rnd+area`) is equally exact, but converts all of
each frame, which makes writing an MP4 of a growing drawing a quarter slower.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import tee

import numpy as np
import numpy.typing as npt

from gdsim.encode.frames import Frame, Pixels, changed_pixels

# ITU-R BT.709-6: luma weights, and scale factors of colour differences for the range 16 to 240.
_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], np.float32)
_LUMA = _WEIGHTS * np.float32(219 / 255)
_CHROMA = np.stack(
    [(np.eye(3, dtype=np.float32)[i] - _WEIGHTS) * np.float32(224 / 255 / (2 - 2 * _WEIGHTS[i])) for i in (2, 0)], -1
)

_FEW = 0.25
"""Fraction of changed pixels up to which it is faster to convert only these."""

_ROWS = 16
"""Number of rows converted at a time; even, because chroma has blocks of 2 × 2 pixels."""


def planes(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Yield each frame, (H, W, 3) of even height and width, as its three planes in one array, (H · W · 3 / 2,).

    Each array is overwritten by the next. If few pixels changed, only these are converted, at a tenth of the cost.
    """
    before = None
    for frame in frames:
        if before is None:
            picture = np.empty(frame.size // 2, np.uint8)
            _convert_all(frame, picture)
        elif (pixels := changed_pixels(before, frame)).size < frame.size // 3 * _FEW:
            _convert(frame, pixels, picture)
        else:
            _convert_all(frame, picture)
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
        # The colours of the first frame suffice for all others, whose transparent areas differ little.
        nearby = _nearby_colors(frame) if nearby is None else nearby
        yield np.where(frame[..., 3:] == 0, nearby, frame[..., :3])


def _nearby_colors(frame: Frame) -> Frame:
    """Return for each pixel of (H, W, 4) the mean colour of the smallest square around it that is not transparent."""
    height, width = frame.shape[:2]
    masses = frame[..., 3:].astype(np.float32)
    sums = frame[..., :3] * masses
    stack = []
    while sums.shape[0] > 1 or sums.shape[1] > 1:
        stack.append((sums, masses))
        sums, masses = _halved(sums), _halved(masses)
    colors = sums / np.maximum(masses, 1)
    for sums, masses in reversed(stack):
        above = colors.repeat(2, 0).repeat(2, 1)[: sums.shape[0], : sums.shape[1]]
        colors = np.where(masses > 0, sums / np.maximum(masses, 1), above)
    return np.rint(colors[:height, :width]).astype(np.uint8)


def _halved(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return the sums over blocks of 2 × 2; odd sides are padded with zeros."""
    even = np.pad(values, ((0, values.shape[0] % 2), (0, values.shape[1] % 2), (0, 0)))
    halved: npt.NDArray[np.float32] = even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]
    return halved


def _convert_all(frame: Frame, picture: Frame) -> None:
    """Convert a frame in groups of rows that fit in the processor's cache."""
    height, width, _ = frame.shape
    size, chroma = height * width, height * width // 4
    for top in range(0, height, _ROWS):
        rows = frame[top : top + _ROWS]
        here = slice(top * width, top * width + rows.size // 3)
        picture[here] = rows.reshape(-1, 3).astype(np.float32) @ _LUMA + np.float32(16.5)
        sums = sum(rows[i::2, j::2].astype(np.float32) for i in (0, 1) for j in (0, 1))
        colors = np.asarray(sums).reshape(-1, 3) @ (_CHROMA / 4) + np.float32(128.5)
        for plane in (0, 1):
            begin = size + plane * chroma + here.start // 4
            picture[begin : begin + len(colors)] = colors[:, plane]


def _convert(frame: Frame, pixels: Pixels, picture: Frame) -> None:
    """Convert the given pixels, and the blocks of 2 × 2 that contain them."""
    height, width, _ = frame.shape
    colors, size = frame.reshape(-1, 3), height * width
    picture[pixels] = colors[pixels] @ _LUMA + np.float32(16.5)
    touched = np.zeros(size // 4, bool)
    touched[pixels // width // 2 * (width // 2) + pixels % width // 2] = True
    blocks = np.flatnonzero(touched)
    corners = blocks // (width // 2) * 2 * width + blocks % (width // 2) * 2
    sums = np.zeros((len(blocks), 3), np.float32)
    for corner in (0, 1, width, width + 1):
        sums += colors[corners + corner]
    chroma = sums @ (_CHROMA / 4) + np.float32(128.5)
    picture[size + blocks], picture[size + size // 4 + blocks] = chroma[:, 0], chroma[:, 1]
