"""Scene → frames: the only package that imports matplotlib, `themes.sheets` aside."""

from __future__ import annotations

from gdsim.render.animation import Frames, frames

__all__ = ["Frames", "frames"]
