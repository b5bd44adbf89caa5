from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.growth.dataset import write_dataset
from experiments.growth.run import small_photos
from temper.images import load_image
from temper.storage.digest import sha256_of


def photos(folder: Path) -> list[Path]:
    (folder / "photos").mkdir()
    for number in range(3):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 30, 3), np.uint8)
        Image.fromarray(pixels).save(folder / "photos" / f"{number}.jpg")
    return small_photos(folder / "photos", folder / "small", 8)


def test_every_image_is_another_file_with_the_pixels_of_a_photo(tmp_path: Path) -> None:
    sources = photos(tmp_path)
    folder = write_dataset(sources, tmp_path / "data", 24, 4)
    files = sorted(folder.rglob("*.jpg"))
    assert len({sha256_of(each) for each in files}) == 24
    assert [len(list(each.iterdir())) for each in sorted(folder.iterdir())] == [6, 6, 6, 6]
    pixels = {load_image(each, 8).tobytes() for each in files}
    assert pixels == {load_image(each, 8).tobytes() for each in sources}


def test_a_file_that_would_not_be_the_same_image_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    with pytest.raises(ValueError, match="no JPEG"):
        write_dataset([tmp_path / "a.jpg"], tmp_path / "data", 2, 2)
