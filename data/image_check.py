"""Look one picture over: what is broken or odd about it, its checksum, and how it looks in 64 bits."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from temper.errors import UnreadableImage
from temper.images import DECODERS, load_image
from temper.storage.atomic import sha256_of

Fault = Literal[
    "empty", "unreadable", "tiny", "duplicate", "two labels", "leak",
    "near leak", "near duplicate", "wrong suffix", "animated", "rotated", "transparent", "CMYK", "16 bits",
]  # fmt: skip
TINY_PIXELS = 32
HASH_SIDE = 64
SUFFIX_OF = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}


@dataclass(frozen=True)
class Finding:
    """One fault of one picture; `other` is the picture it equals, or what was found."""

    path: Path
    fault: Fault
    other: str = ""


@dataclass(frozen=True)
class Look:
    """What a look at one file told: its faults, the SHA-256 of its bytes, and 64 bits of how it looks."""

    path: Path
    faults: tuple[Finding, ...]
    sha256: str
    bits: NDArray[np.bool_] | None


def look_at(path: Path) -> Look:
    """Open, decode and hash one file; never raises for a bad one."""
    sha256 = sha256_of(path)
    if not path.stat().st_size:
        return Look(path, (Finding(path, "empty"),), sha256, None)
    try:
        with Image.open(path, formats=DECODERS) as image:
            faults = tuple(_oddities(path, image))
        small = Image.fromarray(load_image(path, HASH_SIDE))
    except (
        UnidentifiedImageError,
        UnreadableImage,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
    ) as error:
        known = isinstance(error, UnreadableImage)
        reason = str(error).removeprefix(f"{path} ").split(". ")[0] if known else "is not a picture that can be read"
        return Look(path, (Finding(path, "unreadable", reason),), sha256, None)
    return Look(path, faults, sha256, imagehash.phash(ImageOps.grayscale(small)).hash.ravel())


def _oddities(path: Path, image: Image.Image) -> Iterator[Finding]:
    suffix = path.suffix.lower()
    if image.format != SUFFIX_OF.get(suffix, suffix[1:].upper()):
        yield Finding(path, "wrong suffix", f"is {image.format}")
    if min(image.size) < TINY_PIXELS:
        yield Finding(path, "tiny", f"{image.width} x {image.height}")
    if getattr(image, "n_frames", 1) > 1:
        yield Finding(path, "animated", f"{image.n_frames} frames")  # type: ignore[attr-defined]
    if image.getexif().get(0x0112, 1) != 1:
        yield Finding(path, "rotated", "by its EXIF tag")
    if image.has_transparency_data:
        yield Finding(path, "transparent")
    if image.mode == "CMYK":
        yield Finding(path, "CMYK")
    if image.mode.startswith("I") or image.mode == "F":
        yield Finding(path, "16 bits")
