import glob
import os
import time
from pathlib import Path

import pytest

from temper.infer.sources.patterns import match

PATTERNS = [
    "*", "*.jpg", "a/*.jpg", "**/*.jpg", "**", "a/**", "**/b", "?/*/*.jpg", "[ab]/**/*.jpg", ".*", "**/.h*",
    "a/b/c.jpg",    "none*", "none/*", "**/none/*", "a/**/**/*.jpg", "*/c.jpg",
]  # fmt: skip


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.jpg", "a/1.jpg", "a/b/c.jpg", "a/b/.hidden.jpg", ".h/2.jpg", "b/[x].jpg", "b/x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def names(pattern: str) -> list[str]:
    return sorted(str(each) for each in match(pattern))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_without_links_the_matches_are_those_of_glob(tree: Path, pattern: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    for each in (pattern, str(tree / pattern)):
        expected = {name for name in glob.glob(each, recursive=True) if Path(name).is_file()}  # noqa: PTH207
        assert {name for name in names(each) if Path(name).is_file()} == expected


def test_a_link_to_a_folder_above_gives_no_image_twice(tree: Path) -> None:
    for name in ("up", "loop"):
        (tree / "a" / name).symlink_to(tree)
    started = time.perf_counter()
    assert names(str(tree / "**" / "*.jpg")) == [
        str(tree / each) for each in ("a.jpg", "a/1.jpg", "a/b/c.jpg", "b/[x].jpg")
    ]
    assert time.perf_counter() - started < 1


def test_a_link_that_leads_out_of_the_folder_is_followed_once(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "3.jpg").touch()
    (outside / "back").symlink_to(tree)
    (tree / "b" / "z1").symlink_to(outside)
    (tree / "b" / "z2").symlink_to(outside)
    assert [name for name in names(str(tree / "**" / "*.jpg")) if "3.jpg" in name] == [str(tree / "b" / "z1" / "3.jpg")]
    assert len(names(str(tree / "**" / "*.jpg"))) == 5


def test_a_file_link_is_a_match_of_its_own(tree: Path) -> None:
    (tree / "b" / "again.jpg").symlink_to(tree / "a.jpg")
    assert str(tree / "b" / "again.jpg") in names(str(tree / "**" / "*.jpg"))


def test_a_folder_that_cannot_be_read_is_an_error(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(folder: str) -> object:
        if folder.endswith("/b"):
            raise PermissionError(13, "Permission denied", folder)
        return scandir(folder)

    monkeypatch.setattr("os.scandir", refuse)
    errors = [each for each in match(str(tree / "**" / "*.jpg")) if isinstance(each, OSError)]
    assert sorted(each.filename for each in errors) == [str(tree / "a" / "b"), str(tree / "b")]
