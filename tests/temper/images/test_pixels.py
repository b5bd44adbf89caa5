import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from temper.images import EncodedImage, load_image, pixels, to_rgb

RED = (200, 30, 20)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


def red(mode: str, size: tuple[int, int] = (40, 30)) -> Image.Image:
    return Image.new("RGB", size, RED).convert(mode)


@pytest.mark.parametrize("mode", ["L", "1", "LA"])
def test_gray_images_are_gray(tmp_path: Path, mode: str) -> None:
    pixels = load_image(save(tmp_path / "a.png", Image.new("L", (9, 9), 255).convert(mode)), 8)
    assert (pixels == 255).all()


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


def test_the_image_of_a_caller_is_not_changed() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stream = io.BytesIO()
    red("RGB", (40, 20)).save(stream, "PNG", exif=exif)
    with Image.open(stream) as image:
        assert to_rgb(image).size == (20, 40)
        assert image.size == (40, 20)
        assert image.getexif()[0x0112] == 6


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "CMYK", "LA"])
def test_strips_give_the_pixels_of_the_complete_image(
    mode: str, orientation: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pillow's own transposition and compositing of the image at once is the expectation."""
    monkeypatch.setattr(pixels, "STRIP_PIXELS", 100)
    noise = np.random.default_rng(0).integers(0, 256, (23, 31, 4), dtype=np.uint8)
    image = Image.fromarray(noise).convert(mode)
    image.getexif()[0x0112] = orientation
    expected = ImageOps.exif_transpose(image)
    if expected.has_transparency_data:
        layer = expected.convert("RGBA")
        expected = Image.alpha_composite(Image.new("RGBA", layer.size, (255,) * 4), layer)
    assert (np.asarray(to_rgb(image)) == np.asarray(expected.convert("RGB"))).all()


def test_an_orientation_that_does_not_exist_is_none() -> None:
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(3, 4))
    image.getexif()[0x0112] = 9
    assert (np.asarray(to_rgb(image))[..., 0] == np.asarray(image)).all()


def test_gray_images_are_resized_as_their_rgb_images_would_be() -> None:
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 70), dtype=np.uint8))
    stream = io.BytesIO()
    noise.save(stream, "PNG")
    expected = np.asarray(noise.convert("RGB").resize((16, 16), Image.Resampling.BILINEAR))
    assert (load_image(EncodedImage("a.png", stream.getvalue()), 16) == expected).all()
