import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from temper.errors import DataError
from temper.images import SUFFIXES, images_in, labeled_images, load_image, walk_images


def save(path: Path) -> None:
    Image.new("RGB", (40, 30)).save(path)


def test_labels_are_folders_and_hidden_files_are_skipped(tmp_path: Path) -> None:
    for label in ("b", "a", ".hidden"):
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png")
        save(tmp_path / label / ".2.png")
        (tmp_path / label / "notes.txt").write_text("x")
    assert [(path.name, label) for path, label in labeled_images(tmp_path)] == [("1.png", "a"), ("1.png", "b")]
    assert images_in(tmp_path) == [tmp_path / "a" / "1.png", tmp_path / "b" / "1.png"]


@pytest.mark.parametrize(("labels", "words"), [([], "no images"), (["cat"], r"one label only \(cat\)")])
def test_fewer_than_two_labels_are_refused(tmp_path: Path, labels: list[str], words: str) -> None:
    for label in labels:
        (tmp_path / label).mkdir()
        save(tmp_path / label / "1.png")
    with pytest.raises(DataError, match=words):
        labeled_images(tmp_path)


@pytest.mark.parametrize("name", ["caf\udce9/cat", "photos/caf\udce9"], ids=["dataset", "label"])
def test_a_folder_whose_name_cannot_be_stored_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir(parents=True)
    with pytest.raises(DataError, match=r"is not UTF-8\. Rename the folder"):
        labeled_images(folder.parent)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a folder"):
        labeled_images(tmp_path / "none")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_suffix_is_found_in_any_case(tmp_path: Path, suffix: str) -> None:
    for name in (f"a{suffix}", f"b{suffix.upper()}"):
        save(tmp_path / name)
    assert [path.name for path in images_in(tmp_path)] == [f"a{suffix}", f"b{suffix.upper()}"]
    assert load_image(tmp_path / f"b{suffix.upper()}", 8).shape == (8, 8, 3)


@pytest.fixture
def half_closed(tmp_path: Path) -> Iterator[Path]:
    """A folder with a folder that cannot be read and one that can be listed, but not entered."""
    for name in ("closed", "listed", "open"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "1.png")
    (tmp_path / "closed").chmod(0)
    (tmp_path / "listed").chmod(0o444)
    yield tmp_path
    for name in ("closed", "listed"):
        (tmp_path / name).chmod(0o755)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_read_is_an_error_in_its_place(half_closed: Path) -> None:
    closed, *images = walk_images(half_closed)
    assert isinstance(closed, OSError)
    assert images == [half_closed / "listed" / "1.png", half_closed / "open" / "1.png"]
    with pytest.raises(DataError, match=r"the folder .*closed cannot be read \(Permission denied\)"):
        images_in(half_closed)


def test_a_folder_that_disappears_is_an_error_and_no_empty_folder(tmp_path: Path) -> None:
    (error,) = walk_images(tmp_path / "gone")
    assert isinstance(error, FileNotFoundError)
    with pytest.raises(DataError, match="gone cannot be read"):
        images_in(tmp_path / "gone")


def test_a_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    save(tmp_path / "a.png")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert images_in(tmp_path) == [tmp_path / "a.png"]
