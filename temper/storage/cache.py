"""Files that can be made again, stored in the user's cache folder so that the next start is faster.

The name of a file holds its SHA-256: a damaged or incomplete file is not used.
"""

import hashlib
import tempfile
from collections.abc import Callable
from pathlib import Path

from platformdirs import user_cache_path

from temper.storage.digest import sha256_of

MAX_ENTRIES = 8


def cache_folder() -> Path:
    """This project's folder among the user's caches."""
    return user_cache_path("temper", appauthor=False)


def cache_key(*parts: str) -> str:
    """A key for a file that depends on these parts and on nothing else."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def get_cached(key: str, suffix: str) -> Path | None:
    """The file that was stored under a key, if it is there and undamaged."""
    for path in cache_folder().glob(f"{key}-*{suffix}"):
        if path.name == f"{key}-{sha256_of(path)}{suffix}":
            return path
        path.unlink(missing_ok=True)
    return None


def store(key: str, suffix: str, write: Callable[[Path], object]) -> Path | None:
    """Let `write` write a file and store it under a key; the oldest of its suffix are removed when there are too many.

    None where nothing can be written or `write` raises OSError: without a cache the start is only slower.
    """
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            new = Path(scratch) / f"new{suffix}"
            write(new)
            stored = new.replace(folder / f"{key}-{sha256_of(new)}{suffix}")
        for path in sorted(folder.glob(f"*-*{suffix}"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
            path.unlink(missing_ok=True)
    except OSError:
        return None
    return stored
