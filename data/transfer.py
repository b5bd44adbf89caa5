"""Bytes from an http(s) address: whatever the server does, they end, or one DataError says why not."""

import http
import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from typing import Any

from temper.errors import DataError

CHUNK_BYTES = 1 << 18
# Without an answer; and for everything, so that a server which sends a byte now and then has an end too.
ANSWER_SECONDS, TOTAL_SECONDS = 30.0, 3600.0
MAX_REASON = 200
# How many chunks may wait to be written.
WAITING_CHUNKS = 8


class WrongPlace(http.client.HTTPException):
    """The server cannot continue at the byte that it was asked for: what is there belongs to another file."""


def receive(url: str, start: int, fix: str) -> Generator[bytes, None, None]:
    """Yield the content of an address from byte `start`; first b"" when the server sends it from the beginning instead.

    fix: what the error says besides the reason. Raises DataError for everything that the network and the server do, and
    after TOTAL_SECONDS; the next call continues.
    """
    # In a thread: an answer that never ends is left alone.
    chunks: queue.Queue[bytes | Exception | None] = queue.Queue(WAITING_CHUNKS)
    stopped = threading.Event()
    threading.Thread(target=_read_into, args=(chunks, stopped, url, start), daemon=True).start()
    end = time.monotonic() + TOTAL_SECONDS
    try:
        while (chunk := _next(chunks, end)) is not None:
            if isinstance(chunk, Exception):
                raise DataError(f"{url} cannot be downloaded ({_reason(chunk)})", fix=fix) from chunk
            yield chunk
    finally:
        stopped.set()


def _next(chunks: "queue.Queue[bytes | Exception | None]", end: float) -> bytes | Exception | None:
    try:
        return chunks.get(timeout=max(0.0, end - time.monotonic()))
    except queue.Empty:
        return TimeoutError(f"it took more than {TOTAL_SECONDS:.0f} s")


def _read_into(chunks: "queue.Queue[bytes | Exception | None]", stopped: threading.Event, url: str, start: int) -> None:
    # Whatever the libraries raise for a malformed answer is a failure of the download.
    try:
        request = urllib.request.Request(url, headers={"Range": f"bytes={start}-"} if start else {})
        with _opener(url).open(request, timeout=ANSWER_SECONDS) as response:
            if not _continues(response, start):
                chunks.put(b"")
            # One read of the system at a time: `read` would wait for a complete chunk.
            while not stopped.is_set() and (chunk := response.read1(CHUNK_BYTES)):
                chunks.put(chunk)
        chunks.put(None)
    except urllib.error.HTTPError as error:
        is_behind_end = start and error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        chunks.put(WrongPlace(f"it has no byte {start}") if is_behind_end else error)
    except Exception as error:
        chunks.put(error)


def _continues(response: http.client.HTTPResponse, start: int) -> bool:
    """Whether a response begins at byte `start`. Raises WrongPlace."""
    if response.status != http.HTTPStatus.PARTIAL_CONTENT:
        return not start
    place = response.headers.get("Content-Range", f"bytes {start}-")
    if not place.startswith(f"bytes {start}-"):
        raise WrongPlace(f"the server sent {place!r} for byte {start} and later")
    return True


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Follows redirections to http and https alone, and none from https to http."""
    opener = urllib.request.OpenerDirector()
    handlers: list[Any] = [
        urllib.request.ProxyHandler(), urllib.request.HTTPSHandler(), urllib.request.HTTPErrorProcessor(),
        urllib.request.HTTPDefaultErrorHandler(), urllib.request.HTTPRedirectHandler(), urllib.request.UnknownHandler(),
    ]  # fmt: skip
    if not url.lower().startswith("https:"):
        handlers.append(urllib.request.HTTPHandler())
    for each in handlers:
        opener.add_handler(each)
    return opener


def _reason(error: Exception) -> str:
    """One line; a server may have written it."""
    text = " ".join(str(getattr(error, "reason", None) or error).split()) or type(error).__name__
    return "".join(each if each.isprintable() else "?" for each in text)[:MAX_REASON]
