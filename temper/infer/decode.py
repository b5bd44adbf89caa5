"""From one source to the pixels of the network's input; an image that cannot be read becomes a result with an error."""

import contextlib
import hashlib
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from temper.errors import UnreadableImage
from temper.images import MAX_BYTES, EncodedImage, ImageArray, fit, load_image, read_image, to_rgb, unreadable
from temper.images.budget import FILES
from temper.infer.flow import Flow
from temper.infer.results import Result
from temper.infer.sources import Frame, ImageSource, Unreadable, Url


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The result to be, with its source or its error, and the pixels.

    is_done: the image is to be left out. seconds: what reading and decoding took.
    """

    result: Result
    pixels: ImageArray | None = None
    is_done: bool = False
    seconds: float = 0.0


def decode(number: int, source: ImageSource, size: int, flow: Flow) -> Decoded:
    """Read and decode one source. number: its position in the input, from 0, which names an image without a name.

    Raises ValueError for an array that is not uint8 RGB [height, width, 3].
    """
    started = time.perf_counter()
    decoded = _decode(number, source, size, flow)
    return Decoded(
        result=decoded.result,
        pixels=decoded.pixels,
        is_done=decoded.is_done,
        seconds=time.perf_counter() - started,
    )


def _decode(number: int, source: ImageSource, size: int, flow: Flow) -> Decoded:
    if isinstance(source, Unreadable):
        return Decoded(result=Result(source=source.name, error=source.error), is_done=flow.is_done(source.name, ""))
    if isinstance(source, Frame):
        return _decode_frame(source, size, flow)
    if isinstance(source, (Path, Url, EncodedImage)):
        return _decode_encoded(source, size, flow)
    return _decode_object(f"image {number}", source, size)


def _decode_frame(source: Frame, size: int, flow: Flow) -> Decoded:
    pixels = fit(source.image, size)
    # All pixels of a large frame would take longer to hash than the frame to decode.
    digest = hashlib.sha256(pixels.tobytes()).hexdigest()
    if flow.is_done(source.name, digest):
        return Decoded(result=Result(source=source.name, sha256=digest), is_done=True)
    return Decoded(result=Result(source=source.name, image=source.image, sha256=digest), pixels=pixels)


def _decode_encoded(source: Path | Url | EncodedImage, size: int, flow: Flow) -> Decoded:
    name = str(source)
    # An image on a server is known by its address: reading it again would cost as much as the first time.
    if isinstance(source, Url) and flow.is_done(name, ""):
        return Decoded(result=Result(source=name), is_done=True)
    try:
        # Both the content of the file and the pixels are in memory at the end.
        with FILES.reserve(_bytes_to_read(source)):
            return _decode_content(source, size, flow)
    except UnreadableImage as error:
        return Decoded(result=Result(source=name, error=str(error)))


def _decode_content(source: Path | Url | EncodedImage, size: int, flow: Flow) -> Decoded:
    name = str(source)
    encoded = source if isinstance(source, EncodedImage) else _read(source)
    try:
        digest = hashlib.sha256(encoded.content).hexdigest()
        if flow.is_done(name, digest):
            return Decoded(result=Result(source=name, sha256=digest), is_done=True)
        # A file can be read again to show it.
        image = None if isinstance(source, Path) else encoded
        return Decoded(
            result=Result(source=name, sha256=digest, image=image), pixels=load_image(encoded, size, flow.decoding)
        )
    except UnreadableImage as error:
        return Decoded(result=Result(source=name, error=str(error), sha256=digest))


def _bytes_to_read(source: Path | Url | EncodedImage) -> int:
    with contextlib.suppress(OSError, ValueError):
        return min(source.stat().st_size, MAX_BYTES) if isinstance(source, Path) else 0
    return 0


def _read(source: Path | Url) -> EncodedImage:
    if isinstance(source, Path):
        return read_image(source)
    # Only those who name a URL import HTTP and TLS.
    from temper.infer.sources.urls import fetch

    return fetch(source)


def _decode_object(name: str, source: Image.Image | ImageArray, size: int) -> Decoded:
    if not isinstance(source, Image.Image):
        return _prepared(name, _image_of(source), size)
    try:
        return _prepared(name, to_rgb(source), size)
    except Exception as error:
        return Decoded(result=Result(source=name, error=str(unreadable(name, error))))


def _prepared(name: str, image: Image.Image, size: int) -> Decoded:
    return Decoded(result=Result(source=name, image=image), pixels=fit(image, size))


def _image_of(pixels: ImageArray) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"expected uint8 RGB [height, width, 3], got {pixels.dtype} {list(pixels.shape)}")
    return Image.fromarray(pixels)
