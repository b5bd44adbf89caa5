from pathlib import Path

import pytest

from data.drawn.sample import Sample, draw_sample
from temper.errors import UserError
from temper.images import labeled_images
from temper.storage.atomic import sha256_of

SAMPLE = Sample(train=3, test=2, seed=5)


def test_a_sample_has_train_and_test_pictures_of_each_label_and_none_twice(tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    assert list(draw_sample(folder, SAMPLE))[-1] == (10, 10)
    train, test = labeled_images(folder / "train"), labeled_images(folder / "test")
    assert [label for _, label in train] == ["cat"] * 3 + ["dog"] * 3
    assert [label for _, label in test] == ["cat"] * 2 + ["dog"] * 2
    assert len({sha256_of(path) for path, _ in train + test}) == 10


def test_a_second_call_draws_nothing(tmp_path: Path) -> None:
    list(draw_sample(tmp_path / "drawn", SAMPLE))
    assert list(draw_sample(tmp_path / "drawn", SAMPLE)) == []


def test_a_stopped_call_leaves_no_folder_and_equal_seeds_draw_equal_files(tmp_path: Path) -> None:
    drawing = draw_sample(tmp_path / "a", SAMPLE)
    next(iter(drawing))
    drawing.close()  # type: ignore[attr-defined]
    assert list(tmp_path.iterdir()) == []
    for name in ("a", "b"):
        list(draw_sample(tmp_path / name, SAMPLE))
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b")


@pytest.mark.parametrize("other", [Sample(train=4, test=2, seed=5), None])
def test_a_folder_with_anything_else_is_left_alone(tmp_path: Path, other: Sample | None) -> None:
    folder = tmp_path / "drawn"
    if other:
        list(draw_sample(folder, other))
    else:
        folder.mkdir()
    before = sha256_of(folder)
    with pytest.raises(UserError, match="is there already and is not this sample"):
        list(draw_sample(folder, SAMPLE))
    assert sha256_of(folder) == before
