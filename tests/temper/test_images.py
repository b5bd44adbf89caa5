import io
import itertools
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.errors import DataError, UnreadableImage
from temper.images import (
    AHEAD_PER_CORE,
    SUFFIXES,
    EncodedImage,
    images_in,
    labeled_images,
    load_image,
    load_images,
    map_ahead,
    to_rgb,
)

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


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_images_are_gray(tmp_path: Path, mode: str) -> None:
    pixels = load_image(save(tmp_path / "a.png", Image.new("L", (9, 9), 255).convert(mode)), 8)
    assert (pixels == 255).all()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    wide = Image.fromarray(np.full((9, 9), 128 * 257, np.uint16))
    assert (load_image(save(tmp_path / "a.png", wide), 8) == 128).all()


def test_a_transparent_background_is_white(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (9, 9), (0, 0, 0, 0))
    assert (load_image(save(tmp_path / "a.png", clear), 8) == 255).all()


def test_exif_rotation_is_applied(tmp_path: Path) -> None:
    upright = np.zeros((32, 32, 3), np.uint8)
    upright[:16] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # The camera was rotated by 90°.
    rotated = Image.fromarray(np.rot90(upright).copy())
    pixels = load_image(save(tmp_path / "a.jpg", rotated, exif=exif, quality=95), 32)
    assert np.abs(pixels.astype(int) - upright).mean() < 6


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


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImage, match="does not exist"):
        load_image(tmp_path / "none.jpg", 8)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_an_image_of_too_many_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", Image.new("1", (12000, 12000)))
    with pytest.raises(UnreadableImage, match="12000 x 12000"):
        load_image(path, 8)


def test_images_come_in_the_order_of_their_paths(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", Image.new("RGB", (9, 9), (i, i, i))) for i in range(40)]
    assert [int(pixels[0, 0, 0]) for pixels in load_images(paths, 4)] == list(range(40))


def test_labels_are_folders_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    for label in ("b", "a", ".hidden"):
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png", red("RGB"))
        save(tmp_path / label / ".2.png", red("RGB"))
        (tmp_path / label / "notes.txt").write_text("x")
    assert [(path.name, label) for path, label in labeled_images(tmp_path)] == [("1.png", "a"), ("1.png", "b")]
    assert images_in(tmp_path) == [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]


@pytest.mark.parametrize(("labels", "words"), [([], "no images"), (["cat"], r"one label only \(cat\)")])
def test_fewer_than_two_labels_are_refused(tmp_path: Path, labels: list[str], words: str) -> None:
    for label in labels:
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png", red("RGB"))
    with pytest.raises(DataError, match=words):
        labeled_images(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        labeled_images(tmp_path / "none")


def test_the_image_of_a_caller_is_not_changed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    red("RGB", (40, 20)).save(stream, "PNG", exif=exif)
    with Image.open(stream) as image:
        assert to_rgb(image).size == (20, 40)
        assert image.size == (40, 20)
        assert image.getexif()[0x0112] == 6


def test_work_ahead_is_bounded_and_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in itertools.count():
            taken.append(number)
            yield number

    results = map_ahead(lambda number: 2 * number, items())
    assert [next(results) for _ in range(30)] == [2 * number for number in range(30)]
    assert len(taken) <= 30 + 2 * AHEAD_PER_CORE
    results.close()  # type: ignore[attr-defined]


def test_work_that_has_not_begun_is_given_up_after_an_interruption() -> None:
    begun: list[int] = []

    def work(number: int) -> int:
        begun.append(number)
        time.sleep(0.02)
        return number

    results = map_ahead(work, range(100), ahead=50, workers=1)
    next(results)
    results.close()  # type: ignore[attr-defined]
    assert len(begun) < 10


def test_an_error_is_raised_in_the_place_of_its_image(tmp_path: Path) -> None:
    good = save(tmp_path / "good.png", red("RGB"))
    images = load_images([good, tmp_path / "none.png", good], 8)
    assert next(images).shape == (8, 8, 3)
    with pytest.raises(UnreadableImage, match=r"none\.png does not exist"):
        next(images)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_found_in_any_case(tmp_path: Path, suffix: str) -> None:
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        save(tmp_path / name, red("RGB"))
    assert [path.name for path in images_in(tmp_path)] == [f"a{suffix}", f"b{suffix.upper()}"]
    assert load_image(tmp_path / f"b{suffix.upper()}", 8).shape == (8, 8, 3)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_named_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(UnreadableImage, match=r"pipe\.png is not a regular file"):
        load_image(tmp_path / "pipe.png", 8)


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has no such sockets")
def test_a_socket_a_device_and_a_folder_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.png")
        for path in (Path("socket.png"), Path(os.devnull), tmp_path):
            with pytest.raises(UnreadableImage, match="is not a regular file"):
                load_image(path, 8)
