import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.errors import UnreadableImage, UserError
from temper.images import images_in, labeled_images, load_image, load_images

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
def test_every_kind_of_picture_gives_the_same_red(tmp_path: Path, mode: str, name: str) -> None:
    path = tmp_path / name
    red(mode).save(path, format="PNG" if name == "a.dat" else None)
    pixels = load_image(path, 8)
    assert pixels.shape == (8, 8, 3)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - RED).max() <= 8


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_grey_pictures_are_grey(tmp_path: Path, mode: str) -> None:
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
    exif[0x0112] = 6  # lay on its left side when it was taken
    turned = Image.fromarray(np.rot90(upright).copy())
    pixels = load_image(save(tmp_path / "a.jpg", turned, exif=exif, quality=95), 32)
    assert np.abs(pixels.astype(int) - upright).mean() < 6


def test_a_large_jpeg_decoded_small_looks_like_a_full_decode(tmp_path: Path) -> None:
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
    "text": (b"not a picture", "not a picture that can be read"),
    "nothing": (b"", "not a picture that can be read"),
    "half": (damaged(), "is damaged"),
}


@pytest.mark.parametrize("what", BAD_FILES)
def test_a_bad_file_is_named_with_a_remedy(tmp_path: Path, what: str) -> None:
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
def test_a_picture_of_too_many_pixels_is_refused_before_decoding(tmp_path: Path) -> None:
    path = save(tmp_path / "bomb.png", Image.new("1", (12000, 12000)))
    with pytest.raises(UnreadableImage, match="12000 x 12000"):
        load_image(path, 8)


def test_pictures_come_in_the_order_they_were_asked_for(tmp_path: Path) -> None:
    paths = [save(tmp_path / f"{i}.png", Image.new("RGB", (9, 9), (i, i, i))) for i in range(40)]
    assert [int(pixels[0, 0, 0]) for pixels in load_images(paths, 4)] == list(range(40))


def test_labels_are_folders_and_hidden_files_are_passed_over(tmp_path: Path) -> None:
    for label in ("b", "a", ".hidden"):
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png", red("RGB"))
        save(tmp_path / label / ".2.png", red("RGB"))
        (tmp_path / label / "notes.txt").write_text("x")
    assert [(path.name, label) for path, label in labeled_images(tmp_path)] == [("1.png", "a"), ("1.png", "b")]
    assert images_in(tmp_path) == [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]


@pytest.mark.parametrize(("labels", "words"), [([], "no pictures"), (["cat"], r"one label only \(cat\)")])
def test_fewer_than_two_labels_are_refused(tmp_path: Path, labels: list[str], words: str) -> None:
    for label in labels:
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png", red("RGB"))
    with pytest.raises(UserError, match=words):
        labeled_images(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        labeled_images(tmp_path / "none")
