"""Checksums and sizes of files and folders."""

import hashlib
import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from temper.errors import ArtifactError
from temper.storage.reading import open_regular

CHUNK_BYTES = 1 << 20
# A file that is replaced while it is hashed is hashed again, at most so often.
ATTEMPTS = 5
# Device, inode, size, modification and change time: a file with the same identity has the same content.
Identity = tuple[int, ...]
SIZE = 2
# What is hashed before the content, the path, the identity.
Entry = tuple[str, str, Identity]


class _Replaced(Exception):
    """Another file is at the path than the one whose identity was taken."""


def sha256_of(*paths: Path) -> str:
    """SHA-256, in hex: of one file, that of its content; of several or of folders, with names and sizes.

    Names inside folders count, those of `paths` do not. What did not change since the last call is not read again in
    this process; what a runtime loads is hashed by `sha256_of_content` or `copy_hashed` instead. Raises ArtifactError
    for what is not a regular file, and for a symbolic link in a folder.
    """
    return _sha256(paths, with_headers=_has_headers(paths))


def former_sha256_of(*paths: Path) -> str:
    """The same before sizes counted: a byte could move from the end of one file to the start of the next.

    Cards of schema 1 contain it.
    """
    return _sha256(paths, with_headers=False)


def sha256_of_content(content: bytes) -> str:
    """The same as `sha256_of` for the content of one file."""
    return hashlib.sha256(content).hexdigest()


def copy_hashed(paths: Sequence[Path], folder: Path) -> str:
    """Copy files and folders into a folder; returns the same as `sha256_of` for exactly the bytes that were copied."""
    digest, with_headers = hashlib.sha256(), _has_headers(paths)
    for path in paths:
        for name, file in files_of(path):
            target = folder / path.name / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with open_regular(file) as stream, target.open("wb") as copied:
                if with_headers:
                    digest.update(header(name, os.fstat(stream.fileno()).st_size))
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
                    copied.write(chunk)
    return digest.hexdigest()


def bytes_of(*paths: Path) -> int:
    """Size in bytes of files and folders together."""
    files = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return sum(file.stat().st_size for file in files if file.is_file())


def files_of(path: Path) -> Iterator[tuple[str, Path]]:
    """The files in a folder, in a fixed order, each with its name inside; a file itself, with an empty name.

    Raises ArtifactError for a symbolic link in a folder: what it leads to may be anything, and change at any time.
    """
    if not path.is_dir():
        yield "", path
        return
    for file in sorted(path.rglob("*")):
        if file.is_symlink():
            raise ArtifactError(f"{file} is a symbolic link", fix="Copy the artifact again, with the files themselves.")
        if not file.is_dir():
            yield file.relative_to(path).as_posix(), file


def header(name: str, size: int) -> bytes:
    """What is hashed before the content of one of several files."""
    return f"{name}\0{size}\0".encode()


def _has_headers(paths: Sequence[Path]) -> bool:
    return len(paths) != 1 or paths[0].is_dir()


def _sha256(paths: Sequence[Path], with_headers: bool) -> str:
    for _ in range(ATTEMPTS):
        try:
            return _digest(tuple(_entries(paths)), with_headers)
        except _Replaced:
            continue
    raise ArtifactError(f"{paths[0]} changes all the time", fix="Try again when nothing writes to it.")


def _entries(paths: Sequence[Path]) -> Iterator[Entry]:
    for path in paths:
        for name, file in files_of(path):
            yield name, str(file.absolute()), _identity(file.stat())


def _identity(stat: os.stat_result) -> Identity:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=65_536)
def _digest(entries: tuple[Entry, ...], with_headers: bool) -> str:
    digest = hashlib.sha256()
    for name, path, identity in entries:
        with open_regular(Path(path)) as stream:
            digest.update(header(name, identity[SIZE]) if with_headers else name.encode())
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
            # Otherwise this result would be stored for another content.
            if _identity(os.fstat(stream.fileno())) != identity:
                raise _Replaced
    return digest.hexdigest()
