"""Download the public cats_and_dogs_filtered.zip and unpack its images.

Its server publishes no checksum. It is accepted from its address (https) when its size in bytes is the expected one and
the CRC-32 of every unpacked image is right; the SHA-256 is compared if one is given. Another address needs a SHA-256.
"""

import contextlib
import logging
import lzma
import shutil
import stat
import struct
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from data.transfer import WrongPlace, receive
from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.listing import write_about
from temper.errors import DataError, UsageError
from temper.images import SUFFIXES
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of

LOGGER = logging.getLogger("temper.data")
MEGABYTE = 1_000_000
SCHEMES = ("http://", "https://")
# JPEG files hardly shrink in a zip: an archive that grows more than this when it is unpacked is a zip bomb.
MAX_EXPANSION = 10
# Besides damage: encryption (RuntimeError), an unknown method, and fields that contradict each other.
UNPACK_ERRORS = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, RuntimeError, NotImplementedError,
    ValueError, OverflowError, LookupError,
)  # fmt: skip
MAX_NAME_BYTES = 200
SUBSETS = {"train": "train", "validation": "test"}
LABELS = {"cats": "cat", "dogs": "dog"}
OWN_IMAGES = "Use images of your own: `make train DATA=folder`."
TRY_AGAIN = "Run the same command again."


@dataclass(frozen=True, kw_only=True)
class Archive:
    """A zip archive on a server. size: in bytes. sha256: in hex; empty: it is not compared."""

    url: str = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"
    size: int = 68_606_236
    sha256: str = ""


def download(archive: Archive, target: Path, progress: ProgressCallback = no_progress) -> None:
    """Download the archive to `target`; a partial file that is there already is continued.

    Raises UsageError when the URL is neither http nor https, DataError when the server cannot be reached, and when the
    size or the SHA-256 is not the expected one.
    """
    if not archive.url.lower().startswith(SCHEMES):
        raise UsageError(f"{archive.url} is not an address that begins with http:// or https://", fix="Check --url.")
    present = target.stat().st_size if target.exists() else 0
    if present < archive.size:
        try:
            _transfer(archive, target, present, progress)
        except DataError as error:
            if isinstance(error.__cause__, WrongPlace):
                # The next run starts from the beginning.
                target.unlink()
            raise
    _check_size(archive, target)
    _check_sha256(archive, target)


def unpack(source: Path, folder: Path) -> int:
    """Unpack the images of train/ and validation/ to folder/{train,test}/{cat,dog}; returns the number of images.

    Either the complete folder is written or nothing. Raises DataError when the archive is damaged, has unsafe entries,
    or is another one; the archive is removed then.
    """
    try:
        with zipfile.ZipFile(source) as archive, atomic_write(folder) as target:
            members = _select_images(archive)
            for member, name in members:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                with archive.open(member) as packed, (target / name).open("wb") as file:
                    shutil.copyfileobj(packed, file)
            write_about(target, f"photos of {source.name.partition('.')[0]}", len(members))
            return len(members)
    except UNPACK_ERRORS as error:
        source.unlink()
        raise DataError(
            f"{source} is damaged or no plain zip archive ({error}); it was removed", fix=TRY_AGAIN
        ) from error
    except DataError:
        source.unlink()
        raise


def _transfer(archive: Archive, target: Path, present: int, progress: ProgressCallback) -> None:
    """Write what is missing, and at most a little more: an endless response must not fill the disk."""
    fix = f"Run the same command again with a connection to it, or copy the file to {target}. {OWN_IMAGES}"
    step, total, done = "downloading (MB)", archive.size // MEGABYTE + 1, present
    with target.open("ab") as file, contextlib.closing(receive(archive.url, present, fix)) as chunks:
        for chunk in chunks:
            if not chunk:
                file.truncate(0)
                done = 0
            done += file.write(chunk)
            progress(step, min(done // MEGABYTE, total - 1), total)
            if done > archive.size:
                break
    if done == archive.size:
        progress(step, total, total)


def _check_size(archive: Archive, target: Path) -> None:
    size = target.stat().st_size
    if size < archive.size:
        raise DataError(
            f"the connection ended after {size:,} of {archive.size:,} bytes", fix=f"{TRY_AGAIN} The download continues."
        )
    if size > archive.size:
        target.unlink()
        raise DataError(
            f"{archive.url} has more than the expected {archive.size:,} bytes, so it is another file; it was removed",
            fix=OWN_IMAGES,
        )


def _check_sha256(archive: Archive, target: Path) -> None:
    sha256 = sha256_of(target)
    LOGGER.info("SHA-256 of the archive: %s", sha256)
    if archive.sha256 and sha256 != archive.sha256.lower():
        target.unlink()
        raise DataError(
            f"{archive.url} has another SHA-256 than the expected {archive.sha256}; it was removed", fix=OWN_IMAGES
        )


def _select_images(archive: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    """The images, each with its path in the new folder. Raises DataError before anything is unpacked."""
    images, members = [], archive.infolist()
    for member in members:
        path = PurePosixPath(member.filename.replace("\\", "/"))
        is_long = len(path.name.encode(errors="replace")) > MAX_NAME_BYTES
        if path.is_absolute() or ".." in path.parts or is_long or stat.S_ISLNK(member.external_attr >> 16):
            name = member.filename[:MAX_NAME_BYTES]
            raise DataError(
                f"{archive.filename} has an unsafe entry ({name}); it was removed, and nothing was unpacked",
                fix=OWN_IMAGES,
            )
        if member.is_dir() or path.suffix.lower() not in SUFFIXES or len(path.parts) < 3:
            continue
        subset, label = path.parts[-3:-1]
        if subset in SUBSETS and label in LABELS:
            images.append((member, f"{SUBSETS[subset]}/{LABELS[label]}/{path.name}"))
    packed, unpacked = (sum(getattr(m, name) for m in members) for name in ("compress_size", "file_size"))
    if not images or unpacked > MAX_EXPANSION * packed:
        raise DataError(
            f"{archive.filename} is not cats_and_dogs_filtered; it was removed, and nothing was unpacked",
            fix=f"{TRY_AGAIN} {OWN_IMAGES}",
        )
    return images
