"""Image files to pixels, in threads; refused while too many of them wait."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor

from temper.errors import UnreadableImage
from temper.images import Decoding, EncodedImage, ImageArray, load_image
from temper.serve.http.errors import RequestError
from temper.serve.workers.batching import NEWEST, SAFETY
from temper.serve.workers.failures import too_late

# Fits into a response, and on the page, whose users know of no body.
NAME_OF_BODY = "what was sent"


class Decoders:
    """One thread for each core. A photo of 12 megapixels takes longer to decode than to predict."""

    def __init__(self, decoding: Decoding) -> None:
        self._decoding = decoding
        self._threads = os.cpu_count() or 1
        self._pool = ThreadPoolExecutor(self._threads, "decode")
        self._waiting = 0
        self._seconds_per_image = 0.0

    def admit(self, deadline: float) -> None:
        """Raise RequestError with status 503 when one more image would not be decoded in time.

        deadline: of loop.time(), which is time.monotonic().
        """
        wait = (self._waiting + 1) * self._seconds_per_image / self._threads
        if self._waiting >= self._threads and SAFETY * wait > deadline - time.monotonic():
            raise RequestError(
                503, "too many images wait to be decoded; try again", cause="queue_full", retry_seconds=wait
            )

    async def decode(self, body: bytes, size: int, deadline: float) -> ImageArray:
        """The pixels [size, size, 3] of an image file.

        Raises RequestError: 400 for what is no image, 503 as `admit` does, 504 when the deadline passes.
        """
        if not body:
            raise RequestError(400, "the body is empty; expected the bytes of an image file")
        self.admit(deadline)
        self._waiting += 1
        try:
            pixels, seconds = await asyncio.get_running_loop().run_in_executor(
                self._pool, _decode, body, size, deadline, self._decoding
            )
        finally:
            self._waiting -= 1
        known = self._seconds_per_image
        self._seconds_per_image = known + NEWEST * (seconds - known) if known else seconds
        return pixels

    def close(self) -> None:
        """Decode no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _decode(body: bytes, size: int, deadline: float, decoding: Decoding) -> tuple[ImageArray, float]:
    started = time.monotonic()
    if started > deadline:
        raise too_late()
    try:
        pixels = load_image(EncodedImage(NAME_OF_BODY, body), size, decoding)
    except UnreadableImage as error:
        raise RequestError(400, error.what, cause="not_an_image") from None
    return pixels, time.monotonic() - started
