import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.images import Decoding, load_image
from temper.infer.client_images import MANIFEST, PIXELS, write_client_images

SIZE = 64


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("client") / "images"
    write_client_images(folder, SIZE, {"dtype": "uint8"})
    return folder


def test_the_manifest_says_which_pixels_result(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    assert (manifest["size"], manifest["preprocessing"]) == (SIZE, {"dtype": "uint8"})
    files = {path.name for path in folder.iterdir() if path.is_file()} - {MANIFEST}
    assert files == {each["file"] for each in manifest["images"]}
    for each in manifest["images"]:
        path = folder / each["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == each["sha256"]
        pixels = np.asarray(Image.open(folder / PIXELS / f"{path.stem}.png"))
        assert hashlib.sha256(pixels.tobytes()).hexdigest() == each["pixels_sha256"]
        assert (load_image(path, SIZE) == pixels).all()


def test_they_are_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    write_client_images(tmp_path, SIZE, {"dtype": "uint8"})
    assert (tmp_path / MANIFEST).read_bytes() == (folder / MANIFEST).read_bytes()


def expected(folder: Path, name: str) -> np.ndarray:
    return np.asarray(Image.open(folder / PIXELS / f"{name}.png")).astype(int)


@pytest.mark.parametrize("name", ["plain", "rotated", "transparent", "tall"])
def test_a_client_with_a_mistake_has_other_pixels(folder: Path, name: str) -> None:
    path = next(folder.glob(f"{name}.*"))
    image = Image.open(path)
    mistakes = {
        "plain": image.crop((0, 0, image.height, image.height)),
        "rotated": image,
        "transparent": image.convert("RGB"),
        "tall": image.crop((0, 0, 100, 100)),
    }
    wrong = np.asarray(mistakes[name].resize((SIZE, SIZE), Image.Resampling.BILINEAR)).astype(int)
    assert np.abs(wrong - expected(folder, name)).max() > 50
    assert np.abs(expected(folder, name)[..., ::-1] - expected(folder, name)).max() > 50


def test_the_large_photo_shows_whether_it_was_decoded_in_full(folder: Path) -> None:
    full = load_image(folder / "large.jpg", SIZE, Decoding(full=True)).astype(int)
    assert np.abs(full - expected(folder, "large")).max() >= 1
