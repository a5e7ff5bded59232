"""Mixing and contrast of colours given as "#rrggbb"."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def _channels(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color.removeprefix("#")))


def _luminance(color: str) -> float:
    shares = [level / 255 for level in _channels(color)]
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2 defines it, from 1 to 21."""
    dark, bright = sorted((_luminance(one), _luminance(other)))
    return (bright + 0.05) / (dark + 0.05)


def mix(one: str, other: str, share: float) -> str:
    """Interpolate linearly in sRGB from one colour (share 0) to another (share 1)."""
    levels = zip(_channels(one), _channels(other), strict=True)
    return "#" + "".join(f"{round(a + share * (b - a)):02x}" for a, b in levels)


def ensure_contrast(color: str, backgrounds: Collection[str], minimum: float, towards: Sequence[str]) -> str:
    """Move a colour as little as possible towards others, until it contrasts with all backgrounds.

    Args:
        color: The colour.
        backgrounds: At least one.
        minimum: The wanted contrast with each background.
        towards: The colours it may be moved to.

    Returns:
        The first colour that reaches the contrast, or the best one if none does.
    """
    candidates = [mix(color, other, tenths / 10) for tenths in range(11) for other in towards]
    worst = {each: min(contrast(each, background) for background in backgrounds) for each in candidates}
    return next((each for each in candidates if worst[each] >= minimum), max(worst, key=worst.__getitem__))
