from pathlib import Path

import pytest
from PIL import Image

from temper.errors import UserError
from temper.infer.sources import find_pictures


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for name in ("b.jpg", "a.png", "inner/c.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    return tmp_path


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_files_folders_and_patterns_mix_and_no_file_comes_twice(folder: Path) -> None:
    found = find_pictures([str(folder / "b.jpg"), str(folder), str(folder / "*.png")])
    assert names(found) == ["b.jpg", "a.png", "c.jpg"]


def test_a_pattern_reaches_below_with_two_stars(folder: Path) -> None:
    assert names(find_pictures([str(folder / "**" / "*.jpg")])) == ["b.jpg", "c.jpg"]


def test_a_file_is_taken_as_it_is_named(folder: Path) -> None:
    assert names(find_pictures([str(folder / "notes.txt"), str(folder / "none.jpg")])) == ["notes.txt", "none.jpg"]


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(folder: Path) -> None:
    Image.new("RGB", (4, 4)).save(folder / "cat[1].png")
    assert names(find_pictures([str(folder / "cat[1].png")])) == ["cat[1].png"]


def test_a_pattern_without_a_match_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match="matches no file"):
        find_pictures([str(folder / "*.webp")])


def test_a_folder_without_pictures_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no pictures"):
        find_pictures([str(tmp_path)])
