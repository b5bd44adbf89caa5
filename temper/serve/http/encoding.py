"""Responses that are compressed when the client asks for it."""

import gzip
import re
import zlib

from starlette.responses import Response

# Below this, the frame of gzip outweighs the gain; and it takes time.
MIN_BYTES = 1024
LEVEL = 1
# A weight of zero: `gzip;q=0`, and not `gzip;q=0.5`.
REFUSED = re.compile(r";\s*q\s*=\s*0(\.0*)?\s*$")


def encoded(body: bytes, headers: dict[str, str], accepted: str) -> Response:
    """A response with this body, compressed if the header Accept-Encoding of the request allows it."""
    names = {_name(each) for each in accepted.lower().split(",") if not REFUSED.search(each)}
    if len(body) >= MIN_BYTES:
        if "gzip" in names:
            body, headers = gzip.compress(body, LEVEL, mtime=0), {**headers, "content-encoding": "gzip"}
        elif "deflate" in names:
            body, headers = zlib.compress(body, LEVEL), {**headers, "content-encoding": "deflate"}
    return Response(body, headers=headers)


def _name(encoding: str) -> str:
    return encoding.partition(";")[0].strip()
