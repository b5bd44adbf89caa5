"""Checksums and sizes of files and folders."""

import hashlib
from functools import lru_cache
from pathlib import Path

CHUNK_BYTES = 1 << 20
# Device, inode, size, modification and change time: a file with the same identity has the same content.
Identity = tuple[int, ...]


def sha256_of(*paths: Path) -> str:
    """SHA-256, in hex, over files in the given order; a folder counts as its files with their names, sorted.

    What did not change since the last call is not read again in this process.
    """
    return _digest(tuple(entry for path in paths for entry in _entries(path)))


def bytes_of(*paths: Path) -> int:
    """Size in bytes of files and folders together."""
    files = (file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]))
    return sum(file.stat().st_size for file in files if file.is_file())


def _entries(path: Path) -> list[tuple[str, str, Identity]]:
    """(name that is hashed, path, identity) of each file."""
    if not path.is_dir():
        return [("", str(path.absolute()), _identity(path))]
    inside = sorted(file for file in path.rglob("*") if file.is_file())
    return [(file.relative_to(path).as_posix(), str(file.absolute()), _identity(file)) for file in inside]


def _identity(path: Path) -> Identity:
    stat = path.stat()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@lru_cache(maxsize=65_536)
def _digest(entries: tuple[tuple[str, str, Identity], ...]) -> str:
    digest = hashlib.sha256()
    for name, path, _ in entries:
        digest.update(name.encode())
        with Path(path).open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    return digest.hexdigest()
