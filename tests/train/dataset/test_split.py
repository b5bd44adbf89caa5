from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from temper.dataset.split import Example, Part, share
from temper.errors import UnreadableImage, UserError
from train.dataset.split import decode, find_examples, labels_of, targets_of


def fill(folder: Path, count: int, labels: tuple[str, ...] = ("cat", "dog"), start: int = 0) -> Path:
    """Pictures that all differ, in one folder for each label."""
    for label in labels:
        (folder / label).mkdir(parents=True, exist_ok=True)
        for index in range(start, start + count):
            pixels = np.random.default_rng((index, *label.encode())).integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / label / f"{index:04}.png")
    return folder


def parts_of(examples: list[Example]) -> dict[str, Part]:
    return {each.sha256: each.part for each in examples}


def test_one_folder_for_each_label_is_cut_in_three_by_content(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 200), held_out=0.2, seed=3)
    for label in ("cat", "dog"):
        counts = {part: sum(e.part == part and e.label == label for e in examples) for part in ("train", "val", "test")}
        assert sum(counts.values()) == 200
        assert 140 < counts["train"] < 180
        assert 8 < counts["val"] < 36
        assert 8 < counts["test"] < 36
    for each in examples:
        number = share(each.sha256, 3)
        assert each.part == ("test" if number < 0.1 else "val" if number < 0.2 else "train")


def test_adding_pictures_moves_no_other(tmp_path: Path) -> None:
    before = parts_of(find_examples(fill(tmp_path, 60), 0.2, seed=0))
    after = parts_of(find_examples(fill(tmp_path, 60, start=60), 0.2, seed=0))
    assert len(after) == 2 * len(before)
    assert all(after[sha256] == part for sha256, part in before.items())


def test_another_seed_cuts_elsewhere(tmp_path: Path) -> None:
    fill(tmp_path, 60)
    assert parts_of(find_examples(tmp_path, 0.2, seed=0)) != parts_of(find_examples(tmp_path, 0.2, seed=1))


def test_a_test_folder_is_the_test_part_and_train_gives_train_and_val(tmp_path: Path) -> None:
    fill(tmp_path / "train", 50)
    fill(tmp_path / "test", 10, start=50)
    examples = find_examples(tmp_path, 0.2, seed=0)
    for each in examples:
        assert (each.part == "test") == (each.path.parts[-3] == "test")
    assert {each.part for each in examples} == {"train", "val", "test"}


@pytest.mark.parametrize("count", [3, 4, 5])
@pytest.mark.parametrize("seed", range(6))
def test_no_part_of_a_label_is_empty_however_few_pictures(tmp_path: Path, count: int, seed: int) -> None:
    examples = find_examples(fill(tmp_path, count), 0.2, seed)
    assert len({(each.label, each.part) for each in examples}) == 6


def test_pictures_decode_in_order_of_their_part(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 12), 0.3, seed=0)
    said: list[tuple[str, int, int]] = []
    pixels = decode(examples, 8, lambda what, done, total: said.append((what, done, total)))
    assert [each.part for each in examples] == sorted((e.part for e in examples), key=["train", "val", "test"].index)
    assert said[-1] == ("decoding", 24, 24)
    for image, each in zip(pixels, examples, strict=True):
        assert np.array_equal(image, np.asarray(Image.open(each.path)))
    assert labels_of(examples) == ("cat", "dog")
    assert [("cat", "dog")[i] for i in targets_of(examples, ("cat", "dog"))] == [e.label for e in examples]


def test_pictures_that_outgrow_memory_go_to_disk_and_are_equal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    examples = find_examples(fill(tmp_path, 6), 0.3, seed=0)
    inside = decode(examples, 8, lambda *_: None)
    monkeypatch.setattr("train.dataset.split.MEMORY_BYTES", 100)
    outside = decode(examples, 8, lambda *_: None)
    assert isinstance(outside, np.memmap)
    assert np.array_equal(inside, outside)


def test_an_unreadable_picture_is_named(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    (tmp_path / "cat" / "note.jpg").write_text("not a picture")
    with pytest.raises(UnreadableImage, match=r"note\.jpg is not a picture"):
        decode(find_examples(tmp_path, 0.2, 0), 8, lambda *_: None)


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, "holds no pictures"),
        ({"cat": 5}, r"one label only \(cat\)"),
        ({"cat": 5, "dog": 2}, r"dog has 2 picture\(s\)"),
        ({"train/cat": 5, "train/dog": 5, "test/cat": 2, "test/fox": 2}, "different labels .*dog, fox"),
        ({"train/cat": 5, "train/dog": 1, "test/cat": 2, "test/dog": 2}, r"dog has 1 picture\(s\)"),
    ],
)
def test_bad_folders_name_the_remedy(tmp_path: Path, folders: dict[str, int], words: str) -> None:
    for name, count in folders.items():
        path = tmp_path / name
        fill(path.parent, count, labels=(path.name,))
    with pytest.raises(UserError, match=words):
        find_examples(tmp_path, 0.2, 0)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is not a folder"):
        find_examples(tmp_path / "nowhere", 0.2, 0)


def test_quarantined_pictures_are_left_out(tmp_path: Path) -> None:
    fill(tmp_path, 6)
    (tmp_path / "quarantine.csv").write_text("path,reason\ncat/0003.png,tiny\n")
    found = {each.path.relative_to(tmp_path).as_posix() for each in find_examples(tmp_path, 0.2, 0)}
    assert len(found) == 11
    assert "cat/0003.png" not in found


def test_look_alikes_of_a_scan_stay_in_one_part(tmp_path: Path) -> None:
    fill(tmp_path, 40)
    names = {f"cat/{index:04}.png" for index in range(12)}

    def parts() -> set[Part]:
        found = find_examples(tmp_path, 0.4, 0)
        return {each.part for each in found if each.path.relative_to(tmp_path).as_posix() in names}

    assert parts() == {"train", "val", "test"}
    (tmp_path / "look-alikes.csv").write_text("path,group\n" + "".join(f"{name},a\n" for name in names))
    assert len(parts()) == 1
