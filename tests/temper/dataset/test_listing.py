from pathlib import Path

import pytest

from temper.dataset.listing import (
    ABOUT,
    NEAR_DUPLICATES,
    QUARANTINE,
    dataset_title,
    read_near_duplicates,
    read_quarantine,
    write_about,
    write_near_duplicates,
    write_quarantine,
)
from temper.errors import DataError


def test_the_quarantine_reads_back_with_paths_below_the_folder(tmp_path: Path) -> None:
    write_quarantine(tmp_path, {"cat/a, b.png": "damaged", "dog/猫.png": 'two labels: "cat", "dog"'})
    assert read_quarantine(tmp_path) == {tmp_path / "cat" / "a, b.png", tmp_path / "dog" / "猫.png"}
    assert (tmp_path / QUARANTINE).read_text(encoding="utf-8").startswith("path,reason\n")


def test_an_empty_quarantine_leaves_nothing_out(tmp_path: Path) -> None:
    write_quarantine(tmp_path, {})
    assert read_quarantine(tmp_path) == set()


def test_near_duplicates_belong_to_the_group_of_the_first(tmp_path: Path) -> None:
    write_near_duplicates(tmp_path, [["cat/1.png", "cat/2.png"], ["dog/1.png", "cat/3.png"]])
    assert read_near_duplicates(tmp_path) == {
        tmp_path / "cat" / "1.png": "cat/1.png",
        tmp_path / "cat" / "2.png": "cat/1.png",
        tmp_path / "dog" / "1.png": "dog/1.png",
        tmp_path / "cat" / "3.png": "dog/1.png",
    }


def test_a_folder_that_was_not_scanned_has_neither(tmp_path: Path) -> None:
    assert read_quarantine(tmp_path) == set()
    assert read_near_duplicates(tmp_path) == {}


def test_incomplete_rows_are_ignored(tmp_path: Path) -> None:
    (tmp_path / QUARANTINE).write_text("path,reason\n\ncat/1.png\n,empty\ncat/2.png,damaged,and more\n")
    assert read_quarantine(tmp_path) == {tmp_path / "cat" / "2.png"}


def test_a_table_in_another_encoding_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    for name, read in ((QUARANTINE, read_quarantine), (NEAR_DUPLICATES, read_near_duplicates)):
        (tmp_path / name).write_bytes(b"path,reason\ncat/caf\xe9.png,x\n")
        with pytest.raises(DataError, match=rf"{name} is not a table .*Save it as CSV in UTF-8"):
            read(tmp_path)


def test_the_title_reads_back(tmp_path: Path) -> None:
    write_about(tmp_path, "drawn sample", 1200)
    assert dataset_title(tmp_path) == "drawn sample"
    assert (tmp_path / ABOUT).read_text() == '{"title": "drawn sample", "images": 1200}\n'


@pytest.mark.parametrize("text", ["", "[1]", "{}", '"text"', 100_000 * "["])
def test_without_a_title_the_folder_name_is_the_title(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    assert dataset_title(folder) == "cats"
    (folder / ABOUT).write_text(text)
    assert dataset_title(folder) == "cats"


@pytest.mark.parametrize("name", ["caf\udce9.png", r"caf\xe9.png", "=1+2.png", "'=1.png", "a\nb.png"])
def test_a_file_of_any_name_is_left_out(name: str, tmp_path: Path) -> None:
    write_quarantine(tmp_path, {name: "damaged"})
    assert read_quarantine(tmp_path) == {tmp_path / name}
    assert "\n=" not in (tmp_path / QUARANTINE).read_text(encoding="utf-8")
