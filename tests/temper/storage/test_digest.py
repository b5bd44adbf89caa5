import hashlib
import os
from pathlib import Path

import pytest

from temper.storage.digest import bytes_of, sha256_of


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_the_hash_of_a_file_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()


def test_several_files_are_hashed_in_the_given_order(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"ab").hexdigest()
    assert sha256_of(tmp_path / "b", tmp_path / "a") == hashlib.sha256(b"ba").hexdigest()


def test_the_hash_of_a_folder_depends_on_content_and_names(tmp_path: Path) -> None:
    one, same = folder(tmp_path / "one", a="1", b="2"), folder(tmp_path / "same", a="1", b="2")
    renamed, changed = folder(tmp_path / "renamed", a="1", c="2"), folder(tmp_path / "changed", a="1", b="3")
    assert sha256_of(one) == sha256_of(same)
    assert len({sha256_of(each) for each in (one, renamed, changed)}) == 3


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"content")
    first = sha256_of(path)
    monkeypatch.setattr(hashlib, "sha256", None)
    assert sha256_of(path) == first


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("1")
    first = sha256_of(path)
    path.write_text("2")
    # As if the change had come later: the clock of some file systems is coarse.
    os.utime(path, ns=(0, 10**18))
    assert sha256_of(path) != first


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "none")


def test_bytes_count_files_and_folders(tmp_path: Path) -> None:
    folder(tmp_path / "folder", a="12345")
    (tmp_path / "b").write_bytes(b"123")
    assert bytes_of(tmp_path / "folder", tmp_path / "b") == 8
