"""Memory that the decoders of all threads share: a large image waits until the others have left enough."""

import contextlib
import ctypes
import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache

from PIL import Image

from temper.images.pixels import upright_mode

# Eight images of 12 megapixels at four bytes for each pixel, and more of them where there are more cores.
MIN_BYTES = 384 * 2**20
BYTES_PER_CORE = 64 * 2**20
# Above this, glibc is asked to return what was freed: otherwise it stays with the thread that decoded.
LARGE_BYTES = 2**27


class MemoryBudget:
    """A number of bytes that threads reserve in the order in which they ask; one reservation alone is always granted.

    >>> budget = MemoryBudget(100)
    >>> with budget.reserve(1000):
    ...     budget.reserved
    1000
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.reserved = 0
        self._changed = threading.Condition()
        self._waiting: deque[object] = deque()

    @contextlib.contextmanager
    def reserve(self, bytes: int) -> Iterator[None]:
        """Wait until the bytes are free, and return them at the end of the block."""
        self._acquire(bytes)
        try:
            yield
        finally:
            if bytes >= LARGE_BYTES:
                _return_freed_memory()
            with self._changed:
                self.reserved -= bytes
                self._changed.notify_all()

    def _acquire(self, bytes: int) -> None:
        ticket = object()
        with self._changed:
            self._waiting.append(ticket)
            try:
                self._changed.wait_for(lambda: self._waiting[0] is ticket and self._fits(bytes))
                self.reserved += bytes
            finally:
                self._waiting.remove(ticket)
                self._changed.notify_all()

    def _fits(self, bytes: int) -> bool:
        return not self.reserved or self.reserved + bytes <= self.total


@lru_cache(maxsize=1)
def _trim() -> Callable[[int], int] | None:
    """The function of glibc; None on a system without it."""
    try:
        trim: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    return trim


def _return_freed_memory() -> None:
    if trim := _trim():
        trim(0)


# Decoded pixels, and the content of files: whoever needs both reserves that of the file first.
PIXELS = MemoryBudget(max(MIN_BYTES, BYTES_PER_CORE * (os.cpu_count() or 1)))
FILES = MemoryBudget(PIXELS.total)

# Bytes that Pillow stores for a pixel; for every other mode four.
STORED_BYTES = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16L": 2, "I;16B": 2, "I;16N": 2}
# Libjpeg has the coefficients of a progressive JPEG in memory, libwebp two frames of an animation and the result.
COEFFICIENT_BYTES, WEBP_BYTES = 2, 12


def needed_bytes(image: Image.Image, full_size: tuple[int, int]) -> int:
    """Memory that decoding takes: the pixels as they are stored, upright, and inside the decoder.

    image: opened and not decoded, at the scale at which it will be decoded. full_size: its size in the file.
    """
    pixels, in_file = image.width * image.height, full_size[0] * full_size[1]
    stored = STORED_BYTES.get(image.mode, 4)
    needed = pixels * (stored + STORED_BYTES.get(upright_mode(image), 4))
    if "progressive" in image.info:
        needed += in_file * COEFFICIENT_BYTES * len(image.getbands())
    return needed + (in_file * WEBP_BYTES if image.format == "WEBP" else 0)
