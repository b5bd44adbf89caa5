import socket
from pathlib import Path

from temper.serve.settings import Limits
from tests.temper.serve.serving import SMALL, Running, serving


def test_a_slow_header_and_a_slow_body_are_refused(running: Running) -> None:
    assert running.raw(b"GET /v2 HTTP/1.1\r\nHost: a\r\nX: " + b"y" * 40, pause=0.02).status == 408
    head = b"POST /v2/models/model/classify HTTP/1.1\r\nHost: a\r\nContent-Length: 999\r\n\r\n"
    assert running.raw(head + b"x").status == 408


def test_a_silent_connection_is_closed_without_a_response(running: Running) -> None:
    assert running.raw(b"").status == 0


def test_headers_beyond_the_limit_are_refused(running: Running) -> None:
    long = b"X-Long: " + b"z" * SMALL.header_bytes
    assert running.raw(b"GET /v2 HTTP/1.1\r\nHost: a\r\n" + long + b"\r\n\r\n").status == 431
    assert running.raw(b"GET /v2 HTTP/1.1\r\nHost: a\r\n" + long).status == 431


def test_what_is_no_http_gets_an_error_in_json(running: Running) -> None:
    reply = running.raw(b"\x16\x03\x01 nonsense\r\n\r\n")
    assert (reply.status, reply.json) == (400, {"error": "this is not a valid HTTP request"})


def test_a_client_that_sends_nothing_more_still_gets_its_response(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port), timeout=10) as connection:
        body = b"no image"
        head = f"POST /v2/models/model/classify HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        connection.shutdown(socket.SHUT_WR)
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_one_connection_too_many_is_refused_with_503(onnx: Path) -> None:
    with serving(onnx, limits=Limits(connections=2)) as server:
        held = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(2)]
        reply = server.raw(b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n\r\n")
        assert reply.status == 503
        for each in held:
            each.close()
