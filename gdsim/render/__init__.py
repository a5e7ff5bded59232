"""Rendering of scenes as frames; except for `themes.sheets`, only this package imports matplotlib."""

from __future__ import annotations

from gdsim.render.animation import Frames, frames

__all__ = ["Frames", "frames"]
