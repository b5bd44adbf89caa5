from pathlib import Path

import pytest

from convert.precision.calibration_sample import describe_sample, draw_sample
from temper.dataset.split import Example
from temper.errors import DataError

TRAINING = [
    Example(path=Path(f"{i}.jpg"), label="cat" if i % 4 else "dog", subset="train", sha256=f"{i:064x}")
    for i in range(40)
]


def test_labels_alternate_until_one_has_no_more_images() -> None:
    assert [e.label for e in draw_sample(TRAINING, 20, 0)].count("dog") == 10
    assert len(draw_sample(TRAINING, 99, 0)) == 40


def test_the_seed_alone_decides() -> None:
    assert draw_sample(TRAINING, 9, 0) == draw_sample(TRAINING[::-1], 9, 0) != draw_sample(TRAINING, 9, 1)


def test_no_training_images_are_an_error_and_never_random_data() -> None:
    with pytest.raises(DataError, match="no training images to calibrate"):
        draw_sample([], 9, 0)


def test_the_card_names_each_image_and_hashes_their_contents() -> None:
    record = describe_sample(TRAINING[:2], 7)
    assert (record.images, record.seed, record.files) == (2, 7, ("dog/0.jpg", "cat/1.jpg"))
    assert record.sha256 != describe_sample(TRAINING[1:3], 7).sha256
