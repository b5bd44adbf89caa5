"""Publications on a disk with less and less space, and on one that cannot be written."""

import contextlib
import os
import random
import resource
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from experiments.chaos.forked import DONE, RAISED, run_forked, wait_for
from experiments.chaos.publications import versions
from experiments.chaos.record import Record

# Both versions of the largest artifact fit.
DISK_BYTES = 8 * versions.MAX_BYTES * len(versions.SHAPES["folder"])
FILL = "fill"


def run(count: int, seed: int, scratch: Path) -> Record:
    """Publish `count` times with a random amount of free space; every tenth time on a read-only disk.

    Where no disk can be mounted, the size of a file is limited instead, and nothing is read-only.
    """
    record, generator, started = Record(), random.Random(seed), time.monotonic()
    with _small_disk(scratch / "disk") as is_disk:
        record.note("on a real disk", int(is_disk))
        for number in range(count):
            shape = generator.choice(list(versions.SHAPES))
            free = generator.randrange(versions.MAX_BYTES * len(versions.SHAPES[shape]))
            _try(record, scratch / "disk", shape, None if number % 10 == 9 and is_disk else free, is_disk)
    record.seconds = time.monotonic() - started
    return record


def _try(record: Record, disk: Path, shape: str, free: int | None, is_disk: bool) -> None:
    """Publish version 2 over version 1, in a child; free: bytes, None for a read-only disk."""
    folder = disk / shape
    folder.mkdir(exist_ok=True)
    versions.publish_version(folder, shape, 1)
    with _shortage(disk, free) if is_disk else contextlib.nullcontext():
        limit = None if is_disk else free
        code = wait_for(run_forked(lambda: _limited(folder, shape, limit)))
    there = versions.version_at(folder, shape)
    left = versions.left_after_a_minute(folder, shape, 1)
    if there not in (1, 2) or left or (free is None and there != 1):
        record.add("lost")
    elif code not in (DONE, RAISED):
        record.add("crash")
    elif code == DONE and there == 1:
        record.add("silent")
    else:
        record.add("ok" if code == DONE else "refused")


def _limited(folder: Path, shape: str, limit: int | None) -> None:
    if limit is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    versions.publish_version(folder, shape, 2)


@contextlib.contextmanager
def _shortage(disk: Path, free: int | None) -> Iterator[None]:
    if free is None:
        _mount("-o", "remount,ro", str(disk))
    else:
        available = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
        (disk / FILL).write_bytes(bytes(max(0, available - free)))
    try:
        yield
    finally:
        if free is None:
            _mount("-o", "remount,rw", str(disk))
        (disk / FILL).unlink(missing_ok=True)


@contextlib.contextmanager
def _small_disk(folder: Path) -> Iterator[bool]:
    """A disk of DISK_BYTES in memory; yields False, with a plain folder, where none can be mounted."""
    folder.mkdir(parents=True)
    is_mounted = os.geteuid() == 0 and _mount("-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder))
    try:
        yield is_mounted
    finally:
        if is_mounted:
            subprocess.run(["umount", str(folder)], check=True)


def _mount(*words: str) -> bool:
    try:
        return subprocess.run(["mount", *words], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False
