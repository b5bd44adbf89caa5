"""Images on web servers, with limits on size, time and redirects, and none from private addresses unless allowed.

Every address that a host name resolves to is checked, and the connection is made to a checked address, also after a
redirect: a name that resolves to something else a moment later changes nothing. Proxies are not used.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import string
import threading
import time
from collections.abc import Callable, Iterator
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from temper.errors import UnreadableImage
from temper.images import EncodedImage
from temper.infer.sources.kinds import Url

MAX_URL_BYTES = 64 * 2**20
MAX_REDIRECTS = 5
# From the first connection to the last byte.
MAX_SECONDS = 30.0
CHUNK_BYTES = 1 << 16
# Characters of what a server sent that are repeated in a message.
MAX_SHOWN = 200
DEFAULT_PORTS = {"http": 80, "https": 443}
# What cannot be an image, whatever follows.
REFUSED_TYPES = ("text/", "application/json", "application/xhtml+xml")
# Addresses of IPv6 that stand for one of IPv4 (RFC 6052).
NAT64 = ipaddress.ip_network("64:ff9b::/96")
IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the internet: not loopback, private, link-local, multicast or reserved.

    >>> [is_public(ipaddress.ip_address(each)) for each in ("8.8.8.8", "10.0.0.1", "::ffff:127.0.0.1")]
    [True, False, False]
    """
    if isinstance(address, ipaddress.IPv6Address):
        embedded = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in NAT64:
            embedded = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if embedded is not None:
            return is_public(embedded)
    return address.is_global and not address.is_multicast


def fetch(url: Url, is_allowed: Callable[[IPAddress], bool] = is_public) -> EncodedImage:
    """The content behind a URL. Raises UnreadableImage for what cannot be read or is not allowed."""
    deadline = time.monotonic() + MAX_SECONDS
    allowed: Callable[[IPAddress], bool] = (lambda _: True) if url.allow_private else is_allowed
    address = url.address
    try:
        for _ in range(MAX_REDIRECTS + 1):
            with _response(_split(address), allowed, deadline) as response:
                if response.status not in (301, 302, 303, 307, 308):
                    return EncodedImage(url.address, _body(response, deadline))
                address = urljoin(address, response.headers.get("Location", ""))
        raise _Refused(f"it redirects more than {MAX_REDIRECTS} times", "Name the last address.")
    except _Refused as error:
        what, fix = error.args
    except (OSError, http.client.HTTPException, ValueError) as error:
        is_late = time.monotonic() >= deadline or isinstance(error, TimeoutError)
        reason = str(getattr(error, "strerror", None) or error or type(error).__name__)
        what = f"no complete response in {MAX_SECONDS:g} s" if is_late else _shown(reason)
        fix = "Check the address, or try again."
    raise UnreadableImage(f"{url.address} cannot be read: {what}", fix=fix)


class _Refused(Exception):
    """What is wrong with a URL or a response, and how to fix it."""


def _split(address: str) -> SplitResult:
    parts = urlsplit(address)
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise _Refused(f"it leads to {address[:100]!r}, which is not an http or https address", "Check the address.")
    return parts


@contextlib.contextmanager
def _response(
    parts: SplitResult, allowed: Callable[[IPAddress], bool], deadline: float
) -> Iterator[http.client.HTTPResponse]:
    host, port = str(parts.hostname), parts.port or DEFAULT_PORTS[parts.scheme]
    address = _checked_address(host, port, allowed)
    connection = http.client.HTTPConnection(host, port)
    with contextlib.closing(connection):
        connection.sock = socket.create_connection((address, port), timeout=_seconds_left(deadline))
        # A server that sends a byte now and then would outlast the time limit of each single read.
        watch = threading.Timer(_seconds_left(deadline), _shut_down, [connection])
        watch.daemon = True
        watch.start()
        try:
            if parts.scheme == "https":
                context = ssl.create_default_context()
                connection.sock = context.wrap_socket(
                    connection.sock, server_hostname=host, do_handshake_on_connect=False
                )
                connection.sock.do_handshake()
            target = quote(parts._replace(scheme="", netloc="", fragment="").geturl() or "/", safe=string.punctuation)
            headers = {"Host": parts.netloc.rpartition("@")[2], "User-Agent": "temper", "Accept": "image/*"}
            connection.request("GET", target, headers=headers)
            yield connection.getresponse()
        finally:
            watch.cancel()


def _checked_address(host: str, port: int, allowed: Callable[[IPAddress], bool]) -> str:
    addresses = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for each in addresses:
        if not allowed(ipaddress.ip_address(each)):
            raise _Refused(
                f"{host} is the private or reserved address {each}", "Allow such addresses with --allow-private."
            )
    return addresses[0]


def _body(response: http.client.HTTPResponse, deadline: float) -> bytes:
    if response.status != http.HTTPStatus.OK:
        raise _Refused(f"the server replied {response.status} {_shown(response.reason)}", "Check the address.")
    kind = response.headers.get_content_type()
    if kind.startswith(REFUSED_TYPES) and "Content-Type" in response.headers:
        raise _Refused(f"the server sent {kind}, not an image", "Name the address of the image itself.")
    content = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        content += chunk
        if len(content) > MAX_URL_BYTES:
            raise _Refused(f"it has more than {MAX_URL_BYTES:,} bytes, the limit", "Scale the image down.")
        _seconds_left(deadline)
    if response.length:
        raise _Refused(f"the response ended {response.length:,} bytes too early", "Try again.")
    return bytes(content)


def _shown(text: str) -> str:
    """What a server sent, in one line without control characters, which could change a terminal."""
    return "".join(each if each.isprintable() else " " for each in text.strip()[:MAX_SHOWN])


def _seconds_left(deadline: float) -> float:
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


def _shut_down(connection: http.client.HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)
