"""From an image file to the pixels of the network's input.

What is done here is recorded in every card as temper.card.Preprocessing, and described in docs/preprocessing.md: change
all three together.
"""

import contextlib
import ctypes
import logging
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

from temper.dataset.image_files import DECODERS, MAX_BYTES, MAX_PIXELS, MAX_PIXELS_OF_PILLOW
from temper.errors import UnreadableImage
from temper.images.budget import PIXELS, needed_bytes
from temper.images.encoded import EncodedImage, open_encoded
from temper.images.pixels import ImageArray, upright
from temper.images.wide import FIX, UnclearRange, is_deep

START_OF_SCAN = b"\xff\xda"
CHUNK_BYTES = 2**20
# Twice the ten scans that encoders write, of the largest image; about four seconds.
MAX_SCANNED_PIXELS = 20 * MAX_PIXELS
# Pillow reads run lengths in Python: 33 million pixels in 2 to 3.5 s of an AMD EPYC.
MAX_RUN_LENGTH_PIXELS = 10_000_000
# BI_RLE8 and BI_RLE4 of a bitmap's header; what Pillow gives for other formats has letters.
RUN_LENGTHS = (1, 2)
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """How much of an image is decoded.

    full: a large JPEG is decoded at its full scale, and not at 1/2, 1/4 or 1/8 of it. max_pixels: what has more is
    refused before it is decoded.
    """

    full: bool = False
    max_pixels: int = MAX_PIXELS


DEFAULT = Decoding()


def load_image(path: Path | EncodedImage, size: int, decoding: Decoding = DEFAULT) -> ImageArray:
    """Decode a file to uint8 RGB [size, size, 3].

    A large JPEG is decoded at 1/2, 1/4 or 1/8 of its scale, never below `size`, which costs a quarter of a full decode
    of a 12-megapixel photo. Waits while the images of other threads need the memory (temper.images.budget). Raises
    UnreadableImage for anything that is not a valid image.
    """
    return _decode(path, decoding, size, lambda image: fit(image, size))


def open_image(path: Path | EncodedImage, decoding: Decoding = DEFAULT) -> Image.Image:
    """Decode a file in full to an RGB image with its orientation applied. Raises UnreadableImage."""
    return _decode(
        path, replace(decoding, full=True), 0, lambda image: image if image.mode == "RGB" else image.convert("RGB")
    )


def _decode(
    path: Path | EncodedImage, decoding: Decoding, size: int, finish: Callable[[Image.Image], Result]
) -> Result:
    """What `finish` makes of the upright image, RGB or L. size: of the network's input."""
    _silence_pillow()
    with open_encoded(path) as file:
        try:
            with Image.open(file, formats=DECODERS) as image:
                _check_size(path, image, size, decoding.max_pixels)
                _check_scans(path, image, file)
                _check_run_lengths(path, image)
                full_size, has_deep_pixels = image.size, is_deep(image)
                if not decoding.full:
                    image.draft("RGB", (size, size))
                with PIXELS.reserve(needed_bytes(image, full_size)):
                    image.load()
                    result = finish(upright(image, has_deep_pixels))
                    if result is not image:
                        # Pillow's objects form cycles: without this, the pixels would stay until they are collected.
                        image.close()
                    return result
        except UnreadableImage:
            raise
        except UnidentifiedImageError:
            raise UnreadableImage(
                f"{path} is not an image that can be read. Expected {', '.join(DECODERS)}", fix="Remove or convert it."
            ) from None
        except Exception as error:
            raise unreadable(path, error) from None


def unreadable(path: Path | EncodedImage | str, error: Exception) -> UnreadableImage:
    """What is wrong with an image, from what was raised while it was decoded.

    Pillow's parsers raise many kinds of error on damaged files; all have the same cause for the reader.
    """
    if isinstance(error, UnclearRange):
        return UnreadableImage(f"{path} {error}", fix=FIX)
    if isinstance(error, MemoryError):
        return UnreadableImage(f"{path} needs more memory than there is", fix="Scale it down, or close other programs.")
    if isinstance(error, Image.DecompressionBombError):
        return UnreadableImage(f"{path} has more than {MAX_PIXELS_OF_PILLOW:,} pixels, the limit", fix="Scale it down.")
    return UnreadableImage(f"{path} is damaged ({str(error) or type(error).__name__})", fix="Replace or remove it.")


