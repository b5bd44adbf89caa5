"""Look pictures over before they are trained on: what is broken, odd, double, or in two parts at once."""

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from temper.errors import UnreadableImage, UserError
from temper.files import sha256_of, write_text
from temper.images import DECODERS, SUFFIXES, images_in, load_image

Fault = Literal[
    "empty", "unreadable", "tiny", "duplicate", "two labels", "leak",
    "near leak", "near duplicate", "wrong suffix", "animated", "rotated", "transparent", "CMYK", "16 bits",
]  # fmt: skip
# Read by the training stage, which leaves these pictures out.
QUARANTINE = "quarantine.csv"
# These pictures are left out of training; the others are fine to train on and only told of.
QUARANTINED: tuple[Fault, ...] = ("empty", "unreadable", "tiny", "duplicate", "two labels", "leak", "near leak")
LEAKS: tuple[Fault, ...] = ("leak", "near leak")
TINY_PIXELS = 32
HASH_SIDE = 64
# Of 64 bits: photos scaled or compressed again differ in fewer, other photos in about half.
NEAR_BITS = 3
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


def scan(folder: Path, say: Callable[[int, int], None]) -> tuple[list[Finding], Counter[str]]:
    """Every fault of the pictures below a folder, and how many pictures lie in each folder of them.

    `say` is told (looked at, all). Raises UserError when the folder is missing or has no pictures.
    """
    paths = images_in(folder) if folder.is_dir() else []
    if not paths:
        raise UserError(f"{folder} holds no pictures. Expected a folder with {', '.join(SUFFIXES)} files below it.")
    looks = []
    with ThreadPoolExecutor() as pool:
        for look in pool.map(look_at, paths):
            looks.append(look)
            say(len(looks), len(paths))
    sound = [look for look in looks if look.bits is not None]
    groups = _groups(folder, sound)
    copies = {look.path for group in groups for look in group[1:]}
    findings = [
        *(finding for look in looks for finding in look.faults),
        *(finding for group in groups for finding in _duplicates(folder, group)),
        *_near_duplicates(folder, [look for look in sound if look.path not in copies]),
    ]
    counts = Counter(path.parent.relative_to(folder).as_posix() for path in paths)
    return sorted(findings, key=lambda each: (each.path, each.fault)), counts


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


def write_quarantine(target: Path, folder: Path, findings: list[Finding]) -> int:
    """List the pictures to leave out, with the reason; nothing is moved or deleted. Returns their number."""
    reasons: dict[str, str] = {}
    for each in findings:
        if each.fault in QUARANTINED:
            reasons.setdefault(each.path.relative_to(folder).as_posix(), f"{each.fault} {each.other}".strip())
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([("path", "reason"), *reasons.items()])
    write_text(target, text.getvalue())
    return len(reasons)


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


def _groups(folder: Path, looks: list[Look]) -> list[list[Look]]:
    """Looks at equal files, two or more."""
    groups: dict[str, list[Look]] = defaultdict(list)
    for look in _held_out_first(folder, looks):
        groups[look.sha256].append(look)
    return [group for group in groups.values() if len(group) > 1]


def _held_out_first(folder: Path, looks: list[Look]) -> list[Look]:
    # Of two equal pictures the later is left out: it is to be the one that would be trained on.
    return sorted(looks, key=lambda look: (_part(folder, look) != "test", look.path))


def _duplicates(folder: Path, group: list[Look]) -> Iterator[Finding]:
    kept, *copies = group
    mixed = len({look.path.parent.name for look in group}) > 1
    for look in group if mixed else copies:
        other = kept if look is not kept else copies[0]
        crosses = _part(folder, look) != _part(folder, kept)
        fault: Fault = "two labels" if mixed else "leak" if crosses else "duplicate"
        yield Finding(look.path, fault, other.path.relative_to(folder).as_posix())


def _near_duplicates(folder: Path, looks: list[Look]) -> Iterator[Finding]:
    looks = _held_out_first(folder, looks)
    bits = np.array([look.bits for look in looks], dtype=np.uint8)
    for index in range(1, len(looks)):
        distance = (bits[:index] != bits[index]).sum(axis=1)
        nearest = int(distance.argmin())
        if distance[nearest] <= NEAR_BITS:
            crosses = _part(folder, looks[index]) != _part(folder, looks[nearest])
            other = looks[nearest].path.relative_to(folder).as_posix()
            yield Finding(looks[index].path, "near leak" if crosses else "near duplicate", other)


def _part(folder: Path, look: Look) -> str:
    """ "train" or "test" where the folder is parted so; else nothing."""
    top = look.path.relative_to(folder).parts[0]
    return top if top in ("train", "test") else ""
