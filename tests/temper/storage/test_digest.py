import hashlib
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from temper.errors import ArtifactError
from temper.storage import digest
from temper.storage.digest import bytes_of, copy_hashed, former_sha256_of, sha256_of, sha256_of_content
from temper.storage.memory_file import read_hashed
from temper.storage.reading import open_regular


def folder(path: Path, **files: str) -> Path:
    path.mkdir()
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def test_the_hash_of_a_file_is_that_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"content")
    assert sha256_of(tmp_path / "a") == hashlib.sha256(b"content").hexdigest()


def test_several_files_are_hashed_in_the_given_order_with_their_sizes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    assert sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"\x001\x00a\x001\x00b").hexdigest()
    assert sha256_of(tmp_path / "b", tmp_path / "a") == hashlib.sha256(b"\x001\x00b\x001\x00a").hexdigest()
    assert former_sha256_of(tmp_path / "a", tmp_path / "b") == hashlib.sha256(b"ab").hexdigest()


def test_a_byte_that_moves_to_the_next_file_changes_the_hash(tmp_path: Path) -> None:
    a, b = tmp_path / "model.xml", tmp_path / "model.bin"
    hashes = []
    for content in ((b"12", b"3"), (b"1", b"23")):
        a.write_bytes(content[0])
        b.write_bytes(content[1])
        hashes.append((sha256_of(a, b), former_sha256_of(a, b)))
    assert hashes[0][0] != hashes[1][0]
    assert hashes[0][1] == hashes[1][1]


def test_a_name_that_grows_into_the_content_changes_the_hash_of_a_folder(tmp_path: Path) -> None:
    one, other = folder(tmp_path / "one", a="bc"), folder(tmp_path / "other", ab="c")
    assert sha256_of(one) != sha256_of(other)


def test_the_hash_of_a_folder_depends_on_content_and_names(tmp_path: Path) -> None:
    one, same = folder(tmp_path / "one", a="1", b="2"), folder(tmp_path / "same", a="1", b="2")
    renamed, changed = folder(tmp_path / "renamed", a="1", c="2"), folder(tmp_path / "changed", a="1", b="3")
    assert sha256_of(one) == sha256_of(same)
    assert len({sha256_of(each) for each in (one, renamed, changed)}) == 3


def test_the_former_hash_of_a_folder_is_that_of_version_0_1(tmp_path: Path) -> None:
    assert former_sha256_of(folder(tmp_path / "tree", a="1", b="2")) == hashlib.sha256(b"a1b2").hexdigest()


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


def test_the_hash_of_content_is_that_of_the_files(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    for path, content in zip(paths, (b"first", b""), strict=True):
        path.write_bytes(content)
    assert sha256_of_content(b"first") == sha256_of(paths[0])
    assert read_hashed(paths[:1])[1] == sha256_of(paths[0])
    assert read_hashed(paths)[1] == sha256_of(*paths)


def test_a_copy_is_hashed_as_the_original(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    file, tree = tmp_path / "file", folder(tmp_path / "tree", a="1", b="2")
    file.write_text("content")
    (tree / "inner").mkdir()
    (tree / "inner" / "c").write_text("3")
    assert copy_hashed([file], tmp_path / "target") == sha256_of(file) == sha256_of(tmp_path / "target" / "file")
    assert copy_hashed([tree], tmp_path / "target") == sha256_of(tree) == sha256_of(tmp_path / "target" / "tree")
    assert copy_hashed([tree, file], tmp_path / "target") == sha256_of(tree, file)


@pytest.mark.parametrize("target", [".", "/etc", "/etc/passwd", "a", "missing"])
def test_a_symbolic_link_in_a_folder_is_refused(tmp_path: Path, target: str) -> None:
    tree = folder(tmp_path / "tree", a="1")
    (tree / "link").symlink_to(target)
    for use in (sha256_of, former_sha256_of, lambda path: copy_hashed([path], tmp_path / "copy")):
        with pytest.raises(ArtifactError, match="link is a symbolic link"):
            use(tree)


def test_a_pipe_is_refused_and_does_not_block(tmp_path: Path) -> None:
    tree = folder(tmp_path / "tree", a="1")
    os.mkfifo(tree / "pipe")
    for path in (tree, tree / "pipe"):
        with pytest.raises(ArtifactError, match="pipe is not a regular file"):
            sha256_of(path)


def test_a_file_that_is_replaced_while_it_is_hashed_is_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "a", tmp_path / "b"
    path.write_text("first")
    other.write_text("other")

    def replaced(opened: Path) -> BinaryIO:
        if other.exists():
            other.replace(path)
        return open_regular(opened)

    monkeypatch.setattr(digest, "open_regular", replaced)
    assert sha256_of(path) == hashlib.sha256(b"other").hexdigest()


def test_a_file_that_never_stops_changing_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a"
    path.write_text("x")

    def grown(opened: Path) -> BinaryIO:
        path.write_text(path.read_text() + "x")
        return open_regular(opened)

    monkeypatch.setattr(digest, "open_regular", grown)
    with pytest.raises(ArtifactError, match="changes all the time"):
        sha256_of(path)
