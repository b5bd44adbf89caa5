"""Copies of artifacts in temporary folders, and what killed servers have left of them."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from temper.artifact import Artifact
from temper.errors import ResourceError
from temper.storage.lock import lock_folder
from temper.trust.policy import authenticate
from temper.trust.signature import signature_path

PREFIX = "temper-serve-"
# A server that has just made its folder locks it a moment later.
MIN_AGE_SECONDS = 60.0


@contextlib.contextmanager
def copy_folder() -> Iterator[Path]:
    """A temporary folder, locked and kept as long as the block runs. Raises ResourceError when none can be made."""
    try:
        temporary = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise ResourceError(f"no temporary folder can be made ({error.strerror})", fix=_fix()) from None
    with temporary as name, lock_folder(Path(name), wait=False):
        yield Path(name)


def copy_artifact(source: Path, folder: Path) -> Artifact:
    """Copy an artifact with its card, signature and golden predictions, and check the copy.

    Raises ArtifactError when it is missing, damaged, may not be loaded, or is being replaced, and ResourceError when
    there is no space.
    """
    artifact = Artifact.at(source)
    # The copy is checked too, when it is opened; a message about it would name a folder that nobody knows.
    authenticate(artifact)
    golden = [source.with_name(artifact.card.golden.file)] if artifact.card.golden else []
    files = [artifact.card_path, signature_path(artifact), *artifact.files, *golden]
    try:
        for file in files:
            if file.is_dir():
                shutil.copytree(file, folder / file.name, dirs_exist_ok=True)
            elif file.exists():
                shutil.copyfile(file, folder / file.name)
    except OSError as error:
        reason = error.strerror or "see -v"
        raise ResourceError(f"{source} cannot be copied to {folder.parent} ({reason})", fix=_fix()) from error
    return Artifact.at(folder / source.name).verified()


def remove_abandoned() -> int:
    """Remove the folders of servers that were killed; returns how many."""
    removed = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            if time.time() - folder.lstat().st_mtime < MIN_AGE_SECONDS:
                continue
            with lock_folder(folder, wait=False) as is_locked:
                if is_locked:
                    shutil.rmtree(folder)
                    removed += 1
    return removed


def _fix() -> str:
    return "Free space, or name another folder in the environment variable TMPDIR."
