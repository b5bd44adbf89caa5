import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.distillation.digits import MEMBER, SIZE, Digits, draw_digit, read_digits, write_dataset
from temper.errors import DataError


@pytest.fixture
def digits() -> Digits:
    """Twenty bars, those of odd index vertical."""
    images = np.zeros((20, 8, 8), np.uint8)
    images[::2, 3:5], images[1::2, :, 3:5] = 255, 255
    return images, np.arange(20) % 2


def test_digits_are_read_from_a_wheel(tmp_path: Path) -> None:
    rows = [[16 * (pixel == place) for pixel in range(64)] + [place] for place in (0, 9)]
    text = "\n".join(",".join(map(str, row)) for row in rows)
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as wheel:
        wheel.writestr(MEMBER, gzip.compress(text.encode()))
    images, labels = read_digits(tmp_path / "a.whl")
    assert images.shape == (2, 8, 8)
    assert (images[0, 0, 0], images[1, 1, 1], images.sum()) == (255, 255, 510)
    assert labels.tolist() == [0, 9]


def test_another_file_is_refused_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"no archive")
    with pytest.raises(DataError, match="pip download --no-deps scikit-learn"):
        read_digits(tmp_path / "a.whl")


def test_a_digit_is_drawn_lighter_than_its_background(digits: Digits) -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        pixels = np.asarray(draw_digit(digits[0][0], random))
        assert pixels.shape == (SIZE, SIZE, 3)
        assert pixels.mean() > np.median(pixels[[0, -1]]) + 3


def test_no_digit_is_in_both_subsets_and_equal_seeds_give_equal_images(digits: Digits, tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_dataset(tmp_path / name, digits, seed, copies=3)
    names = {subset: [path.name for path in (tmp_path / "a" / subset).rglob("*.png")] for subset in ("train", "test")}
    assert [len(each) for each in names.values()] == [10, 30]
    assert not {name[:4] for name in names["train"]} & {name[:4] for name in names["test"]}
    a, b, c = (
        {path.relative_to(tmp_path / name): Image.open(path).tobytes() for path in (tmp_path / name).rglob("*.png")}
        for name in "abc"
    )
    assert a == b
    assert a != c
