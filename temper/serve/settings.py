"""What a user chooses for a server, and the limits of what clients may send."""

from dataclasses import dataclass, field
from pathlib import Path

from temper.images import MAX_PIXELS, Decoding

MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a client may take; beyond it, it gets a response of status 4xx or 503.

    connections: open at once. header_bytes: of one request. header_seconds, body_seconds: from the first to the last
    byte of headers and body. keep_alive_seconds: between two requests. body_bytes: of one request, also after it was
    inflated. all_bodies_bytes: of all requests that are being answered. json_bytes: of the JSON part of an inference
    request, unless one image needs more. images: of one inference request. max_pixels: of an image file.
    """

    connections: int = 1024
    header_bytes: int = 16 * 1024
    header_seconds: float = 10.0
    body_seconds: float = 30.0
    keep_alive_seconds: float = 65.0
    body_bytes: int = 64 * MIB
    all_bodies_bytes: int = 512 * MIB
    json_bytes: int = 8 * MIB
    images: int = 256
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How artifacts are served.

    port: 0 for any free one. token: which clients must send as `Authorization: Bearer TOKEN`; empty for none. certfile,
    keyfile: PEM files for TLS; certfile may contain the key too. max_batch: images in one call of the runtime; None for
    the limit of the card's latency budget, or its best batch. max_wait_ms: how long an idle runtime waits for a full
    batch. max_queue: images that wait for the runtime, of each model. deadline_ms: from the last byte of a request to
    its response. top_k: labels that `classify` returns by default. full_decode: large JPEG files are decoded at their
    full scale. drain_seconds: how long accepted requests are answered after the signal to stop. watch_seconds: how
    often the files of an artifact are looked at.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    certfile: Path | None = None
    keyfile: Path | None = None
    max_batch: int | None = None
    max_wait_ms: float = 0.0
    max_queue: int = 256
    deadline_ms: float = 5000.0
    top_k: int = 5
    full_decode: bool = False
    drain_seconds: float = 3.5
    watch_seconds: float = 1.0
    limits: Limits = field(default_factory=Limits)

    @property
    def is_local(self) -> bool:
        """True when only programs on this machine can reach the server."""
        return self.host in ("127.0.0.1", "::1", "localhost")

    @property
    def decoding(self) -> Decoding:
        """How image files are decoded."""
        return Decoding(full=self.full_decode, max_pixels=self.limits.max_pixels)
