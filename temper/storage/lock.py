"""Locks on folders, without lock files: the operating system releases them when a process ends, however it ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def lock_folder(folder: Path, wait: bool = True) -> Iterator[bool]:
    """Lock a folder for this thread, and yield whether it is locked.

    It is not where another one holds the lock (only without `wait`), and where folders cannot be locked: on Windows and
    on some network file systems.
    """
    with contextlib.ExitStack() as stack:
        try:
            # Windows has no such module.
            import fcntl

            fcntl.flock(stack.enter_context(open_folder(folder)), fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            is_locked = True
        except (OSError, ImportError):
            is_locked = False
        yield is_locked


@contextlib.contextmanager
def open_folder(folder: Path) -> Iterator[int]:
    """Open a folder; yields its file descriptor."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
