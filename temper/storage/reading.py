"""Files that may come from anywhere: only regular ones are opened, none blocks, and none is larger than it may be."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from temper.errors import ArtifactError, make_again

# A pipe without a writer would block when it is opened. Windows needs the other flag.
FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes, without a buffer.

    Raises FileNotFoundError and other errors of the operating system, ArtifactError for a pipe, a device or a folder.
    """
    number = os.open(path, FLAGS)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ArtifactError(f"{path} is not a regular file", fix="Name a file; a pipe or a device cannot be read.")
    return os.fdopen(number, "rb", buffering=0)


def read_file(path: Path, max_bytes: int | None = None) -> bytes:
    """The content of a file, read in one go. Raises ArtifactError for one with more bytes, and as `open_regular`."""
    with open_regular(path) as stream:
        if max_bytes is None:
            return stream.read()
        if os.fstat(stream.fileno()).st_size <= max_bytes:
            # One byte more than allowed: the file may have grown.
            content = stream.read(max_bytes + 1)
            if len(content) <= max_bytes:
                return content
    raise ArtifactError(
        f"{path} has more than the {max_bytes / 2**20:g} MiB that such a file may have",
        fix=f"Copy it again, or {make_again(path)}.",
    )
