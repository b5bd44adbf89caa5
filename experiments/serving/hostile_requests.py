"""What no client should send: broken JSON, wrong tensors, bodies that are no image, abuse of HTTP."""

import gzip
import json
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MIB = 2**20
SLOW_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Hostile:
    """One kind of request.

    pieces: its bytes. pause: seconds after each piece. weight: how often it is sent, compared with the other kinds.
    """

    name: str
    pieces: Callable[[random.Random], Iterator[bytes]]
    pause: float = 0.0
    weight: int = 1


def kinds(name: str, size: int, body_mib: int) -> list[Hostile]:
    """All kinds of hostile requests."""
    infer, classify = f"/v2/models/{name}/infer", f"/v2/models/{name}/classify"
    return [
        *of_json(infer, size),
        *of_tensors(infer, size),
        *of_images(classify),
        *of_http(infer),
        *of_bodies(infer, classify, body_mib),
        *of_slow_senders(classify),
    ]


def of_json(path: str, size: int) -> list[Hostile]:
    """JSON that is none, or another than was expected."""

    def cut(generator: random.Random) -> Iterator[bytes]:
        text = inference(size, data=[0] * 8)
        yield post(path, text[: generator.randrange(1, len(text))])

    def flipped(generator: random.Random) -> Iterator[bytes]:
        text = bytearray(inference(size, data=[0] * 8))
        for _ in range(4):
            text[generator.randrange(len(text))] = generator.randrange(256)
        yield post(path, bytes(text))

    def deep(generator: random.Random) -> Iterator[bytes]:
        depth = generator.choice([200, 10_000, 1_000_000])
        yield post(path, b'{"inputs":' + b"[" * depth + b"]" * depth + b"}")

    def other(generator: random.Random) -> Iterator[bytes]:
        values: list[Any] = [None, 1, "text", [], {}, {"inputs": None}, {"inputs": [{}]}, {"inputs": [], "id": 7}]
        yield post(path, json.dumps(generator.choice(values)).encode())

    return [
        Hostile(name="JSON that is cut off", pieces=cut, weight=3),
        Hostile(name="JSON with flipped bytes", pieces=flipped, weight=3),
        Hostile(name="JSON that is nested deeply", pieces=deep, weight=2),
        Hostile(name="JSON of another form", pieces=other, weight=2),
    ]


def of_tensors(path: str, size: int) -> list[Hostile]:
    """Tensors whose shape, type or length is wrong."""
    image = size * size * 3

    def shape(generator: random.Random) -> Iterator[bytes]:
        shapes = [[-1, size, size, 3], [0, size, size, 3], [2**62, size, size, 3], [1, -size, -size, 3], [], [1],
                  [10**30, size, size, 3], [1] * 1000, [2**31, 2**31, 2**31, 3]]  # fmt: skip
        yield post(path, inference(size, shape=generator.choice(shapes), data=[0] * 4))

    def datatype(generator: random.Random) -> Iterator[bytes]:
        yield post(path, inference(size, datatype=generator.choice(["FP32", "BYTES", "INT64", "", "uint8", "x" * 999])))

    def data(generator: random.Random) -> Iterator[bytes]:
        values: list[Any] = [256, -1, 1.5, "a", None, 10**30, True, [1], {}]
        yield post(path, inference(size, data=[generator.choice(values)] * image))

    def truncated(generator: random.Random) -> Iterator[bytes]:
        text = inference(size, parameters={"binary_data_size": image})
        body = text + bytes(generator.randrange(image))
        yield post(path, body, f"Inference-Header-Content-Length: {len(text)}")

    def header_length(generator: random.Random) -> Iterator[bytes]:
        text = inference(size, parameters={"binary_data_size": generator.choice([-1, 2**63, image])})
        value = generator.choice([str(10**18), "-5", "x", "", str(len(text) - 3), "9" * 500])
        yield post(path, text + bytes(image), f"Inference-Header-Content-Length: {value}")

    return [
        Hostile(name="negative, huge and missing shapes", pieces=shape, weight=3),
        Hostile(name="wrong data types", pieces=datatype, weight=2),
        Hostile(name="values that are no color", pieces=data, weight=2),
        Hostile(name="truncated binary tensors", pieces=truncated, weight=3),
        Hostile(name="wrong lengths of the JSON part", pieces=header_length, weight=3),
    ]


