import io
import sys
from pathlib import Path

import pytest
from PIL import Image

from temper.errors import DataError
from temper.images import EncodedImage
from temper.infer.sources import (
    SourceOptions,
    Unreadable,
    Url,
    check_sources,
    count_images,
    iterate_listed,
    iterate_named,
    names_in_list,
)
from temper.infer.sources.lists import once

OPTIONS = SourceOptions()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inner").mkdir()
    for name in ("b.jpg", "a.png", "inner/c.jpg"):
        Image.new("RGB", (4, 4)).save(tmp_path / name)
    return tmp_path


def test_a_list_has_one_name_a_line_and_empty_lines_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "list").write_bytes(b"a.jpg\r\n\nb c.jpg\ncaf\xe9.jpg")
    assert list(names_in_list(str(tmp_path / "list"))) == ["a.jpg", "b c.jpg", "caf\udce9.jpg"]


def test_a_list_on_stdin_is_read_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a.jpg\nb.jpg\n")))
    names = names_in_list("-")
    assert next(names) == "a.jpg"
    assert list(names) == ["b.jpg"]


def test_a_missing_list_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"the list .*none cannot be read \(No such file"):
        names_in_list(str(tmp_path / "none"))


def test_each_image_comes_once_also_when_a_folder_and_a_pattern_name_it(folder: Path) -> None:
    names = [str(folder / "b.jpg"), str(folder), str(folder / "*.png"), "http://example.org/a", "http://example.org/a"]
    images = list(iterate_named(names, OPTIONS))
    assert images == [folder / "b.jpg", folder / "a.png", folder / "inner" / "c.jpg", Url("http://example.org/a")]


def test_members_of_the_same_name_and_another_content_are_two_images() -> None:
    first, second = EncodedImage("s.tar/a.jpg", b"1"), EncodedImage("s.tar/a.jpg", b"2")
    assert list(once([first, second, first])) == [first, second]


def test_no_name_of_a_list_stops_the_others_or_is_a_pattern(folder: Path) -> None:
    (folder / "empty").mkdir()
    names = [str(folder / "empty"), str(folder / "*.jpg"), str(folder / "inner"), "HTTPS://example.org/a", "x" * 5000]
    empty, pattern, image, url, long = iterate_listed(names, OPTIONS)
    assert isinstance(empty, Unreadable) and "holds no images" in empty.error
    assert (pattern, image) == (folder / "*.jpg", folder / "inner" / "c.jpg")
    assert url == Url("HTTPS://example.org/a")
    assert long == Path("x" * 5000)


@pytest.mark.parametrize(("name", "words"), [("", "name of an image is empty"), ("*.webp", "no file"), (".", "holds")])
def test_what_holds_no_images_is_reported_before_the_work(
    name: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=words):
        check_sources(["none.jpg", "x" * 5000, "-", "http://example.org/a", "/dev/video7", name])


def test_images_are_counted_where_they_can_be(folder: Path) -> None:
    names = [str(folder), str(folder / "*.jpg"), "http://example.org/a.jpg", str(folder / "none.jpg")]
    assert count_images(names) == 3 + 1 + 1 + 1
    (folder / "shard.tar").touch()
    for unknown in ("-", "a.tar", "a.tar.gz", "a.mp4", "/dev/video0", str(folder / "s*")):
        assert count_images([str(folder), unknown]) == 0
