"""What uvicorn does not limit: the number of connections, the size of headers, the time that a sender takes."""

import asyncio
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from temper.serve.settings import Limits


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with the limits of `limits`, which a subclass sets; its own errors are JSON too."""

    limits = Limits()

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._timer: asyncio.TimerHandle | None = None
        self._header_bytes = 0
        self._is_in_headers = True
        self._refusal = (400, "this is not a valid HTTP request")

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the time for the headers, or refuse the connection."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            self._refuse(503, f"the server has {self.limits.connections} connections, which is the limit")
        else:
            self._start_timer(self.limits.header_seconds)

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends nothing more; what it sent completely still gets its response."""
        is_waiting = self.cycle is not None and not self.cycle.response_complete
        if not is_waiting or self.scheme == "https":
            return False
        if self._is_in_headers:
            self.cycle.keep_alive = False
        else:
            self._refuse(400, "the connection was closed before the body was complete")
        return True

    def data_received(self, data: bytes) -> None:
        """Parse what was received, unless the headers become too large."""
        if self.transport.is_closing():
            return
        if self._is_in_headers:
            self._header_bytes += len(data)
        super().data_received(data)
        # Headers that were complete in this chunk are measured in on_headers_complete.
        if self._is_in_headers and self._header_bytes > self.limits.header_bytes and not self.transport.is_closing():
            self._refuse(431, self._header_message)

    def on_message_begin(self) -> None:
        """The first byte of a request."""
        super().on_message_begin()
        self._is_in_headers = True
        self._start_timer(self.limits.header_seconds)

    def on_headers_complete(self) -> None:
        """Start the time for the body."""
        self._is_in_headers, self._header_bytes = False, 0
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.header_bytes:
            self._refusal = (431, self._header_message)
            # The parser stops, and data_received of uvicorn calls send_400_response.
            raise ValueError(self._header_message)
        self._start_timer(self.limits.body_seconds)
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The last byte of a request."""
        self._stop_timer()
        super().on_message_complete()
        self._is_in_headers = True
        if self.cycle.response_complete and not self.transport.is_closing():
            # The response came before the end of the body, and its keep-alive time has been stopped.
            self._unset_keepalive_if_required()
            seconds = self.limits.keep_alive_seconds
            self.timeout_keep_alive_task = self.loop.call_later(seconds, self.timeout_keep_alive_handler)

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser does not accept."""
        self._refuse(*self._refusal)

    @property
    def _header_message(self) -> str:
        return f"the headers have more than {self.limits.header_bytes:,} bytes, which is the limit"

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self._refuse, 408, "the request was not complete in time")

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _refuse(self, status: int, message: str) -> None:
        """Close the connection, after a response where none was started and a request was."""
        self._stop_timer()
        cycle = self.cycle
        is_silent = status == 408 and self._is_in_headers and not self._header_bytes
        is_answered = cycle is not None and cycle.response_started
        if not is_silent and (not is_answered or (self._is_in_headers and cycle.response_complete)):
            body = msgspec.json.encode({"error": message})
            retry = b"retry-after: 1\r\n" if status == 503 else b""
            self.transport.write(
                STATUS_LINE[status] + b"content-type: application/json\r\ncontent-length: %d\r\n" % len(body)
                + retry + b"connection: close\r\n\r\n" + body
            )  # fmt: skip
            if cycle is not None and not cycle.response_complete:
                # Its response would follow this one.
                cycle.disconnected = True
                cycle.message_event.set()
        self.transport.close()


def protocol_with(limits: Limits) -> type[LimitedProtocol]:
    """The protocol class with these limits, for uvicorn."""
    return type("Protocol", (LimitedProtocol,), {"limits": limits})
