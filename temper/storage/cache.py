"""Files that can be made again, stored in the user's cache folder so that the next start is faster.

The name of a file holds a SHA-256 of its key and its content: a damaged file, and one that was renamed, is not used.
The folder and its files belong to this user alone: what another user may have written is not used either.
"""

import contextlib
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from platformdirs import user_cache_path

from temper.errors import ArtifactError
from temper.storage.memory_file import MemoryFile, read_stream
from temper.storage.reading import open_regular

MAX_ENTRIES = 8
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
WRITABLE_BY_OTHERS = stat.S_IWGRP | stat.S_IWOTH


def cache_folder() -> Path:
    """This project's folder among the user's caches."""
    return user_cache_path("temper", appauthor=False)


def private_folder() -> Path:
    """The same folder, which exists and is this user's alone from now on.

    Raises PermissionError when it belongs to another user, OSError where it cannot be made.
    """
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    status = folder.stat()
    if not _is_own(status):
        raise PermissionError(13, "it belongs to another user", str(folder))
    if stat.S_IMODE(status.st_mode) != PRIVATE_FOLDER:
        folder.chmod(PRIVATE_FOLDER)
    return folder


def read_private(path: Path) -> bytes | None:
    """The content of a file in the cache folder; None where it is missing, or where another user could write it."""
    try:
        with _open_private(path) as stream:
            return stream.read()
    except (OSError, ArtifactError):
        return None


def cache_key(*parts: str) -> str:
    """A key for a file that depends on these parts and on nothing else."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def get_cached(key: str, suffix: str) -> MemoryFile | None:
    """What was stored under a key, if it is there, undamaged and this user's."""
    try:
        folder = private_folder()
    except OSError:
        return None
    for path in folder.glob(f"{key}-*{suffix}"):
        with contextlib.suppress(OSError, ArtifactError), _open_private(path) as stream:
            digest = hashlib.sha256(key.encode())
            file = read_stream(stream, digest)
            if path.name == _name(key, digest.hexdigest(), suffix):
                return file
        with contextlib.suppress(OSError):
            path.unlink()
    return None


def store(key: str, suffix: str, write: Callable[[Path], object]) -> MemoryFile | None:
    """Let `write` write a file and store it under a key, in place of what was there; returns its content.

    The oldest files of the suffix are removed when there are too many. None where nothing can be written or `write`
    raises OSError: without a cache the start is only slower.
    """
    try:
        folder = private_folder()
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            new = Path(scratch) / f"new{suffix}"
            write(new)
            new.chmod(PRIVATE_FILE)
            digest = hashlib.sha256(key.encode())
            with open_regular(new) as stream:
                file = read_stream(stream, digest)
            stored = new.replace(folder / _name(key, digest.hexdigest(), suffix))
        for path in folder.glob(f"{key}-*{suffix}"):
            if path != stored:
                path.unlink(missing_ok=True)
        for path in sorted(folder.glob(f"*-*{suffix}"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
            path.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def cached_folder(key: str, suffix: str) -> Path:
    """A folder in which a library stores by itself what depends on a key; it is this user's alone, but not checked.

    The folders of the suffix that were not asked for the longest are removed when there are too many. Raises OSError
    where it cannot be made.
    """
    folder = private_folder() / f"{key}{suffix}"
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    os.utime(folder)
    for path in sorted(folder.parent.glob(f"*{suffix}"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
        shutil.rmtree(path, ignore_errors=True)
    return folder


def _open_private(path: Path) -> BinaryIO:
    """Open a file. Raises PermissionError for one that another user could write."""
    private_folder()
    stream = open_regular(path)
    status = os.fstat(stream.fileno())
    if _is_own(status) and not status.st_mode & WRITABLE_BY_OTHERS:
        return stream
    stream.close()
    raise PermissionError(13, "another user could write it", str(path))


def _name(key: str, sha256: str, suffix: str) -> str:
    return f"{key}-{sha256}{suffix}"


def _is_own(status: os.stat_result) -> bool:
    # Windows has no such function, and keeps caches in the user's own folder.
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()
