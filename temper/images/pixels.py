"""Decoded images of any kind to upright RGB: 16 bits scaled to 8, transparency composited on white.

Large images are converted in strips: besides the decoded pixels and the result, only one strip is in memory.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image

from temper.images.wide import STRIP_PIXELS, check_range, is_wide, to_eight_bits

ImageArray = NDArray[np.uint8]
Box = tuple[int, int, int, int]

WHITE = (255, 255, 255, 255)
GRAY_MODES = ("L", "1")
NORMAL = 1
# EXIF orientation: how the stored pixels are transposed.
TRANSPOSED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
SIDEWAYS = (5, 6, 7, 8)
# The first upright rows are the last rows, or columns, of the stored pixels.
FROM_THE_END = (3, 4, 7, 8)


def upright(image: Image.Image, has_deep_pixels: bool = False) -> Image.Image:
    """A decoded image as RGB, or as L where it is gray, its EXIF orientation applied; the image itself if it is both.

    has_deep_pixels: whether the file has 16 bits for each channel, of which the image has the upper eight. Raises
    UnclearRange where it is not known which value is white.
    """
    check_range(image, has_deep_pixels)
    orientation = orientation_of(image)
    if orientation == NORMAL and image.mode in ("RGB", "L") and not image.has_transparency_data:
        return image
    size = (image.height, image.width) if orientation in SIDEWAYS else image.size
    result = Image.new(upright_mode(image), size)
    top = 0
    for box in _strips(image.size, orientation):
        strip = _eight_bits(image, image.crop(box))
        if orientation != NORMAL:
            strip = strip.transpose(TRANSPOSED[orientation])
        result.paste(strip.convert(result.mode), (0, top))
        top += strip.height
    return result


def orientation_of(image: Image.Image) -> int:
    """The EXIF orientation, 1 to 8; 1 where there is none, or another value."""
    orientation = image.getexif().get(ExifTags.Base.Orientation, NORMAL)
    return orientation if orientation in TRANSPOSED else NORMAL


def upright_mode(image: Image.Image) -> str:
    """The mode of the result of `upright`."""
    is_gray = is_wide(image) or (image.mode in GRAY_MODES and not image.has_transparency_data)
    return "L" if is_gray else "RGB"


def _strips(size: tuple[int, int], orientation: int) -> Iterator[Box]:
    """Strips of the stored pixels, in the order of the upright rows that they become."""
    width, height = size
    length, across = (width, height) if orientation in SIDEWAYS else (height, width)
    step = max(1, STRIP_PIXELS // across)
    for start in range(0, length, step):
        first, last = start, min(start + step, length)
        if orientation in FROM_THE_END:
            first, last = length - last, length - first
        yield (first, 0, last, height) if orientation in SIDEWAYS else (0, first, width, last)


def _eight_bits(image: Image.Image, strip: Image.Image) -> Image.Image:
    if is_wide(image):
        return to_eight_bits(image, strip)
    if image.has_transparency_data:
        layer = strip.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, WHITE), layer)
    return strip
