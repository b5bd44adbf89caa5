"""Files that can be made again, kept in the user's cache folder so that the next start need not wait for them.

The name of a file holds its SHA-256: what was damaged or half written is not found.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from temper.storage.atomic import sha256_of

MAX_ENTRIES = 8


def cache_folder() -> Path:
    """This project's folder among the user's caches."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "temper"


def cache_key(*parts: str) -> str:
    """A key for a file that depends on these parts and nothing else."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def get_cached(key: str, suffix: str) -> Path | None:
    """The file that was kept under a key, if it is there and whole."""
    for path in cache_folder().glob(f"{key}-*{suffix}"):
        if path.name == f"{key}-{sha256_of(path)}{suffix}":
            return path
        path.unlink(missing_ok=True)
    return None


def keep(key: str, suffix: str, make: Callable[[Path], object]) -> Path | None:
    """Let `make` write a file and keep it under a key; the oldest of its kind go when there are too many.

    None where nothing can be written or `make` raises OSError: without a cache it is only slower.
    """
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            made = Path(scratch) / f"made{suffix}"
            make(made)
            kept = made.replace(folder / f"{key}-{sha256_of(made)}{suffix}")
        for path in sorted(folder.glob(f"*-*{suffix}"), key=lambda path: path.stat().st_mtime)[:-MAX_ENTRIES]:
            path.unlink(missing_ok=True)
    except OSError:
        return None
    return kept
