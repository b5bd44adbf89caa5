"""The body of a request: read up to a limit, and inflated up to the same limit."""

import asyncio
import contextlib
import ctypes
import zlib
from collections.abc import AsyncIterator

from starlette.requests import Request

from temper.serve.http.errors import RequestError
from temper.serve.settings import Limits

# The C library does not return the memory of many chunks by itself.
LARGE_BODY = 4 << 20
RETURN_SECONDS = 0.5
# zlib and gzip, recognized by their first bytes.
ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS


class Bodies:
    """Reads bodies, and bounds the memory that all of them take together."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._held = 0
        self._returning: asyncio.TimerHandle | None = None

    @contextlib.asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytes]:
        """The body, as long as the block runs.

        Raises RequestError: 413 for a body beyond the limit, 400 for an incomplete or damaged one, 415 for an unknown
        Content-Encoding, 503 when too many bodies are in memory.
        """
        declared = self._declared_bytes(request)
        encoding = request.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "deflate"):
            raise RequestError(415, f"Content-Encoding is {encoding[:40]!r}; expected gzip, deflate or none")
        # How large an inflated body becomes is not known before.
        reserved = self._limits.body_bytes if declared is None or encoding != "identity" else declared
        if self._held + reserved > self._limits.all_bodies_bytes:
            raise RequestError(
                503, "the server holds too many request bodies; try again", cause="memory", retry_seconds=1
            )
        self._held += reserved
        try:
            body = await self._received(request)
            if encoding != "identity" and body:
                # In a thread: inflating lets other threads run.
                body = await asyncio.to_thread(self._inflated, body)
            yield body
        finally:
            self._held -= reserved
            if reserved >= LARGE_BODY and not self._returning:
                self._returning = asyncio.get_running_loop().call_later(RETURN_SECONDS, self._return_memory)

    def _declared_bytes(self, request: Request) -> int | None:
        text = request.headers.get("content-length")
        # The HTTP parser has checked that it is a number.
        if text is None:
            return None
        if int(text) > self._limits.body_bytes:
            raise self._too_large()
        return int(text)

    async def _received(self, request: Request) -> bytes:
        chunks: list[bytes] = []
        received = 0
        while True:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise RequestError(400, "the connection was closed before the body was complete", cause="disconnected")
            chunk = message.get("body", b"")
            received += len(chunk)
            if received > self._limits.body_bytes:
                # The traceback of the error would hold them.
                chunks.clear()
                raise self._too_large()
            chunks.append(chunk)
            if not message.get("more_body", False):
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    def _inflated(self, body: bytes) -> bytes:
        inflate = zlib.decompressobj(ZLIB_OR_GZIP)
        try:
            inflated = inflate.decompress(body, self._limits.body_bytes + 1)
        except zlib.error as error:
            raise RequestError(400, f"the compressed body is damaged ({error})") from None
        if len(inflated) > self._limits.body_bytes:
            raise self._too_large()
        if not inflate.eof or inflate.unused_data:
            raise RequestError(400, "the compressed body is truncated, or followed by other data")
        return inflated

    def _return_memory(self) -> None:
        self._returning = None
        libc = ctypes.CDLL(None)
        if hasattr(libc, "malloc_trim"):
            libc.malloc_trim(0)

    def _too_large(self) -> RequestError:
        limit = self._limits.body_bytes
        return RequestError(413, f"the body has more than {limit:,} bytes, which is the limit", cause="too_large")
