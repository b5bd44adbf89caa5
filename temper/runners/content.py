"""What a runtime gets of an artifact: bytes that were read once and are those of the card, never a path twice."""

import tempfile
from concurrent.futures import Future
from pathlib import Path

from temper.artifact import Artifact, Contents
from temper.closing import Closing
from temper.system import background


class Content(Closing):
    """The content of an artifact while it is loaded; a context manager.

    Every method but `read_ahead` raises ArtifactError for missing, damaged or replaced files. is_checked: whether one
    has returned.
    """

    def __init__(self, artifact: Artifact) -> None:
        self._artifact = artifact
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._reading: Future[Contents] | None = None
        self.is_checked = False

    def read_ahead(self) -> None:
        """Let a thread read and check the files while the runtime is imported; a folder is read when it is needed.

        The card must be read by then: the thread compares with it.
        """
        if not self._artifact.format.is_folder:
            self._reading = background.start(self._artifact.read)

    def read(self) -> Contents:
        """The artifact's files in memory, in the order of Artifact.files."""
        contents = self._reading.result() if self._reading else self._artifact.read()
        self.is_checked = True
        return contents

    def copy(self) -> Path:
        """The path of a private copy, for a runtime that takes no bytes; it is removed when the artifact is loaded."""
        self._copy = self._copy or tempfile.TemporaryDirectory(prefix="temper-load-", ignore_cleanup_errors=True)
        contents = self._reading.result() if self._reading else None
        copied = self._artifact.copy_to(Path(self._copy.name), contents)
        self.is_checked = True
        return copied

    def check(self) -> None:
        """Check the files, for a runtime that loads something else in their place, such as a cached file."""
        if self._reading:
            self._reading.result()
        else:
            self._artifact.check()
        self.is_checked = True

    def close(self) -> None:
        """Remove the private copy, and release what is in memory unless the runtime uses it."""
        self._reading = None
        if self._copy:
            self._copy.cleanup()
