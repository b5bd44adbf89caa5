import gzip
import zlib

import pytest

from temper.serve.http.encoding import MIN_BYTES, encoded


@pytest.mark.parametrize(
    ("accepted", "name"),
    [
        ("gzip, deflate", "gzip"),
        ("deflate", "deflate"),
        ("", ""),
        ("gzip;q=0", ""),
        ("gzip; q=0.000, deflate;q=0.5", "deflate"),
        ("GZIP;q=0.05", "gzip"),
        ("br", ""),
    ],
)
def test_a_body_is_compressed_as_the_client_takes_it(accepted: str, name: str) -> None:
    body = bytes(MIN_BYTES)
    response = encoded(body, {}, accepted)
    assert response.headers.get("content-encoding", "") == name
    content = bytes(response.body)
    if name == "gzip":
        content = gzip.decompress(content)
    elif name == "deflate":
        content = zlib.decompress(content)
    assert content == body
    assert "content-encoding" not in encoded(body[1:], {}, accepted).headers
