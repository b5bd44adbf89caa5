"""Files that are read once, to memory, so that what was checked is what is used; nobody else can change them there."""

import hashlib
import mmap
import os
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from temper.storage.digest import CHUNK_BYTES, header
from temper.storage.reading import open_regular


class MemoryFile:
    """The content of a file in memory.

    On Linux it also has a path, for runtimes that copy bytes more often than they copy files.
    """

    def __init__(self) -> None:
        self._number = _anonymous_file()
        # Whoever uses the view keeps the memory, but not the number.
        weakref.finalize(self, os.close, self._number)

    def write(self, chunk: bytes) -> None:
        """Append some bytes. Raises OSError where not all of them fit."""
        rest = memoryview(chunk)
        while rest:
            # The system may take fewer bytes than it is given.
            rest = rest[os.write(self._number, rest) :]

    @property
    def view(self) -> memoryview:
        """The bytes, which a runtime may ask to write to."""
        size = os.fstat(self._number).st_size
        return memoryview(mmap.mmap(self._number, size) if size else bytearray())

    @property
    def path(self) -> str:
        """Where this process finds the file, as long as this object lives; "" where it does not."""
        path = f"/proc/self/fd/{self._number}"
        return path if Path(path).exists() else ""


def read_hashed(paths: Sequence[Path]) -> tuple[tuple[MemoryFile, ...], str]:
    """Read files; returns them, and the same as `sha256_of` for exactly the bytes that were read."""
    digest, files = hashlib.sha256(), []
    for path in paths:
        with open_regular(path) as stream:
            if len(paths) > 1:
                digest.update(header("", os.fstat(stream.fileno()).st_size))
            files.append(read_stream(stream, digest))
    return tuple(files), digest.hexdigest()


def read_stream(stream: BinaryIO, digest: "hashlib._Hash") -> MemoryFile:
    """Read a file to memory, and add exactly these bytes to a hash."""
    file = MemoryFile()
    while chunk := stream.read(CHUNK_BYTES):
        digest.update(chunk)
        file.write(chunk)
    return file


def _anonymous_file() -> int:
    if hasattr(os, "memfd_create"):
        return os.memfd_create("temper")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
