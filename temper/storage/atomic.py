"""Complete files or none: everything is written to a scratch folder and moved into place at the end."""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from temper.errors import ArtifactError
from temper.storage.lock import lock_folder
from temper.storage.publish import finish_publication, flush, flush_folder, publish

SCRATCH_SUFFIX = ".scratch"
# Inside a scratch folder; a folder of the user with the same suffix has no such folder inside.
FILES = "temper-files"
# A process makes, locks and fills its scratch folder in much less time than this.
FRESH_SECONDS = 60


@contextlib.contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a path with the target's name in a scratch folder beside it; what is written there replaces the target.

    A file or a folder; files that are written beside the yielded path are moved with it. A symbolic link stays, and
    what it leads to is replaced. When the block raises, nothing outside the scratch folder has changed. Raises
    ArtifactError for a folder that somebody else made under the target's name meanwhile.
    """
    target = target.resolve() if target.is_symlink() else target
    was_there = target.exists()
    with scratch_beside(target) as scratch:
        yield scratch / target.name
        written = list(scratch.iterdir())
        if written == [scratch / target.name] and written[0].is_file():
            flush(written[0])
            # Otherwise an older file would replace this one later.
            finish_publication(target)
            written[0].replace(target)
            flush_folder(target.parent)
            return
        if target.is_dir() and not was_there:
            raise ArtifactError(f"{target} was made by another command meanwhile", fix="Run the same command again.")
        publish(scratch, target)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    with atomic_write(target) as path:
        path.write_text(text, encoding="utf-8")


@contextlib.contextmanager
def scratch_beside(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the target's file system and remove it afterwards.

    What a killed process left behind is removed by the next call beside it: its lock is free.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(target.parent)
    outer = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=SCRATCH_SUFFIX, dir=target.parent))
    scratch = outer / FILES
    with lock_folder(outer):
        try:
            scratch.mkdir()
            yield scratch
        finally:
            _remove(outer)


@contextlib.contextmanager
def own_temporary_files() -> Iterator[Path]:
    """Let all temporary files of this process, also those of libraries, go to one folder; yields it.

    It is in the system's folder for temporary files, and is removed at the end; after a kill, by the next call.
    """
    before, variable = tempfile.tempdir, os.environ.get("TMPDIR")
    with scratch_beside(Path(tempfile.gettempdir()) / "temper") as folder:
        tempfile.tempdir = os.environ["TMPDIR"] = str(folder)
        try:
            yield folder
        finally:
            tempfile.tempdir = before
            os.environ.pop("TMPDIR")
            if variable is not None:
                os.environ["TMPDIR"] = variable


def remove_stale_scratch(folder: Path) -> None:
    """Remove scratch folders in `folder` whose process has ended; nothing where folders cannot be locked."""
    for outer in folder.glob(f".*{SCRATCH_SUFFIX}"):
        # Folders for temporary files are shared, and another user may have made a link to anything.
        if outer.is_symlink():
            continue
        with contextlib.suppress(OSError), lock_folder(outer, wait=False) as is_locked:
            # A process has made its folder before it locks it, and locked it before it makes a folder inside.
            is_old = time.time() - outer.stat().st_mtime > FRESH_SECONDS
            if is_locked and ((outer / FILES).exists() or is_old):
                _remove(outer)


def _remove(outer: Path) -> None:
    # The lock is held until the files are gone: a process that is killed here leaves files without a lock, or nothing.
    shutil.rmtree(outer / FILES, ignore_errors=True)
    with contextlib.suppress(OSError):
        outer.rmdir()
