"""TensorRT's timing cache for one GPU, driver and version, stored between builds.

TensorRT-RTX measures nothing when it builds: its cache stays empty.
"""

import contextlib
import hashlib
import re
import warnings
from pathlib import Path
from typing import Any

from temper.storage.atomic import atomic_write
from temper.storage.cache import PRIVATE_FILE, cache_folder, private_folder, read_private


def cache_path(*key: str) -> Path:
    """Where the cache of a GPU, driver and TensorRT version is, in the user's cache folder."""
    name = re.sub(r"[^A-Za-z0-9.]+", "-", "_".join(part for part in key if part))
    return cache_folder() / f"{name}.timing"


def load_cache(config: Any, path: Path) -> None:
    """Give a builder configuration the cache that is stored, or an empty one where it is missing or refused."""
    stored = read_private(path) or b""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        cache = config.create_timing_cache(stored) or config.create_timing_cache(b"")
        if not config.set_timing_cache(cache, False):
            config.set_timing_cache(config.create_timing_cache(b""), False)


def save_cache(config: Any, path: Path) -> str:
    """Store what the build added, atomically; returns the name and the start of its SHA-256."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        content = bytes(config.get_timing_cache().serialize())
    if read_private(path) != content:
        # Without the cache the next build is only slower.
        with contextlib.suppress(OSError):
            private_folder()
            with atomic_write(path) as fresh:
                fresh.touch(mode=PRIVATE_FILE)
                fresh.write_bytes(content)
    return f"{path.name} {hashlib.sha256(content).hexdigest()[:12]}"
