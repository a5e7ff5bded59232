"""Written videos, decoded again by the ffmpeg that comes with imageio-ffmpeg, and packed numbers of pages."""

from __future__ import annotations

import subprocess
import zlib
from base64 import b64decode
from pathlib import Path

import imageio_ffmpeg
import numpy as np


def decode_video(path: Path, size: tuple[int, int]) -> tuple[np.ndarray, str]:
    """Return all pictures of a video and what ffmpeg says of it."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, size[1], size[0], 3), done.stderr.decode()


def unpacked(text: str, kind: str = "<f8") -> np.ndarray:
    """Return numbers that a page holds compressed."""
    return np.frombuffer(zlib.decompress(b64decode(text)), kind)
