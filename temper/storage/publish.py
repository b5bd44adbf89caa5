"""Several files that replace their predecessors together, whatever interrupts the replacement.

The complete new files are first renamed, in one step, to a journal: a hidden folder beside the target. Then each file
moves to its place. Before the first step the old files are unchanged; after it the new ones are complete, and whoever
meets the journal next (a command or a reader) finishes the moves.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

JOURNAL_SUFFIX = ".publish"
REPLACED = ".replaced"


def publish(scratch: Path, target: Path) -> None:
    """Move all entries of the folder `scratch`, which is on the same file system, to the folder of `target`.

    The names of the entries decide where they go; `target` names the journal. Raises OSError when they cannot be moved.
    """
    flush(scratch)
    with _lock(target.parent):
        _finish(target)
        scratch.replace(journal_of(target))
        _finish(target)


def finish_publication(target: Path) -> None:
    """Complete a publication that was interrupted; does nothing when there is none."""
    if journal_of(target).is_dir():
        with _lock(target.parent):
            _finish(target)


def journal_of(target: Path) -> Path:
    """The folder that holds what is being published under the name of `target`."""
    return target.with_name(f".{target.name}{JOURNAL_SUFFIX}")


def flush(path: Path) -> None:
    """Make sure that a file, or a folder with all that is in it, is on the disk."""
    for each in [path, *path.rglob("*")]:
        if each.is_dir():
            flush_folder(each)
        elif each.is_file():
            with each.open("rb") as stream:
                os.fsync(stream.fileno())


def flush_folder(folder: Path) -> None:
    """Make sure that the names in a folder are on the disk; some systems cannot do this."""
    with contextlib.suppress(OSError), _opened(folder) as descriptor:
        os.fsync(descriptor)


def _finish(target: Path) -> None:
    journal = journal_of(target)
    if not journal.is_dir():
        return
    for source in sorted(journal.iterdir()):
        if not source.name.endswith(REPLACED):
            _move(source, target.parent / source.name)
    for replaced in journal.glob(f"*{REPLACED}"):
        shutil.rmtree(replaced, ignore_errors=True)
    with contextlib.suppress(OSError):
        journal.rmdir()
    flush_folder(target.parent)


def _move(source: Path, target: Path) -> None:
    if target.is_dir() and not target.is_symlink():
        # A folder cannot be replaced in one step: the old one is moved to the journal first.
        target.replace(source.with_name(target.name + REPLACED))
    source.replace(target)


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[None]:
    """Wait until no other process or thread publishes in the folder; the lock ends with the process.

    The folder itself is locked, so no lock file is left behind. Where that is impossible (Windows, some network file
    systems), two commands must not publish the same target at once.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError, ImportError):
            import fcntl

            fcntl.flock(stack.enter_context(_opened(folder)), fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
