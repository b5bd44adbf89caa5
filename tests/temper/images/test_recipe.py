"""The recipe of docs/preprocessing.md for clients in OpenCV; its part without OpenCV runs here."""

import re
from typing import Any

import numpy as np
import PIL
import pytest
from PIL import Image

from temper.images import fit
from tests.source import ROOT

(RECIPE,) = re.findall(
    r"^```python\n(.*?)^```$", (ROOT / "docs/preprocessing.md").read_text(), re.MULTILINE | re.DOTALL
)
ROWS_FIRST = pytest.mark.skipif(int(PIL.__version__.split(".")[0]) < 13, reason="Pillow 12 resizes columns first")


@pytest.mark.parametrize(
    ("width", "height"),
    [(90, 60), (60, 60), (17, 5), (16, 16), (200, 16), (1, 3), pytest.param(20, 300, marks=ROWS_FIRST),
     pytest.param(16, 90, marks=ROWS_FIRST), pytest.param(1, 50, marks=ROWS_FIRST)],
)  # fmt: skip
def test_the_recipe_resizes_to_the_same_pixels(width: int, height: int) -> None:
    names: dict[str, Any] = {}
    exec(RECIPE.replace("import cv2\n", ""), names)
    noise = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    assert (names["resize"](noise, 16) == fit(Image.fromarray(noise), 16)).all()


def test_the_recipe_with_opencv_gives_the_same_pixels_of_files() -> None:
    pytest.importorskip("cv2")
    from temper.images import EncodedImage, load_image
    from temper.infer.client_images import _images

    names: dict[str, Any] = {}
    exec(RECIPE, names)
    for file, _, content in _images():
        if file in ("plain.png", "small.png", "photo.jpg", "large.jpg", "rotated.jpg"):
            assert (names["load"](content, 64) == load_image(EncodedImage(file, content), 64)).all(), file
