"""Whole files or none: atomic_write writes and checksums."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

CHUNK_BYTES = 1 << 20
SCRATCH_SUFFIX = ".unfinished"


@contextlib.contextmanager
def atomic_write(target: Path) -> Iterator[Path]:
    """Yield a path with the target's name in a scratch folder beside it; move all that lies there on success.

    A file that belongs to the target (an OpenVINO `.bin`, say) is written beside the yielded path and moves
    with it; the target itself moves last. When the block raises, nothing outside the scratch folder changed. What
    a process that was killed left in its scratch folder goes with the next write beside it.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_stale_scratch(target.parent)
    scratch, lock = _scratch_beside(target)
    try:
        yield scratch / target.name
        made = sorted(scratch.iterdir(), key=lambda path: path.name == target.name)
        for path in made:
            _flush(path)
        for path in made:
            _move(path, target.parent / path.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        os.close(lock)


def write_text(target: Path, text: str) -> None:
    """Write UTF-8 text so that a reader sees the old file or the new one, never a part."""
    with atomic_write(target) as path:
        path.write_text(text, encoding="utf-8")


def sha256_of(*paths: Path) -> str:
    """SHA-256, in hex, of files in the given order; a folder counts as its files in order of their names."""
    digest = hashlib.sha256()
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in inside:
            if path.is_dir():
                digest.update(file.relative_to(path).as_posix().encode())
            with file.open("rb") as stream:
                while chunk := stream.read(CHUNK_BYTES):
                    digest.update(chunk)
    return digest.hexdigest()


def bytes_of(*paths: Path) -> int:
    """Size in bytes of files and folders together."""
    return sum(
        file.stat().st_size
        for path in paths
        for file in (path.rglob("*") if path.is_dir() else [path])
        if file.is_file()
    )


def _scratch_beside(target: Path) -> tuple[Path, int]:
    """A new folder and the lock on it, which the kernel lifts when its process ends, however it ends."""
    while True:
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=SCRATCH_SUFFIX, dir=target.parent))
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(scratch, os.O_RDONLY)
            # Some file systems know no locks: nothing is swept there.
            with contextlib.suppress(OSError):
                fcntl.flock(lock, fcntl.LOCK_EX)
            if scratch.exists():
                return scratch, lock
            # Another process swept it away before it was locked.
            os.close(lock)


def remove_stale_scratch(folder: Path) -> None:
    for scratch in folder.glob(f".*{SCRATCH_SUFFIX}"):
        with contextlib.suppress(OSError):
            lock = os.open(scratch, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(scratch, ignore_errors=True)
            finally:
                os.close(lock)


def _flush(path: Path) -> None:
    for file in path.rglob("*") if path.is_dir() else [path]:
        if file.is_file():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())


def _move(source: Path, target: Path) -> None:
    if target.is_dir():
        # A folder cannot be replaced in one step: the old one steps aside first.
        aside = source.parent / f"{target.name}.old"
        target.replace(aside)
    source.replace(target)
