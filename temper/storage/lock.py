"""Locks on folders, without lock files: the operating system releases them when a process ends, however it ends."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

# Otherwise a pipe without a writer would block when it is opened. Windows has no such flag.
FLAGS = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0)


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
    """Open a folder; yields its file descriptor. Raises NotADirectoryError for anything else."""
    descriptor = os.open(folder, FLAGS)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
