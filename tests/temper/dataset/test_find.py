from pathlib import Path

import pytest

from temper.dataset.find import find_examples, unify_groups
from temper.dataset.listing import write_near_duplicates, write_quarantine
from temper.dataset.split import SUBSETS, Example, Subset, split_fraction
from temper.errors import DataError
from tests.train.images import fill


def subsets_of(examples: list[Example]) -> dict[str, Subset]:
    return {each.sha256: each.subset for each in examples}


def test_one_folder_for_each_label_is_split_in_three_by_content(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 200), held_out_fraction=0.2, seed=3)
    for label in ("cat", "dog"):
        counts = {subset: sum(e.subset == subset and e.label == label for e in examples) for subset in SUBSETS}
        assert sum(counts.values()) == 200
        assert 140 < counts["train"] < 180
        assert 8 < counts["val"] < 36
        assert 8 < counts["test"] < 36
    for each in examples:
        fraction = split_fraction(each.sha256, 3)
        assert each.subset == ("test" if fraction < 0.1 else "val" if fraction < 0.2 else "train")


def test_adding_images_moves_no_other_image(tmp_path: Path) -> None:
    before = subsets_of(find_examples(fill(tmp_path, 60), 0.2, seed=0))
    after = subsets_of(find_examples(fill(tmp_path, 60, start=60), 0.2, seed=0))
    assert len(after) == 2 * len(before)
    assert all(after[sha256] == subset for sha256, subset in before.items())


def test_another_seed_gives_another_split(tmp_path: Path) -> None:
    fill(tmp_path, 60)
    assert subsets_of(find_examples(tmp_path, 0.2, seed=0)) != subsets_of(find_examples(tmp_path, 0.2, seed=1))


def test_a_test_folder_is_the_test_subset_and_train_gives_train_and_val(tmp_path: Path) -> None:
    fill(tmp_path / "train", 50)
    fill(tmp_path / "test", 10, start=50)
    examples = find_examples(tmp_path, 0.2, seed=0)
    for each in examples:
        assert (each.subset == "test") == (each.path.parts[-3] == "test")
    assert {each.subset for each in examples} == {"train", "val", "test"}


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("seed", range(6))
def test_no_subset_of_a_label_is_empty_however_few_images(tmp_path: Path, count: int, seed: int) -> None:
    examples = find_examples(fill(tmp_path, count), 0.2, seed)
    assert len({(each.label, each.subset) for each in examples}) == 6


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, "no images"),
        ({"cat": 5}, r"one label only \(cat\)"),
        ({"cat": 5, "dog": 2}, r"dog has 2 images"),
        ({"train/cat": 5, "train/dog": 5, "test/cat": 2, "test/fox": 2}, "different labels .*dog, fox"),
        ({"train/cat": 5, "train/dog": 1, "test/cat": 2, "test/dog": 2}, r"dog has 1 image "),
    ],
)
def test_unusable_folders_are_reported_with_the_reason(tmp_path: Path, folders: dict[str, int], words: str) -> None:
    for name, count in folders.items():
        path = tmp_path / name
        fill(path.parent, count, labels=(path.name,))
    with pytest.raises(DataError, match=words):
        find_examples(tmp_path, 0.2, 0)


def test_a_missing_folder_is_reported_by_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere is not a folder"):
        find_examples(tmp_path / "nowhere", 0.2, 0)


def test_a_label_of_which_nothing_is_left_is_an_error(tmp_path: Path) -> None:
    fill(tmp_path, 4)
    write_quarantine(tmp_path, {f"dog/{index:04}.png": "too small" for index in range(4)})
    with pytest.raises(DataError, match=r"every image of dog .* because of quarantine.csv\. Add images"):
        find_examples(tmp_path, 0.5, 0)


def test_quarantined_images_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(tmp_path, 6)
    write_quarantine(tmp_path, {"cat/0003.png": "too small"})
    with caplog.at_level("INFO", "temper.dataset"):
        names = {each.path.relative_to(tmp_path).as_posix() for each in find_examples(tmp_path, 0.2, 0)}
    assert len(names) == 11
    assert "cat/0003.png" not in names
    assert "1 image left out" in caplog.text


def test_near_duplicates_stay_in_one_subset(tmp_path: Path) -> None:
    fill(tmp_path, 40)
    names = [f"cat/{index:04}.png" for index in range(12)]

    def subsets() -> set[Subset]:
        examples = find_examples(tmp_path, 0.4, 0)
        return {each.subset for each in examples if each.path.relative_to(tmp_path).as_posix() in names}

    assert subsets() == {"train", "val", "test"}
    write_near_duplicates(tmp_path, [names])
    assert len(subsets()) == 1


@pytest.mark.parametrize("seed", range(8))
def test_near_duplicates_stay_in_one_subset_of_a_label_with_few_images(tmp_path: Path, seed: int) -> None:
    fill(tmp_path, 6)
    names = [f"cat/{index:04}.png" for index in range(3)]
    write_near_duplicates(tmp_path, [names])
    examples = find_examples(tmp_path, 0.2, seed)
    grouped = {each.subset for each in examples if each.path.relative_to(tmp_path).as_posix() in names}
    assert len(grouped) == 1
    assert len({(each.label, each.subset) for each in examples}) == 6


def test_a_group_gets_its_smallest_fraction_and_other_images_are_unchanged() -> None:
    a, b, c = Path("a"), Path("b"), Path("c")
    assert unify_groups({a: 0.5, b: 0.2, c: 0.1}, {a: "g", b: "g"}) == {a: 0.2, b: 0.2, c: 0.1}
    assert unify_groups({a: 0.5}, {}) == {a: 0.5}
