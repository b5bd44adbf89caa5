from pathlib import Path

import pytest

from convert.precision.calibration_sample import describe_sample, draw_sample
from temper.dataset.split import Example
from temper.errors import UserError

TRAINING = [Example(Path(f"{i}.jpg"), "cat" if i % 4 else "dog", "train", f"{i:064x}") for i in range(40)]


def test_labels_take_turns_until_one_runs_out() -> None:
    assert [e.label for e in draw_sample(TRAINING, 20, 0)].count("dog") == 10
    assert len(draw_sample(TRAINING, 99, 0)) == 40


def test_the_seed_alone_decides() -> None:
    assert draw_sample(TRAINING, 9, 0) == draw_sample(TRAINING[::-1], 9, 0) != draw_sample(TRAINING, 9, 1)


def test_no_training_pictures_are_an_error_not_random_data() -> None:
    with pytest.raises(UserError, match="no training pictures to calibrate"):
        draw_sample([], 9, 0)


def test_the_card_names_each_picture_and_hashes_their_contents() -> None:
    said = describe_sample(TRAINING[:2], 7)
    assert (said["pictures"], said["seed"], said["files"]) == (2, 7, ["dog/0.jpg", "cat/1.jpg"])
    assert said["sha256"] != describe_sample(TRAINING[1:3], 7)["sha256"]
