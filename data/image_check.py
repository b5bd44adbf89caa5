"""Inspect one image file: whether it can be used, what is unusual about it, its checksum and its perceptual hash."""

import hashlib
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from temper.errors import UnreadableImage
from temper.images import DECODERS, EncodedImage, load_image, read_image
from temper.images.budget import FILES

IssueKind = Literal[
    "empty", "unreadable", "too small", "duplicate", "label conflict", "leak", "near-duplicate leak",
    "near-duplicate", "wrong suffix", "animated", "EXIF rotation", "transparency", "CMYK", "16 bits",
]  # fmt: skip
MIN_PIXELS = 32
HASH_INPUT_PIXELS = 64
FORMAT_OF = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF"}
# What Pillow calls a JPEG file with further images in it, such as a preview; phones and cameras write them.
SEVERAL_JPEGS = "MPO"
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
    """Decode and hash one file; a file that is no valid image is an issue, not an exception.

    The content is read once: what is hashed is what is decoded, also if the file changes or disappears meanwhile.
    """
    sha256 = ""
    try:
        with FILES.reserve(path.stat().st_size):
            encoded = read_image(path)
            sha256 = hashlib.sha256(encoded.content).hexdigest()
            if not encoded.content:
                return Inspection(path=path, sha256=sha256, issues=(Issue(path=path, kind="empty"),))
            small = Image.fromarray(load_image(encoded, HASH_INPUT_PIXELS))
            issues = _issues_of(path, encoded)
    except UnreadableImage as error:
        reason = error.what.removeprefix(f"{path} ")
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    else:
        phash = imagehash.phash(ImageOps.grayscale(small)).hash.ravel()
        return Inspection(path=path, sha256=sha256, issues=issues, phash=phash)
    return Inspection(path=path, sha256=sha256, issues=(Issue(path=path, kind="unreadable", detail=reason),))


def _issues_of(path: Path, encoded: EncodedImage) -> tuple[Issue, ...]:
    try:
        with Image.open(io.BytesIO(encoded.content), formats=DECODERS) as image:
            return tuple(_unusual_properties(path, image))
    # Pillow's parsers raise any kind of error for damaged metadata, or for a damaged frame of an animation.
    except Exception:
        raise UnreadableImage(f"{path} has damaged metadata") from None


def _unusual_properties(path: Path, image: Image.Image) -> Iterator[Issue]:
    suffix, n_frames = path.suffix.lower(), getattr(image, "n_frames", 1)
    content_format = "JPEG" if image.format == SEVERAL_JPEGS else image.format
    properties: list[tuple[IssueKind, bool, str]] = [
        ("wrong suffix", content_format != FORMAT_OF.get(suffix, suffix[1:].upper()), f"is {content_format}"),
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
