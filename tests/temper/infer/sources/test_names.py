import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from temper.errors import DataError
from temper.infer.sources import Unreadable, iterate_sources


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for name in ("b.jpg", "a.png", "inner/c.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    (tmp_path / "notes.txt").touch()
    return tmp_path


def names(*sources: Path | str) -> list[str]:
    """Names of the files that the sources stand for."""
    images = list(iterate_sources([str(each) for each in sources]))
    return [image.name for image in images if isinstance(image, Path)]


def test_files_folders_and_patterns_mix(folder: Path) -> None:
    assert names(folder / "b.jpg", folder / "inner", folder / "*.png") == ["b.jpg", "c.jpg", "a.png"]


def test_a_pattern_with_two_stars_matches_in_folders_below(folder: Path) -> None:
    assert names(folder / "**" / "*.jpg") == ["b.jpg", "c.jpg"]


def test_a_named_file_may_have_any_suffix_and_may_be_missing(folder: Path) -> None:
    assert names(folder / "notes.txt", folder / "none.jpg") == ["notes.txt", "none.jpg"]


def test_a_file_whose_name_contains_brackets_is_a_file(folder: Path) -> None:
    Image.new("RGB", (4, 4)).save(folder / "cat[1].png")
    assert names(folder / "cat[1].png") == ["cat[1].png"]


def test_a_pattern_without_a_match_is_an_error(folder: Path) -> None:
    with pytest.raises(DataError, match="matches no file"):
        names(folder / "*.webp")


@pytest.mark.parametrize("source", ["", [""]])
def test_an_empty_name_is_an_error_and_not_the_current_folder(
    source: str | list[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    with pytest.raises(DataError, match="the name of an image is empty"):
        list(iterate_sources(source))


def test_a_folder_that_cannot_be_listed_is_reported_and_stops_no_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scandir = os.scandir

    def refuse(path: Path) -> Any:
        if Path(path).name == "inner":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    *images, inner = iterate_sources(str(folder))
    assert images == [folder / "a.png", folder / "b.jpg"]
    assert isinstance(inner, Unreadable) and "inner cannot be read (Permission denied). Check its" in inner.error


def test_a_folder_without_images_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no images"):
        names(tmp_path)


def test_a_source_may_be_a_path_an_image_an_array_or_a_nested_iterable_of_them(folder: Path) -> None:
    image, array = Image.new("RGB", (4, 4)), np.zeros((4, 4, 3), np.uint8)
    inner = folder / "inner"
    assert list(iterate_sources(str(folder / "b.jpg"))) == [folder / "b.jpg"]
    assert list(iterate_sources(inner)) == [inner / "c.jpg"]
    assert list(iterate_sources(image)) == [image]
    mixed = list(iterate_sources(iter([image, [array, str(inner)]])))  # type: ignore[arg-type]
    assert mixed[0] is image and mixed[1] is array and mixed[2:] == [inner / "c.jpg"]


def test_an_iterable_is_read_one_item_at_a_time(folder: Path) -> None:
    taken: list[Path] = []

    def stream() -> Iterator[Path]:
        for path in [folder / "a.png", folder / "b.jpg"]:
            taken.append(path)
            yield path

    sources = iterate_sources(stream())
    assert not taken
    next(sources)
    assert len(taken) == 1


@pytest.mark.parametrize("source", [3, b"a.jpg", None, [None]])
def test_anything_else_is_a_type_error(source: object) -> None:
    with pytest.raises(TypeError, match="expected a path, a PIL image"):
        list(iterate_sources(source))  # type: ignore[arg-type]
