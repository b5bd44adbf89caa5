"""Download the public cats_and_dogs_filtered.zip and unpack its images.

The server publishes no checksum of the archive. An archive is accepted when its size in bytes is the expected one and
the CRC-32 of every unpacked image is right. Its SHA-256 is compared only if one is given.
"""

import http.client
import logging
import shutil
import stat
import urllib.error
import urllib.request
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from temper.cli.progress import ProgressCallback, no_progress
from temper.dataset.listing import write_about
from temper.errors import DataError, UsageError
from temper.images import SUFFIXES
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of

LOGGER = logging.getLogger("temper.data")
CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30
MEGABYTE = 1_000_000
SCHEMES = ("http://", "https://")
# JPEG files hardly shrink in a zip: an archive that grows more than this when it is unpacked is a zip bomb.
MAX_EXPANSION = 10
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
        _transfer(archive, target, present, progress)
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
    except (zipfile.BadZipFile, EOFError, zlib.error) as error:
        source.unlink()
        raise DataError(f"{source} is damaged ({error}); it was removed", fix=TRY_AGAIN) from None
    except DataError:
        source.unlink()
        raise


def _transfer(archive: Archive, target: Path, present: int, progress: ProgressCallback) -> None:
    headers = {"Range": f"bytes={present}-"} if present else {}
    try:
        request = urllib.request.Request(archive.url, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            is_partial = response.status == 206
            with target.open("ab" if is_partial else "wb") as file:
                _copy(response, file, present if is_partial else 0, archive.size, progress)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise DataError(
            f"{archive.url} cannot be downloaded ({getattr(error, 'reason', error)})",
            fix=f"Run the same command again with a connection to it, or copy the file to {target}. {OWN_IMAGES}",
        ) from None


def _copy(source: IO[bytes], target: IO[bytes], done: int, size: int, progress: ProgressCallback) -> None:
    """Copy until the end, or to a little more than `size`: an endless response must not fill the disk."""
    step, total = "downloading (MB)", size // MEGABYTE + 1
    while done <= size and (chunk := source.read(CHUNK_BYTES)):
        done += target.write(chunk)
        progress(step, done // MEGABYTE, total)
    if done == size:
        progress(step, total, total)


def _check_size(archive: Archive, target: Path) -> None:
    size = target.stat().st_size
    if size < archive.size:
        raise DataError(
            f"The connection ended after {size:,} of {archive.size:,} bytes", fix=f"{TRY_AGAIN} The download continues."
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
        if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise DataError(
                f"{archive.filename} has an unsafe entry ({member.filename}); it was removed, and nothing was unpacked",
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
