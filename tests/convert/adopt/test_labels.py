from pathlib import Path

import pytest

from convert.adopt.labels import match_labels, read_labels
from temper.dataset.split import Example
from temper.errors import DataError, UsageError


def examples(*labels: str) -> list[Example]:
    return [Example(path=Path(f"{label}.png"), label=label, subset="test", sha256="") for label in labels]


def test_labels_are_a_list_or_the_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "labels.txt"
    file.write_text("cat, small\n\ndog\r\n", encoding="utf-8-sig")
    assert read_labels("cat, dog") == ("cat", "dog")
    assert read_labels(str(file)) == ("cat, small", "dog")


def test_a_list_may_be_longer_than_a_file_name() -> None:
    labels = tuple(f"label {i}" for i in range(1000))
    assert read_labels(",".join(labels)) == labels


@pytest.mark.parametrize(("text", "words"), [("cat", "names 1 label"), ("cat,dog,cat", "names cat twice")])
def test_one_label_and_one_that_is_listed_twice_are_refused(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read_labels(text)


@pytest.mark.parametrize("text", ["none.txt", "folder/none"])
def test_a_file_that_is_missing_is_no_label(text: str) -> None:
    with pytest.raises(UsageError, match=f"--labels {text} is no file"):
        read_labels(text)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="cannot be read"):
        read_labels(str(tmp_path / "labels.txt"))


def test_the_number_of_labels_must_be_that_of_the_outputs() -> None:
    match_labels(("cat", "dog"), examples("cat"), 1, "net")
    match_labels(("cat", "dog"), examples("cat", "dog"), 2, "net")
    with pytest.raises(UsageError, match=r"(?s)gives 1,000 numbers .* has 1000 labels, not 2"):
        match_labels(("cat", "dog"), examples("cat"), 1000, "net")


def test_a_folder_that_is_no_label_is_named() -> None:
    with pytest.raises(DataError, match=r"(?s)no labels of net: bird, fish.*\(cat, dog\)"):
        match_labels(("cat", "dog"), examples("fish", "bird", "cat"), 2, "net")
