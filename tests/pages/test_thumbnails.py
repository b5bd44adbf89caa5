import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from pages.thumbnails import thumbnail, thumbnail_of_file, thumbnail_of_pixels


def decoded(url: str) -> Image.Image:
    head, _, content = url.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(content)))


def test_a_large_image_is_scaled_down_in_its_proportions_and_a_small_one_is_not_scaled_up() -> None:
    image = Image.new("RGB", (300, 150))
    assert decoded(thumbnail(image)).size == (112, 56)
    assert image.size == (300, 150)
    assert decoded(thumbnail_of_pixels(np.zeros((8, 9, 3), np.uint8))).size == (9, 8)


def test_a_thumbnail_shows_what_the_network_sees(tmp_path: Path) -> None:
    """White behind transparent pixels; and nothing of a format that is not decoded."""
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "a.png")
    Image.new("RGB", (20, 20)).save(tmp_path / "b.png", "PPM")
    assert np.asarray(decoded(thumbnail_of_file(tmp_path / "a.png")))[10, 10].min() > 250
    assert not thumbnail_of_file(tmp_path / "b.png")
    assert not thumbnail_of_file(tmp_path / "missing.png")
