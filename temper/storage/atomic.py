"""Complete files or none: everything is written to a scratch folder and moved into place at the end."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from temper.storage.publish import finish_publication, flush, publish

SCRATCH_SUFFIX = ".scratch"
LOCK = "lock"


@contextlib.contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a path with the target's name in a scratch folder beside it; what is written there replaces the target.

    A file or a folder; files that are written beside the yielded path are moved with it. When the block raises, nothing
    outside the scratch folder has changed.
    """
    with scratch_beside(target) as scratch:
        yield scratch / target.name
        written = list(scratch.iterdir())
        if written == [scratch / target.name] and written[0].is_file():
            flush(written[0])
            # Otherwise an older file would replace this one later.
            finish_publication(target)
            written[0].replace(target)
        else:
            publish(scratch, target)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    with atomic_write(target) as path:
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the target's file system and remove it afterwards.

    What a killed process left behind is removed by the next call beside it: the operating system lifts the lock of a
    process that ends, however it ends.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(target.parent)
    outer = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=SCRATCH_SUFFIX, dir=target.parent))
    lock = FileLock(outer / LOCK)
    # Some file systems know no locks: nothing stale is removed there.
    with contextlib.suppress(OSError, NotImplementedError):
        lock.acquire()
    scratch = outer / "files"
    try:
        scratch.mkdir()
        yield scratch
    finally:
        lock.release()
        shutil.rmtree(outer, ignore_errors=True)


def remove_stale_scratch(folder: Path) -> None:
    """Remove scratch folders in `folder` whose process has ended."""
    for outer in folder.glob(f".*{SCRATCH_SUFFIX}"):
        # Without the lock file the owner is between two instructions: the folder is a moment old.
        if not (outer / LOCK).exists():
            continue
        with contextlib.suppress(OSError, NotImplementedError, Timeout), FileLock(outer / LOCK, blocking=False):
            shutil.rmtree(outer, ignore_errors=True)
