import contextlib
import http.server
import ipaddress
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from temper.errors import UnreadableImage
from temper.images import load_image
from temper.infer.sources import Url, urls
from temper.infer.sources.urls import IPAddress, fetch, is_public


class Handler(http.server.BaseHTTPRequestHandler):
    content = b""

    def do_GET(self) -> None:
        path, _, argument = self.path[1:].partition("?")
        with contextlib.suppress(OSError):
            getattr(self, f"send_{path}")(argument)

    def log_message(self, *arguments: object) -> None:
        pass

    def head(self, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()

    def send_image(self, argument: str) -> None:
        self.head(Content_Type="image/png", Content_Length=len(self.content))
        self.wfile.write(self.content)

    def send_to(self, argument: str) -> None:
        self.head(302, Location=argument)

    def send_loop(self, argument: str) -> None:
        self.head(302, Location="/loop")

    def send_page(self, argument: str) -> None:
        self.head(Content_Type="text/html; charset=utf-8")

    def send_missing(self, argument: str) -> None:
        self.head(404)

    def send_short(self, argument: str) -> None:
        self.head(Content_Length=len(self.content) + 5)
        self.wfile.write(self.content)

    def send_odd(self, argument: str) -> None:
        self.wfile.write(b"BBB\x1b[2J\r\n\r\n")

    def send_large(self, argument: str) -> None:
        self.head()
        for _ in range(100):
            self.wfile.write(bytes(100))

    def send_slow(self, argument: str) -> None:
        self.head()
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def send_slowhead(self, argument: str) -> None:
        for _ in range(100):
            self.wfile.write(b"H")
            time.sleep(0.05)


@pytest.fixture(scope="module")
def server(made_bundle: Path) -> Iterator[str]:
    Handler.content = next((made_bundle.parent / "images").rglob("*.png")).read_bytes()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield f"127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def error(address: str, allow_private: bool = True, **named: object) -> str:
    with pytest.raises(UnreadableImage) as caught:
        fetch(Url(address, allow_private), **named)  # type: ignore[arg-type]
    assert str(caught.value).startswith(f"{address} cannot be read: ")
    return str(caught.value)


def test_an_image_is_read_and_named_by_its_address(server: str) -> None:
    image = fetch(Url(f"http://{server}/image", allow_private=True))
    assert (image.name, image.content) == (f"http://{server}/image", Handler.content)
    assert load_image(image, 8).shape == (8, 8, 3)


def test_a_redirect_is_followed_and_the_name_stays(server: str) -> None:
    image = fetch(Url(f"http://{server}/to?/image", allow_private=True))
    assert (image.name, image.content) == (f"http://{server}/to?/image", Handler.content)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "10.1.2.3", "169.254.169.254"])
def test_private_addresses_are_refused_without_a_connection(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", None)
    assert "private or reserved address" in error(f"http://{host}:1/image", allow_private=False)


def test_a_name_with_one_private_address_among_others_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(host: str, port: int, **named: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (address, port)) for address in ("93.184.215.14", "192.168.1.1")]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setattr(socket, "create_connection", None)
    message = error("http://photos.example/a.jpg", allow_private=False)
    assert "photos.example is the private or reserved address 192.168.1.1" in message
    assert "--allow-private" in message


def test_the_connection_is_made_to_the_address_that_was_checked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []

    def resolve(host: str, port: int, **named: object) -> list[tuple[object, ...]]:
        calls.append(host)
        return [(0, 0, 0, "", ("127.0.0.1", int(server.partition(":")[2])))]

    original = socket.create_connection
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    connected: list[object] = []

    def connect(address: tuple[str, int], **named: object) -> socket.socket:
        connected.append(address[0])
        monkeypatch.undo()
        return original(("127.0.0.1", int(server.partition(":")[2])), timeout=5)

    monkeypatch.setattr(socket, "create_connection", connect)
    assert fetch(Url("http://photos.example/image", allow_private=True)).content == Handler.content
    assert (calls, connected) == (["photos.example"], ["127.0.0.1"])


def test_a_redirect_to_a_private_address_is_refused(server: str) -> None:
    def only_first(address: IPAddress) -> bool:
        return str(address) == "127.0.0.1"

    port = server.partition(":")[2]
    address = f"http://{server}/to?http://127.0.0.2:{port}/image"
    message = error(address, allow_private=False, is_allowed=only_first)
    assert "127.0.0.2 is the private or reserved address" in message


@pytest.mark.parametrize(
    ("path", "words"),
    [("loop", "redirects more than 5 times"), ("to?file:///etc/passwd", "not an http or https address"),
     ("page", "sent text/html, not an image"), ("missing", "replied 404"), ("odd", "cannot be read: BBB [2J. Check"),
     ("short", "ended 5 bytes too early")],
)  # fmt: skip
def test_a_response_that_is_no_image_is_refused(path: str, words: str, server: str) -> None:
    assert words in error(f"http://{server}/{path}")


def test_a_response_that_is_too_large_is_not_read_to_its_end(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urls, "MAX_URL_BYTES", 1000)
    assert "more than 1,000 bytes" in error(f"http://{server}/large")


@pytest.mark.parametrize("path", ["slow", "slowhead"])
def test_a_server_that_sends_a_byte_now_and_then_is_given_up(
    path: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urls, "MAX_SECONDS", 0.4)
    started = time.monotonic()
    assert "no complete response in 0.4 s" in error(f"http://{server}/{path}")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "address", ["http:///a.jpg", "http://[x/a.jpg", "http://localhost:99999/a.jpg", "http://a b/c"]
)
def test_an_address_that_is_none_is_reported(address: str) -> None:
    assert error(address)


def test_nobody_listens_and_tls_that_is_none_are_reported(server: str) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert "refused" in error(f"http://127.0.0.1:{free.getsockname()[1]}/a.jpg")
    assert error(f"https://{server}/image")


@pytest.mark.parametrize(
    ("address", "public"),
    [("8.8.8.8", True), ("2606:4700::1111", True), ("127.0.0.1", False), ("100.64.0.1", False), ("224.0.0.1", False),
     ("::1", False), ("fe80::1", False), ("fd00::1", False), ("::ffff:10.0.0.1", False), ("64:ff9b::7f00:1", False),
     ("2002:7f00:1::", False), ("255.255.255.255", False)],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) is public
