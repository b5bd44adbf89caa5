"""Inspect one image file: whether it can be used, what is unusual about it, its checksum and its perceptual hash."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from temper.errors import UnreadableImage
from temper.images import DECODERS, load_image
from temper.storage.digest import sha256_of

IssueKind = Literal[
    "empty", "unreadable", "too small", "duplicate", "label conflict", "leak", "near-duplicate leak",
    "near-duplicate", "wrong suffix", "animated", "EXIF rotation", "transparency", "CMYK", "16 bits",
]  # fmt: skip
MIN_PIXELS = 32
HASH_INPUT_PIXELS = 64
FORMAT_OF = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}
EXIF_ORIENTATION = 0x0112


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One issue of one image. detail: the path of the image that it equals or resembles, or what was detected."""

    path: Path
    kind: IssueKind
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """The result for one file. phash: perceptual hash, bool [64]; None for a file that cannot be decoded."""

    path: Path
    sha256: str
    issues: tuple[Issue, ...] = ()
    phash: NDArray[np.bool_] | None = None


def inspect_image(path: Path) -> Inspection:
    """Decode and hash one file; a file that is no valid image is an issue, not an exception."""
    sha256 = sha256_of(path)
    if not path.stat().st_size:
        return Inspection(path=path, sha256=sha256, issues=(Issue(path=path, kind="empty"),))
    try:
        small = Image.fromarray(load_image(path, HASH_INPUT_PIXELS))
        with Image.open(path, formats=DECODERS) as image:
            issues = tuple(_unusual_properties(path, image))
    except UnreadableImage as error:
        reason = error.what.removeprefix(f"{path} ")
    # Pillow's parsers raise these for damaged metadata, or for a damaged frame of an animation.
    except (OSError, SyntaxError, ValueError, EOFError):
        reason = "has damaged metadata"
    else:
        phash = imagehash.phash(ImageOps.grayscale(small)).hash.ravel()
        return Inspection(path=path, sha256=sha256, issues=issues, phash=phash)
    return Inspection(path=path, sha256=sha256, issues=(Issue(path=path, kind="unreadable", detail=reason),))


def _unusual_properties(path: Path, image: Image.Image) -> Iterator[Issue]:
    suffix, n_frames = path.suffix.lower(), getattr(image, "n_frames", 1)
    properties: list[tuple[IssueKind, bool, str]] = [
        ("wrong suffix", image.format != FORMAT_OF.get(suffix, suffix[1:].upper()), f"is {image.format}"),
        ("too small", min(image.size) < MIN_PIXELS, f"{image.width} x {image.height}"),
        ("animated", n_frames > 1, f"{n_frames} frames"),
        ("EXIF rotation", image.getexif().get(EXIF_ORIENTATION, 1) != 1, ""),
        ("transparency", image.has_transparency_data, ""),
        ("CMYK", image.mode == "CMYK", ""),
        ("16 bits", image.mode.startswith("I") or image.mode == "F", ""),
    ]
    for kind, applies, detail in properties:
        if applies:
            yield Issue(path=path, kind=kind, detail=detail)
