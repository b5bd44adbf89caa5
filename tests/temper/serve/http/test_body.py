import gzip
import zlib

import pytest

from tests.temper.serve.serving import SMALL, Running

INFER = "/v2/models/model/infer"


def test_a_body_beyond_the_limit_is_refused_declared_or_inflated(running: Running) -> None:
    large = bytes(SMALL.body_bytes + 1)
    assert running.post(INFER, large).status == 413
    assert running.post(INFER, gzip.compress(large, mtime=0), Content_Encoding="gzip").status == 413


def test_a_chunked_body_beyond_the_limit_is_refused(running: Running) -> None:
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    head = f"POST {INFER} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    assert running.raw(head + chunk * 17 + b"0\r\n\r\n").status == 413


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (gzip.compress(b"{}", mtime=0)[:-3], "gzip", 400),
        (zlib.compress(b"{}") + b"more", "deflate", 400),
        (b"not compressed", "gzip", 400),
        (b"{}", "br", 415),
    ],
)
def test_a_damaged_or_unknown_encoding_is_refused(running: Running, body: bytes, encoding: str, status: int) -> None:
    assert running.post(INFER, body, Content_Encoding=encoding).status == status


def test_no_memory_stays_reserved(running: Running) -> None:
    for _ in range(3):
        running.post(INFER, b"{")
    assert running.server.service.bodies._held == 0
