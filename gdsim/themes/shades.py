"""Colours as "#rrggbb": how two of them mix, and how well they stand out from each other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["contrast", "mixed", "standing_out"]


def _channels(color: str) -> tuple[int, int, int]:
    """Red, green and blue, each from 0 to 255."""
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def _luminance(color: str) -> float:
    """The relative luminance of a colour, from 0 (black) to 1 (white), as WCAG 2 defines it."""
    shares = [level / 255 for level in _channels(color)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, from 1 (none) to 21 (black on white), as WCAG 2 defines it."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def mixed(one: str, other: str, share: float) -> str:
    """Return the colour that lies a share, 0 to 1, of the way from one colour to another."""
    levels = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in levels)


def standing_out(color: str, grounds: Iterable[str], least: float, towards: Sequence[str]) -> str:
    """Return a colour, changed no more than it takes to stand out from every ground.

    Args:
        color: The colour.
        grounds: What it lies upon, at least one.
        least: The contrast wanted with each ground.
        towards: The colours it may be moved to.

    Returns:
        The first colour on the way that reaches the contrast; if none does, the one that comes nearest.
    """
    grounds = tuple(grounds)
    steps = [mixed(color, other, tenths / 10) for tenths in range(11) for other in towards]
    worst = {shade: min(contrast(shade, ground) for ground in grounds) for shade in steps}
    return next((shade for shade in steps if worst[shade] >= least), max(worst, key=worst.__getitem__))
