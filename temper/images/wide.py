"""Pixels of more than eight bits: scaled where it is known which value is white, refused where it is not.

No file says whether data of 8, 10 or 12 bits was stored in a 16-bit image without scaling, or whether the white of a
floating-point image is 1 or 255. Scaled as 16 bits, such an image would become black, and get a label.
"""

import math
from typing import Any

import numpy as np
from PIL import Image

# Of a strip; at eight bytes for each pixel, 8 MB.
STRIP_PIXELS = 2**20
WHITE_OF_16_BITS = 65535
WHITE_OF_12_BITS = 4095
# The upper byte of 4095: of what Pillow reduces to eight bits itself, only that byte is known.
MAX_UNCLEAR_BYTE = 15
BITS_PER_SAMPLE, PHOTOMETRIC = 258, 262
WHITE_IS_ZERO = 0
FIX = "Convert it to 8 bits for each channel, or scale its values to 0 to 65535."


class UnclearRange(ValueError):
    """It is not known which value of an image is white. The text goes on after the image's name."""


def is_wide(image: Image.Image) -> bool:
    """Whether pixels are integers or floating-point numbers of more than eight bits."""
    return image.mode.startswith("I") or image.mode == "F"


def is_deep(image: Image.Image) -> bool:
    """Whether Pillow will reduce color channels of 16 bits to eight; known before the image is decoded."""
    tiles: list[Any] = getattr(image, "tile", [])
    return image.mode in ("RGB", "RGBA", "LA") and any(";16" in str(tile[3]) for tile in tiles)


def check_range(image: Image.Image, has_deep_pixels: bool) -> None:
    """Raise UnclearRange unless the values fit the range 0 to white and are no data of fewer bits.

    A completely black image is black in every range.
    """
    if is_wide(image):
        low, high = _extrema(image)
        if not 0 <= low <= high <= WHITE_OF_16_BITS:
            raise UnclearRange(f"has values from {low:g} to {high:g}. Expected 0 to {WHITE_OF_16_BITS}")
        if 0 < high <= WHITE_OF_12_BITS and white_of(image) == WHITE_OF_16_BITS:
            kind = "floating-point" if image.mode == "F" else f"{_bits(image)}-bit"
            raise UnclearRange(f"is a {kind} image with values up to {high:g}, so it is not known which value is white")
    elif has_deep_pixels and max(each[1] for each in _channels(image)) <= MAX_UNCLEAR_BYTE:
        raise UnclearRange("is a 16-bit image with values below 4096, so it is not known which value is white")


def to_eight_bits(image: Image.Image, strip: Image.Image) -> Image.Image:
    """A part of an image with wide pixels as L."""
    white = white_of(image)
    values = np.clip(np.asarray(strip, dtype=np.float64), 0, white)
    if _tags(image).get(PHOTOMETRIC) == WHITE_IS_ZERO:
        values = white - values
    return Image.fromarray((values / (white / 255)).round().astype(np.uint8))


def white_of(image: Image.Image) -> int:
    """The value of white: a TIFF file says where its integers have 12 bits."""
    return WHITE_OF_12_BITS if _bits(image) == 12 else WHITE_OF_16_BITS


def _extrema(image: Image.Image) -> tuple[float, float]:
    """The lowest and the highest value. Pillow computes them neither for big-endian integers nor beside infinity."""
    low, high = math.inf, -math.inf
    step = max(1, STRIP_PIXELS // image.width)
    for top in range(0, image.height, step):
        strip = np.asarray(image.crop((0, top, image.width, min(top + step, image.height))))
        low, high = min(low, float(strip.min())), max(high, float(strip.max()))
        if not (math.isfinite(low) and math.isfinite(high)):
            raise UnclearRange("has values that are not numbers")
    return low, high


def _channels(image: Image.Image) -> Any:
    """Extrema of the color channels."""
    extrema = image.getextrema()
    return extrema[:-1] if image.mode in ("RGBA", "LA") else extrema


def _bits(image: Image.Image) -> int:
    bits = _tags(image).get(BITS_PER_SAMPLE, (16,))
    return int(bits[0])


def _tags(image: Image.Image) -> Any:
    """The tags of a TIFF file; nothing for another one."""
    return getattr(image, "tag_v2", {})
