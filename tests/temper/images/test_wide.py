import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from temper.errors import UnreadableImage
from temper.images import EncodedImage, load_image, to_rgb
from temper.images.wide import UnclearRange


def png(values: np.ndarray) -> EncodedImage:
    """Values uint16, [height, width] or [height, width, 3], as a PNG file of 16 bits."""
    height, width = values.shape[:2]
    color = 2 if values.ndim == 3 else 0
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, color, 0, 0, 0)
    content = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return EncodedImage("a.png", b"\x89PNG\r\n\x1a\n" + content)


def tiff(values: np.ndarray, **tags: int) -> EncodedImage:
    stream, fields = io.BytesIO(), TiffImagePlugin.ImageFileDirectory_v2()
    for name, value in tags.items():
        fields[{"photometric": 262}[name]] = value
    Image.fromarray(values).save(stream, "TIFF", tiffinfo=fields)
    return EncodedImage("a.tif", stream.getvalue())


def ramp(highest: float, dtype: type, rows: int = 4) -> np.ndarray:
    return np.linspace(0, highest, 64 * rows).reshape(rows, 64).astype(dtype)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    assert (load_image(png(np.full((9, 9), 128 * 257, np.uint16)), 8) == 128).all()
    assert (load_image(png(np.full((9, 9, 3), 128 * 257, np.uint16)), 8) == 128).all()


def test_every_value_of_sixteen_bits_is_rounded_to_the_nearest_of_eight() -> None:
    values = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    expected = (values / 257).round().astype(np.uint8)
    assert (np.asarray(to_rgb(Image.fromarray(values)))[..., 0] == expected).all()


@pytest.mark.parametrize("highest", [1, 255, 1023, 4095])
@pytest.mark.parametrize("channels", [1, 3])
def test_data_of_fewer_bits_in_sixteen_is_refused_and_does_not_become_black(highest: int, channels: int) -> None:
    values = ramp(highest, np.uint16)
    values = values if channels == 1 else np.stack([values] * 3, axis=2)
    with pytest.raises(
        UnreadableImage, match=r"^a\.png is a 16-bit image with values .* which value is white\. Convert"
    ):
        load_image(png(values), 8)


@pytest.mark.parametrize("values", [ramp(4096, np.uint16), np.zeros((4, 4), np.uint16)], ids=["dark", "black"])
def test_a_dark_image_of_sixteen_bits_and_a_black_one_are_right(values: np.ndarray) -> None:
    assert load_image(png(values), 8).max() == round(values.max() / 257)


@pytest.mark.parametrize(
    ("highest", "words"),
    [(1.0, "floating-point image with values up to 1,"), (255.0, "up to 255,"), (70_000.0, "from 0 to 70000"),
     (-1.0, "from -1 to 0"), (np.nan, "not numbers"), (np.inf, "not numbers")],
)  # fmt: skip
def test_a_floating_point_image_of_unknown_range_is_refused(highest: float, words: str) -> None:
    values = np.zeros((4, 4), np.float32)
    values[2, 2] = highest
    with pytest.raises(UnreadableImage, match=words):
        load_image(tiff(values), 8)
    with pytest.raises(UnclearRange, match=words):
        to_rgb(Image.fromarray(values))


@pytest.mark.parametrize("dtype", [np.float32, np.int32, np.uint16])
def test_every_type_with_the_range_of_sixteen_bits_is_scaled(dtype: type) -> None:
    assert (load_image(tiff(np.full((9, 9), 25_700, dtype)), 8) == 100).all()


def test_a_tiff_file_may_say_that_zero_is_white() -> None:
    assert (load_image(tiff(np.full((9, 9), 257 * 55, np.uint16), photometric=0), 8) == 200).all()


def test_integers_of_twelve_bits_are_scaled_as_such_where_the_file_says_so() -> None:
    """Two rows of 4095: Pillow reads such files and does not write them."""
    entries = [
        (256, 3, 2), (257, 3, 2), (258, 3, 12), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1), (278, 3, 2),
        (279, 4, 6),
    ]  # fmt: skip
    fields = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    content = b"II*\0" + struct.pack("<I", 14) + b"\xff" * 6 + struct.pack("<H", len(entries)) + fields + bytes(4)
    assert (load_image(EncodedImage("a.tif", content), 8) == 255).all()


def test_big_endian_integers_are_scaled_too() -> None:
    image = Image.frombytes("I;16B", (2, 2), np.full(4, 257 * 7 + 30_000, ">u2").tobytes())
    assert (np.asarray(to_rgb(image)) == round((257 * 7 + 30_000) / 257)).all()