def of_images(path: str) -> list[Hostile]:
    """Bodies that are no image, or one that is too large."""

    def noise(generator: random.Random) -> Iterator[bytes]:
        starts = [b"", b"\xff\xd8\xff\xe0", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBP", b"II*\0"]
        yield post(path, generator.choice(starts) + generator.randbytes(20_000))

    def bomb(generator: random.Random) -> Iterator[bytes]:
        side = generator.choice([20_000, 65_000, 2**31 - 1])
        header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
        yield post(path, b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"x") + chunk(b"IEND", b""))

    def query(generator: random.Random) -> Iterator[bytes]:
        yield post(f"{path}?top_k={generator.choice(['-1', 'x', '9' * 400, '%00', '1.5'])}", b"x")

    return [
        Hostile(name="bytes that are no image", pieces=noise, weight=3),
        Hostile(name="PNG of a billion pixels", pieces=bomb, weight=2),
        Hostile(name="wrong top_k", pieces=query, weight=1),
    ]


def of_http(infer: str) -> list[Hostile]:
    """Headers, methods and paths."""

    def many(generator: random.Random) -> Iterator[bytes]:
        yield b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\n"
        for number in range(3000):
            yield f"X-Header-{number}: {'y' * 60}\r\n".encode()
        yield b"\r\n"

    def long(generator: random.Random) -> Iterator[bytes]:
        yield b"GET /v2/health/live HTTP/1.1\r\nHost: a\r\nX-Long: "
        for _ in range(160):
            yield b"z" * 65_536

    def garbage(generator: random.Random) -> Iterator[bytes]:
        yield generator.randbytes(2000) + b"\r\n\r\n"

    def method(generator: random.Random) -> Iterator[bytes]:
        words = generator.choice(
            ["DELETE /v2", "PUT /", f"GET {infer}", "POST /../../etc/passwd", "GET /%ff%00", "TRACE /"]
        )
        yield f"{words} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n".encode()

    return [
        Hostile(name="thousands of headers", pieces=many),
        Hostile(name="a header of 10 MB", pieces=long),
        Hostile(name="no HTTP", pieces=garbage, weight=2),
        Hostile(name="other methods and paths", pieces=method, weight=2),
    ]


def of_bodies(infer: str, classify: str, body_mib: int) -> list[Hostile]:
    """Bodies that are too large or too short."""

    def large(generator: random.Random) -> Iterator[bytes]:
        yield head(generator.choice([infer, classify]), f"Content-Length: {body_mib * MIB}")
        for _ in range(body_mib):
            yield bytes(MIB)

    def chunked(generator: random.Random) -> Iterator[bytes]:
        yield head(generator.choice([infer, classify]), "Transfer-Encoding: chunked")
        for _ in range(body_mib):
            yield b"100000\r\n" + bytes(MIB) + b"\r\n"
        yield b"0\r\n\r\n"

    def inflating(generator: random.Random) -> Iterator[bytes]:
        yield post(
            generator.choice([infer, classify]), gzip.compress(bytes(body_mib * MIB), 1), "Content-Encoding: gzip"
        )

    def short(generator: random.Random) -> Iterator[bytes]:
        yield head(infer, "Content-Length: 1000") + b"{"

    return [
        Hostile(name=f"bodies of {body_mib} MiB", pieces=large),
        Hostile(name=f"chunked bodies of {body_mib} MiB", pieces=chunked),
        Hostile(name=f"gzip that inflates to {body_mib} MiB", pieces=inflating),
        Hostile(name="bodies that end early", pieces=short),
    ]


def of_slow_senders(classify: str) -> list[Hostile]:
    """Senders that take for ever."""

    def slow_header(generator: random.Random) -> Iterator[bytes]:
        yield b"GET /v2 HTTP/1.1\r\nHost: a\r\n"
        for _ in range(60):
            yield b"X: y\r\n"

    def slow_body(generator: random.Random) -> Iterator[bytes]:
        yield head(classify, "Content-Length: 100000")
        for _ in range(75):
            yield b"x"

    return [
        Hostile(name="slow headers", pieces=slow_header, pause=SLOW_SECONDS),
        Hostile(name="slow bodies", pieces=slow_body, pause=SLOW_SECONDS),
    ]


def inference(size: int, **fields: Any) -> bytes:
    """The JSON of an inference request of one image, with some fields of its input replaced."""
    tensor = {"name": "images", "shape": [1, size, size, 3], "datatype": "UINT8", **fields}
    return json.dumps({"inputs": [tensor]}).encode()


def post(path: str, body: bytes, *headers: str) -> bytes:
    """A request with a body."""
    return head(path, f"Content-Length: {len(body)}", *headers) + body


def head(path: str, *headers: str) -> bytes:
    """The headers of a request."""
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: a", "Connection: close", *headers, "", ""]).encode()


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
