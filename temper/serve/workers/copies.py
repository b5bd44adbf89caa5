"""Copies of artifacts in temporary folders: what a server uses does not change when a new artifact is published."""

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from temper.artifact import Artifact
from temper.errors import ResourceError
from temper.storage.atomic import scratch_beside
from temper.trust.policy import authenticate
from temper.trust.signature import signature_path

PREFIX = "temper-serve"
OTHER_TEMPORARY_FOLDER = "Free space, or name another folder in the environment variable TMPDIR."


@contextlib.contextmanager
def copy_folder() -> Iterator[Path]:
    """A temporary folder for a copy. Those of servers that were killed are removed. Raises ResourceError for none."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_beside(Path(tempfile.gettempdir()) / PREFIX))
        except OSError as error:
            raise ResourceError(
                f"no temporary folder can be made ({error.strerror})", fix=OTHER_TEMPORARY_FOLDER
            ) from None
        yield folder


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
        raise ResourceError(
            f"{source} cannot be copied to {folder.parent} ({reason})", fix=OTHER_TEMPORARY_FOLDER
        ) from error
    return Artifact.at(folder / source.name).verified()
