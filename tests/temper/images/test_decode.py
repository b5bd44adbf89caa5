import io
import logging
import os
import struct
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.errors import UnreadableImage
from temper.images import Decoding, EncodedImage, load_image, open_image
from temper.images.decode import CHUNK_BYTES, START_OF_SCAN, _count_scans, _silence_pillow

RED = (200, 30, 20)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def red(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, RED).convert(mode)


@pytest.mark.parametrize(
    ("mode", "name"),
    [("RGB", "a.png"), ("RGB", "a.jpg"), ("CMYK", "a.jpg"), ("P", "a.png"), ("P", "a.gif"), ("RGBA", "a.png"),
     ("RGBA", "a.webp"), ("RGB", "a.bmp"), ("RGB", "a.tiff"), ("RGB", "a.dat")],
)  # fmt: skip
def test_every_kind_of_image_gives_the_same_red(tmp_path: Path, mode: str, name: str) -> None:
    path = tmp_path / name
    red(mode).save(path, format="PNG" if name == "a.dat" else None)
    pixels = load_image(path, 8)
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - RED).max() <= 8


def test_a_file_in_memory_gives_the_pixels_of_the_file_and_its_name_in_errors(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", red("RGB"))
    content = path.read_bytes()
    assert (load_image(EncodedImage("a.jpg", content), 8) == load_image(path, 8)).all()
    with pytest.raises(UnreadableImage, match=r"^upload 3 is damaged"):
        load_image(EncodedImage("upload 3", content[:200]), 8)


def test_a_large_jpeg_decoded_small_resembles_a_full_decode(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    smooth = Image.fromarray(random.integers(0, 255, (12, 16, 3), np.uint8)).resize(
        (1600, 1200), Image.Resampling.BICUBIC
    )
    path = save(tmp_path / "a.jpg", smooth, quality=90)
    full = np.asarray(Image.open(path).convert("RGB").resize((96, 96), Image.Resampling.BILINEAR))
    assert np.abs(load_image(path, 96).astype(int) - full).mean() < 2


def damaged() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(stream, "JPEG")
    return stream.getvalue()[: len(stream.getvalue()) // 2]


BAD_FILES = {
    "text": (b"not an image", "is not an image that can be read"),
    "nothing": (b"", "is not an image that can be read"),
    "half": (damaged(), "is damaged"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_an_error_that_names_it(tmp_path: Path, what: str) -> None:
    content, words = BAD_FILES[what]
    path = tmp_path / "bad.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImage, match=words) as caught:
        load_image(path, 8)
    assert "bad.jpg" in str(caught.value)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_of_too_many_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", Image.new("1", (12000, 12000)))
    with pytest.raises(UnreadableImage, match="12000 x 12000"):
        load_image(path, 8)


def test_a_full_decode_is_that_of_pillow(tmp_path: Path) -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 400, 3), np.uint8))
    path = save(tmp_path / "a.jpg", noise, quality=90)
    full = np.asarray(Image.open(path).resize((32, 32), Image.Resampling.BILINEAR))
    assert (load_image(path, 32, Decoding(full=True)) == full).all()
    assert (load_image(path, 32) != full).any()
    assert (np.asarray(open_image(path)) == np.asarray(Image.open(path))).all()


def test_the_limit_of_pixels_can_be_lower(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", red("RGB", (40, 30)))
    assert load_image(path, 8, Decoding(max_pixels=1200)).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match="40 x 30 pixels; the limit is 1,199"):
        load_image(path, 8, Decoding(max_pixels=1199))


def test_a_narrow_image_is_refused_where_stretching_its_rows_takes_too_many_pixels(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.new("L", (1, 900)))
    assert load_image(path, 8).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match="1 x 900 pixels, and stretched to a width of 8 too many"):
        load_image(path, 8, Decoding(max_pixels=7199))


def test_memory_that_is_not_there_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise MemoryError

    monkeypatch.setattr("temper.images.decode.upright", fail)
    with pytest.raises(UnreadableImage, match=r"a\.png needs more memory than there is"):
        load_image(save(tmp_path / "a.png", red("RGB")), 8)


def test_any_error_of_a_parser_is_one_of_the_image(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise IndexError

    monkeypatch.setattr("temper.images.decode.upright", fail)
    with pytest.raises(UnreadableImage, match=r"a\.png is damaged \(IndexError\)"):
        load_image(save(tmp_path / "a.png", red("RGB")), 8)


def test_pillow_warns_of_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    _silence_pillow.cache_clear()
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("default")
        _silence_pillow()
        for module in ("PIL.TiffImagePlugin", "somebody"):
            warnings.warn_explicit("Corrupt EXIF data", UserWarning, "a.py", 1, module)
    _silence_pillow.cache_clear()
    assert len(shown) == 1
    logging.getLogger("PIL.TiffImagePlugin").error("More samples per pixel than can be decoded")
    assert not capfd.readouterr().err


@pytest.mark.programs
def test_libtiff_prints_nothing_of_a_damaged_file(tmp_path: Path) -> None:
    """In a process of its own: the first decoder decides."""
    noise = np.random.default_rng(0).integers(0, 2, (64, 64)).astype(bool)
    Image.fromarray(noise).save(tmp_path / "a.tif", compression="group4")
    with Image.open(tmp_path / "a.tif") as image:
        start = image.tag_v2[273][0]
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[start + 40 : start + 80] = b"U" * 40
    (tmp_path / "a.tif").write_bytes(content)
    code = "import sys, pathlib, temper.images as m; m.load_image(pathlib.Path(sys.argv[1]), 8)"
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.tif"], capture_output=True, text=True)
    assert "Fax" not in done.stderr and "TIFF" not in done.stderr


def test_a_progressive_jpeg_of_too_many_scans_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that would be decoded for hours: each scan goes over the complete image."""
    stream = io.BytesIO()
    Image.new("L", (64, 64), 128).save(stream, "JPEG", progressive=True)
    content = stream.getvalue()
    scan = content[content.rindex(b"\xff\xda") : -2]
    bomb = content[:-2] + 1000 * scan + content[-2:]
    monkeypatch.setattr("temper.images.decode.MAX_SCANNED_PIXELS", 64 * 64 * 20)
    assert load_image(EncodedImage("a.jpg", content), 8).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match=r"a\.jpg has 10.. scans, too many for its size"):
        load_image(EncodedImage("a.jpg", bomb), 8)


def run_length_bmp(width: int, height: int) -> EncodedImage:
    """A BMP of 8 bits, whose data is only the mark of its end (bitmap headers of Windows 3)."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, 2, 0, 0, 256, 0) + bytes(4 * 256)
    return EncodedImage(
        "a.bmp", b"BM" + struct.pack("<IHHI", 16 + len(header), 0, 0, 14 + len(header)) + header + b"\0\1"
    )


def test_a_bmp_of_too_many_run_lengths_is_refused_at_once() -> None:
    """Pillow fills up what is missing byte by byte."""
    with pytest.raises(UnreadableImage, match=r"a\.bmp stores 5000 x 5000 pixels as run lengths"):
        load_image(run_length_bmp(5000, 5000), 8)
    with pytest.raises(UnreadableImage, match="damaged"):
        load_image(run_length_bmp(50, 50), 8)


def test_an_image_of_more_pixels_than_pillow_accepts_is_not_called_damaged() -> None:
    with pytest.raises(UnreadableImage, match=r"a\.bmp has more than 178,956,970 pixels, the limit\. Scale it down"):
        load_image(run_length_bmp(20_000, 20_000), 8)


def test_scans_are_counted_with_a_part_of_the_file_in_memory(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", red("RGB"), progressive=True)
    os.truncate(path, 64 * CHUNK_BYTES)
    load_image(path, 8)
    tracemalloc.start()
    load_image(path, 8)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * CHUNK_BYTES


@pytest.mark.parametrize("before", [0, CHUNK_BYTES - 2, CHUNK_BYTES - 1, CHUNK_BYTES])
def test_a_marker_counts_once_wherever_it_is(before: int) -> None:
    file = io.BytesIO(bytes(before) + 2 * START_OF_SCAN)
    file.seek(1)
    assert (_count_scans(file), file.tell()) == (2, 1)
