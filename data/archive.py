"""Fetch the public cats_and_dogs_filtered.zip: resumed where it stopped, checked, and unpacked with care."""

import json
import shutil
import stat
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from temper.errors import UserError
from temper.images import SUFFIXES
from temper.storage.atomic import atomic_write

CHUNK_BYTES = 1 << 18
TIMEOUT_SECONDS = 30
# Pictures hardly shrink in a zip: what unpacks to much more is not this archive.
LARGEST_GROWTH = 10
PARTS = {"train": "train", "validation": "test"}
LABELS = {"cats": "cat", "dogs": "dog"}


@dataclass(frozen=True)
class Archive:
    """Where an archive lies and how many bytes it has."""

    url: str = "https://storage.googleapis.com/mledu-datasets/cats_and_dogs_filtered.zip"
    size: int = 68_606_236


def download(archive: Archive, target: Path) -> Iterator[int]:
    """Fetch the archive to `target`; yields the bytes that are there. Goes on where an interrupted call stopped.

    Raises UserError when it cannot be reached or its size is not the expected one.
    """
    have = target.stat().st_size if target.exists() else 0
    if have == archive.size:
        return
    request = urllib.request.Request(archive.url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
            resumed = answer.status == 206
            with target.open("ab" if resumed else "wb") as file:
                yield from _copy(answer, file, archive.size)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise UserError(
            f"{archive.url} cannot be fetched ({getattr(error, 'reason', error)}). Run the same command again where "
            f"it can be reached, copy the file to {target}, or use photos of your own: make train DATA=folder."
        ) from None
    _check_size(archive, target)


def unpack(source: Path, folder: Path) -> int:
    """Unpack the pictures of train/ and validation/ into folder/{train,test}/{cat,dog}; returns their number.

    The folder appears whole or not at all. Raises UserError for an archive that is damaged, unsafe, or another one.
    """
    try:
        with zipfile.ZipFile(source) as zipped, atomic_write(folder) as target:
            members = _pictures(zipped)
            for member, name in members:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                with zipped.open(member) as inside, (target / name).open("wb") as file:
                    shutil.copyfileobj(inside, file)
            about = {"title": f"photos of {source.name.partition('.')[0]}", "pictures": len(members)}
            (target / "about.json").write_text(json.dumps(about) + "\n", encoding="utf-8")
            return len(members)
    except (zipfile.BadZipFile, EOFError) as error:
        source.unlink()
        raise UserError(f"The archive is damaged ({error}) and was removed. Run the same command again.") from None


def _copy(source: IO[bytes], target: IO[bytes], size: int) -> Iterator[int]:
    while target.tell() <= size and (chunk := source.read(CHUNK_BYTES)):
        target.write(chunk)
        yield target.tell()


def _check_size(archive: Archive, target: Path) -> None:
    found = target.stat().st_size
    if found < archive.size:
        raise UserError(
            f"The connection ended after {found:,} of {archive.size:,} bytes. Run the same command again: it goes on."
        )
    if found > archive.size:
        target.unlink()
        raise UserError(
            f"{archive.url} is not the expected {archive.size:,} bytes long, so it is another file; it was removed. "
            "Use photos of your own: make train DATA=folder."
        )


def _pictures(zipped: zipfile.ZipFile) -> list[tuple[zipfile.ZipInfo, str]]:
    found, unpacked = [], 0
    for member in zipped.infolist():
        path = PurePosixPath(member.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or stat.S_ISLNK(member.external_attr >> 16):
            raise UserError(f"The archive holds an unsafe entry ({member.filename}); nothing was unpacked.")
        unpacked += member.file_size
        if member.is_dir() or path.suffix.lower() not in SUFFIXES or len(path.parts) < 3:
            continue
        part, label = path.parts[-3:-1]
        if part in PARTS and label in LABELS:
            found.append((member, f"{PARTS[part]}/{LABELS[label]}/{path.name}"))
    if not found or unpacked > LARGEST_GROWTH * sum(member.compress_size for member in zipped.infolist()):
        raise UserError("The archive is not cats_and_dogs_filtered: nothing was unpacked. Remove it and fetch again.")
    return found
