"""Image files as they are stored: only regular files are opened, and none is waited for."""

import io
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from temper.dataset.image_files import MAX_BYTES
from temper.errors import UnreadableImage


@dataclass(frozen=True)
class EncodedImage:
    """An image file that is in memory: its name, for results and messages, and its content."""

    name: str
    content: bytes

    def __str__(self) -> str:
        return self.name


def read_image(path: Path) -> EncodedImage:
    """The content of a regular file, undecoded. Raises UnreadableImage when it cannot be read or is too large."""
    with open_encoded(path) as file:
        try:
            content = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise _unreadable(path, error) from None
    if len(content) > MAX_BYTES:
        raise UnreadableImage(f"{path} has more than {MAX_BYTES:,} bytes, the limit", fix="Scale it down.")
    return EncodedImage(str(path), content)


def open_encoded(path: Path | EncodedImage) -> BinaryIO:
    """The content as a stream. Raises UnreadableImage when there is no such file, or it cannot be opened."""
    if isinstance(path, EncodedImage):
        return io.BytesIO(path.content)
    try:
        return open_regular(path)
    except FileNotFoundError:
        raise UnreadableImage(f"{path} does not exist", fix="Check the path.") from None
    # ValueError: the name contains a zero byte, or is no text.
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading. Raises UnreadableImage for a folder, pipe, socket or device, OSError as `open` does."""
    return open(path, "rb", opener=_open_without_waiting)


def _open_without_waiting(path: str, flags: int) -> int:
    # Opening a pipe would end a program that waits for its reader; between this look and the next it may change.
    _check_regular(path, Path(path).stat())
    number = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    try:
        _check_regular(path, os.fstat(number))
    except UnreadableImage:
        os.close(number)
        raise
    return number


def _check_regular(path: str, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImage(f"{path} is not a regular file", fix="Name a file.")


def _unreadable(path: Path, error: Exception) -> UnreadableImage:
    reason = getattr(error, "strerror", None) or error
    return UnreadableImage(f"{path} cannot be read ({reason})", fix="Check the path and its permissions.")
