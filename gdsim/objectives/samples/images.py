"""Samples from a picture: brightness is height."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gdsim.errors import InputError
from gdsim.objectives.samples.grid import SAMPLES_LIMIT

if TYPE_CHECKING:
    from PIL import Image

    from gdsim.objectives import FloatArray

__all__ = ["read_image"]


def read_image(path: Path) -> tuple[FloatArray, None]:
    """Read the brightness of a picture, 0 for black to 1 for white, its lowest line first.

    The picture is turned as a viewer turns it. Colours count as the eye weighs them (ITU-R 601-2); what is
    transparent counts by the colour that it hides.

    Raises:
        InputError: It is no PNG or JPEG, or not a whole one, or too large.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow warns of sizes, which are judged below, and of transparency, which is left out on purpose.
            warnings.simplefilter("ignore")
            with Image.open(path, formats=("PNG", "JPEG")) as image:
                if image.width * image.height > SAMPLES_LIMIT:
                    raise InputError(f"{image.width:,} × {image.height:,} pixels are more than {SAMPLES_LIMIT:,}")
                return _brightness(ImageOps.exif_transpose(image))[::-1], None
    except Image.DecompressionBombError as error:
        raise InputError(f"the picture has more than {SAMPLES_LIMIT:,} pixels") from error
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error) as error:
        raise InputError("it is not a PNG or JPEG picture, or not a whole one") from error


def _brightness(image: Image.Image) -> FloatArray:
    # Sixteen bits a pixel: as eight they would be clipped, and a terrain is a staircase.
    if image.mode.startswith("I"):
        return np.asarray(image, dtype=np.float64) / 65535
    if image.has_transparency_data:
        image = image.convert("RGBA")
    return np.asarray(image.convert("L"), dtype=np.float64) / 255
