"""Images that are drawn by code, with the pixels that must result: a test of programs that decode by themselves.

In the folder are the images, `pixels/NAME.png` with what the network's input must be (size x size, RGB, lossless), and
`manifest.json`: size, preprocessing, and for each image the SHA-256 of its file and of its pixels, which are uint8 RGB
[size, size, 3] without a header.
"""

import hashlib
import io
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from temper.images import EncodedImage, load_image
from temper.storage.atomic import atomic_write

MANIFEST, PIXELS = "manifest.json", "pixels"
WIDTH, HEIGHT = 640, 400
# So large that a JPEG is decoded at a smaller scale.
LARGE = 4
QUARTER_TURN = 6


@dataclass(frozen=True, kw_only=True)
class ClientImage:
    """An image and what must result. sha256: of the file. pixels_sha256: of the bytes of the pixels."""

    file: str
    tests: str
    sha256: str
    pixels_sha256: str


def write_client_images(folder: Path, size: int, preprocessing: dict[str, Any]) -> list[ClientImage]:
    """Write the images, what must result, and the manifest. size: of the network's input."""
    (folder / PIXELS).mkdir(parents=True, exist_ok=True)
    made = []
    for file, tests, content in _images():
        pixels = load_image(EncodedImage(file, content), size)
        with atomic_write(folder / file) as path:
            path.write_bytes(content)
        with atomic_write(folder / PIXELS / f"{Path(file).stem}.png") as path:
            Image.fromarray(pixels).save(path, "PNG")
        digests = (hashlib.sha256(each).hexdigest() for each in (content, pixels.tobytes()))
        made.append(ClientImage(file=file, tests=tests, sha256=next(digests), pixels_sha256=next(digests)))
    manifest = {"size": size, "preprocessing": preprocessing, "images": [asdict(each) for each in made]}
    with atomic_write(folder / MANIFEST) as path:
        path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    return made


def draw(width: int, height: int) -> Image.Image:
    """Stripes and a gradient whose channels, rows and columns all differ, so that no mistake goes unnoticed."""
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float64)
    red = 255 * columns / width
    green = 255 * ((rows // (height / 8)) % 2) * (rows / height)
    blue = 127.5 + 127.5 * np.sin((columns + 2 * rows) * 24 / width)
    return Image.fromarray(np.stack([red, green, blue], axis=2).round().astype(np.uint8))


def _images() -> Iterator[tuple[str, str, bytes]]:
    """Name, what it tests, and content of each image."""
    image = draw(WIDTH, HEIGHT)
    gray = np.asarray(image.convert("L"), np.uint16)
    alpha = image.copy()
    alpha.putalpha(image.getchannel("R"))
    rotated = Image.Exif()
    rotated[0x0112] = QUARTER_TURN
    photo = {"quality": 95, "subsampling": 0}
    yield "plain.png", "the order of the channels, and resizing", _encoded(image, "PNG")
    yield "small.png", "enlarging", _encoded(draw(40, 25), "PNG")
    yield "tall.png", "stretching to a square", _encoded(draw(100, 900), "PNG")
    yield "photo.jpg", "the JPEG decoder", _encoded(image, "JPEG", **photo)
    large = draw(LARGE * WIDTH, LARGE * HEIGHT)
    yield "large.jpg", "decoding at a smaller scale", _encoded(large, "JPEG", **photo)
    yield "rotated.jpg", "EXIF orientation", _encoded(image, "JPEG", exif=rotated, **photo)
    yield "cmyk.jpg", "four inks", _encoded(image.convert("CMYK"), "JPEG", **photo)
    yield "gray.png", "one channel", _encoded(image.convert("L"), "PNG")
    yield "gray16.png", "16 bits", _encoded(Image.fromarray(gray * 257), "PNG")
    yield "transparent.png", "transparency on white", _encoded(alpha, "PNG")
    palette = image.quantize(64)
    yield (
        "animated.gif",
        "the first frame, and a palette",
        _encoded(palette, "GIF", save_all=True, append_images=[palette.transpose(Image.Transpose.ROTATE_180)]),
    )


def _encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()
