"""Checksums and sizes of files and folders."""

import hashlib
from functools import lru_cache
from pathlib import Path

CHUNK_BYTES = 1 << 20
# Device, inode, size, modification and change time: a file with the same identity has the same content.
Identity = tuple[int, ...]
SIZE = 2
# What is hashed before the content, the path, the identity.
Entry = tuple[str, str, Identity]


def sha256_of(*paths: Path) -> str:
    """SHA-256, in hex: of one file, that of its content; of several or of folders, with names and sizes.

    Names inside folders count, those of `paths` do not. What did not change since the last call is not read again in
    this process.
    """
    entries = _entries(*paths)
    if len(paths) == 1 and not paths[0].is_dir():
        return _digest(entries)
    return _digest(tuple((f"{name}\0{identity[SIZE]}\0", path, identity) for name, path, identity in entries))


def former_sha256_of(*paths: Path) -> str:
    """The same before sizes counted: a byte could move from the end of one file to the start of the next.

    Cards of schema 1 contain it.
    """
    return _digest(_entries(*paths))


def bytes_of(*paths: Path) -> int:
    """Size in bytes of files and folders together."""
    files = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return sum(file.stat().st_size for file in files if file.is_file())


def _entries(*paths: Path) -> tuple[Entry, ...]:
    entries = []
    for path in paths:
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        for file in files:
            name = "" if file == path else file.relative_to(path).as_posix()
            entries.append((name, str(file.absolute()), _identity(file)))
    return tuple(entries)


def _identity(path: Path) -> Identity:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=65_536)
def _digest(entries: tuple[Entry, ...]) -> str:
    digest = hashlib.sha256()
    for header, path, _ in entries:
        digest.update(header.encode())
        with Path(path).open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
