"""Free disk space, asked for before long work, and found out after a library has failed for the lack of it."""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from temper.errors import ResourceError, UserError
from temper.storage.digest import bytes_of

MEGABYTE = 1_000_000
# Work that needs less fails on a full disk only, and says so itself.
MIN_BYTES = 64 << 10
# In the message of a library's own error. The space may be free again when the error arrives.
DISK_ERRORS = tuple(map(os.strerror, (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EROFS)))
AGAIN = "then run the same command again."


def check_space(needed: Mapping[Path, int], work: str) -> None:
    """Raise ResourceError where there is less space than needed: bytes by folder, which need not exist yet.

    work: what is about to begin, as in "the training". Folders on one file system share its space.
    """
    for folder, wanted in _by_device(needed).items():
        free = free_bytes(folder)
        if free < max(wanted, MIN_BYTES):
            megabytes, left = wanted / MEGABYTE, free / MEGABYTE
            raise ResourceError(
                f"{work} writes about {megabytes:,.1f} MB to {folder}, where {left:,.1f} MB are free",
                fix="Free space, or name another path; TMPDIR names another folder for temporary files.",
            )


@contextlib.contextmanager
def explain_full_disk(needed: Mapping[Path, int], work: str) -> Iterator[None]:
    """Raise ResourceError for any error of the block that comes with a full or broken disk: libraries raise others.

    needed: bytes by scratch folder (temper.storage.atomic). What the block has written there counts as free space.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        for folder, wanted in _by_device(needed).items():
            written = sum(bytes_of(each) for each in needed if each.is_dir() and _device(each) == _device(folder))
            if free_bytes(folder) + written < max(wanted, MIN_BYTES):
                raise ResourceError(
                    f"{work} stopped for lack of space in {folder.parent.parent}",
                    fix=f"Free space, or name another path, {AGAIN}",
                ) from error
        cause = next((each for each in DISK_ERRORS if each in str(error)), "")
        if cause and not isinstance(error, OSError):
            fix = f"Free space, check the disk, or name another path, {AGAIN}"
            raise ResourceError(f"{work} stopped: {cause[:1].lower()}{cause[1:]}", fix=fix) from error
        raise


def free_bytes(folder: Path) -> int:
    """How many bytes can be written to a folder, or to where it will be: to the disk, and to one file of a process."""
    free = shutil.disk_usage(_existing(folder)).free
    with contextlib.suppress(ImportError):
        # Windows has no such module.
        import resource

        limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
        free = min(free, limit) if limit != resource.RLIM_INFINITY else free
    return free


def _by_device(needed: Mapping[Path, int]) -> dict[Path, int]:
    """The sum of each file system, by the first of its folders."""
    first: dict[int, Path] = {}
    total: dict[Path, int] = {}
    for folder, wanted in needed.items():
        place = first.setdefault(_device(folder), folder)
        total[place] = total.get(place, 0) + wanted
    return total


def _device(folder: Path) -> int:
    return _existing(folder).stat().st_dev


def _existing(folder: Path) -> Path:
    return next(each for each in (folder, *folder.absolute().parents) if each.exists())