def _check_size(path: Path | EncodedImage, image: Image.Image, size: int, max_pixels: int) -> None:
    if image.width * image.height > max_pixels:
        raise UnreadableImage(
            f"{path} has {image.width} x {image.height} pixels; the limit is {max_pixels:,}",
            fix="Scale it down, or raise the limit.",
        )
    # Pillow may stretch the rows first.
    if image.width < size and size * image.height > max_pixels:
        raise UnreadableImage(
            f"{path} has {image.width} x {image.height} pixels, and stretched to a width of {size} too many",
            fix="Cut it.",
        )


def _check_scans(path: Path | EncodedImage, image: Image.Image, file: BinaryIO) -> None:
    """Refuse a progressive JPEG whose scans, each of which goes over the complete image, would take many seconds."""
    if "progressive" not in image.info:
        return
    scans = _count_scans(file)
    if scans * image.width * image.height > MAX_SCANNED_PIXELS:
        raise UnreadableImage(f"{path} has {scans} scans, too many for its size", fix="Save it again.")


def _check_run_lengths(path: Path | EncodedImage, image: Image.Image) -> None:
    """Refuse a BMP whose pixels are stored as run lengths, and are too many to decode in time."""
    if image.width * image.height > MAX_RUN_LENGTH_PIXELS and image.info.get("compression") in RUN_LENGTHS:
        raise UnreadableImage(
            f"{path} stores {image.width} x {image.height} pixels as run lengths; the limit is "
            f"{MAX_RUN_LENGTH_PIXELS:,}",
            fix="Save it as PNG.",
        )


def _count_scans(file: BinaryIO) -> int:
    """Markers of a scan in the first MAX_BYTES of a file, whose position does not change; one chunk is in memory."""
    position, scans, end = file.tell(), 0, b""
    file.seek(0)
    for _ in range(MAX_BYTES // CHUNK_BYTES):
        if not (chunk := file.read(CHUNK_BYTES)):
            break
        # A marker may begin at the end of one chunk and end in the next.
        scans += (end + chunk).count(START_OF_SCAN)
        end = chunk[-1:]
    file.seek(position)
    return scans


def fit(image: Image.Image, size: int) -> ImageArray:
    """Stretch an image, RGB or L, to uint8 RGB [size, size, 3], bilinear with antialiasing."""
    resized = image.resize((size, size), Image.Resampling.BILINEAR)
    return np.asarray(resized if resized.mode == "RGB" else resized.convert("RGB"), dtype=np.uint8)


def to_rgb(image: Image.Image) -> Image.Image:
    """An image of any mode as RGB, its EXIF orientation applied: 16 bits scaled to 8, transparency composited on white.

    The image of the caller is not changed, and shares no pixels with the result. Raises UnclearRange where it is not
    known which value is white, and Pillow's errors for a damaged image that is decoded only now.
    """
    has_deep_pixels = is_deep(image)
    image.load()
    converted = upright(image, has_deep_pixels)
    return image.copy() if converted is image and image.mode == "RGB" else converted.convert("RGB")


@lru_cache(maxsize=1)
def _silence_pillow() -> None:
    """What is wrong with a file is reported with its name, and not by a warning that names a line of Pillow.

    Not at import, and not for each image: filters are global.
    """
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
    warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    _silence_libtiff()


def _silence_libtiff() -> None:
    """Let libtiff print nothing: it writes to stderr itself, up to a line for each row of a damaged image."""
    with contextlib.suppress(OSError, AttributeError):
        loaded = set(re.findall(r"/\S*libtiff\S*", Path("/proc/self/maps").read_text()))
        for library in map(ctypes.CDLL, loaded):
            library.TIFFSetErrorHandler(None)
            library.TIFFSetWarningHandler(None)
