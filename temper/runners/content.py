"""What a runtime gets of an artifact: bytes that were read once and are those of the card, never a path twice."""

import tempfile
from pathlib import Path

from temper.artifact import Artifact
from temper.closing import Closing
from temper.storage.memory_file import MemoryFile


class Content(Closing):
    """The content of an artifact while it is loaded; a context manager.

    Every method raises ArtifactError for missing, damaged or replaced files. is_checked: whether one has returned.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self.is_checked = False

    def read(self) -> tuple[MemoryFile, ...]:
        """The artifact's files in memory, in the order of Artifact.files."""
        contents = self._artifact.read()
        self.is_checked = True
        return contents

    def copy(self) -> Path:
        """The path of a private copy, for a runtime that takes no bytes; it is removed when the artifact is loaded."""
        self._copy = self._copy or tempfile.TemporaryDirectory(prefix="temper-load-", ignore_cleanup_errors=True)
        copied = self._artifact.copy_to(Path(self._copy.name))
        self.is_checked = True
        return copied

    def check(self) -> None:
        """Check the files, for a runtime that loads something else in their place, such as a cached file."""
        self._artifact.check()
        self.is_checked = True

    def close(self) -> None:
        """Remove the private copy."""
        if self._copy:
            self._copy.cleanup()
