import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.error import URLError

import pytest

from data import transfer
from data.transfer import WrongPlace, receive
from temper.errors import DataError

OK = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def answering(*parts: bytes, pause: float = 0.0) -> Iterator[str]:
    """The address of a server that sends the parts to whoever connects, with pauses between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/x.zip"

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError):
                        connection.recv(4096)
                        for part in parts:
                            connection.sendall(part.replace(b"HERE", address.encode()))
                            time.sleep(pause)

        threading.Thread(target=serve, daemon=True).start()
        yield address
        listener.shutdown(socket.SHUT_RDWR)


def received(url: str, start: int = 0) -> bytes:
    return b"".join(receive(url, start, "Do something else."))


def test_the_content_is_that_of_the_server() -> None:
    with answering(OK + b"Content-Length: 3\r\n\r\nabc") as url:
        assert received(url) == b"abc"


def test_a_server_that_starts_again_is_announced() -> None:
    with answering(OK + b"Content-Length: 3\r\n\r\nabc") as url:
        assert list(receive(url, 2, "")) == [b"", b"abc"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff" * 100,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/9.9 200 OK\r\n\r\nabc",
        b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 404 No\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: file:///etc/hosts\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: ftp://127.0.0.1/x\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: http://[::1\r\n\r\n",
        b"HTTP/1.1 302 Go\r\nLocation: HERE\r\n\r\n",
        OK + b"A: b\r\n" * 500 + b"\r\n",
        OK + b"A: " + b"b" * 100_000 + b"\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc",
        OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
    ids=lambda answer: repr(answer[:40]),
)
def test_every_malformed_answer_is_one_error_with_the_remedy(answer: bytes) -> None:
    with answering(answer) as url, pytest.raises(DataError, match=r"cannot be downloaded \(.+\). Do something else.$"):
        received(url)


@pytest.mark.parametrize(
    "url", ["foo", "http://", "http://exa mple/x", "http://[::1", "http://a..b/x", "http://127.0.0.1:9"]
)
def test_every_address_that_leads_nowhere_is_one_error(url: str) -> None:
    with pytest.raises(DataError, match="cannot be downloaded"):
        received(url)


def test_another_place_than_the_one_that_was_asked_for_is_named() -> None:
    with answering(b"HTTP/1.1 206 Part\r\nContent-Range: bytes 5-9/10\r\n\r\nabc") as url:
        with pytest.raises(DataError) as caught:
            received(url, 2)
        assert isinstance(caught.value.__cause__, WrongPlace)


@pytest.mark.parametrize("first", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\n"], ids=["content", "headers"])
def test_a_server_that_drips_has_a_limit(first: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "TOTAL_SECONDS", 0.3)
    started = time.monotonic()
    with answering(first, *[b"a"] * 100, pause=0.05) as url, pytest.raises(DataError, match=r"more than 0 s"):
        received(url)
    assert time.monotonic() - started < 2


def test_an_address_of_https_leads_to_no_other() -> None:
    with pytest.raises(URLError, match="unknown url type: http"):
        transfer._opener("https://127.0.0.1").open("http://127.0.0.1:9")
