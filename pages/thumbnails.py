"""Small images inside a page, as data URLs."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from temper.errors import UnreadableImage
from temper.images import open_image

# Height and width of the square that a thumbnail fits into: pages/page.css shows it in this size.
THUMBNAIL_PIXELS = 112
JPEG_QUALITY = 80


@dataclass(frozen=True)
class CaptionedImage:
    """One image, or several side by side, each a data URL and its alternative text; lines below them.

    A URL is "" where an image cannot be read, and sources are empty where images are not shown.
    """

    sources: tuple[tuple[str, str], ...]
    lines: tuple[str, ...]


def thumbnail(image: Image.Image) -> str:
    """A data URL of an image, RGB, scaled down to fit; a small image keeps its size."""
    file, small = io.BytesIO(), image.copy()
    small.thumbnail((THUMBNAIL_PIXELS, THUMBNAIL_PIXELS))
    small.save(file, "JPEG", quality=JPEG_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"


def thumbnail_of_pixels(pixels: NDArray[np.uint8]) -> str:
    """A data URL of decoded pixels, [height, width, 3]."""
    return thumbnail(Image.fromarray(pixels))


def thumbnail_of_file(path: Path) -> str:
    """A data URL of what the network sees of a file; "" for an image that cannot be read."""
    try:
        return thumbnail(open_image(path))
    except UnreadableImage:
        return ""
