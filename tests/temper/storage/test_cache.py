import os
import stat
from pathlib import Path

import pytest

from temper.storage.cache import MAX_ENTRIES, cache_folder, cache_key, get_cached, private_folder, read_private, store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def content(key: str) -> bytes | None:
    file = get_cached(key, ".txt")
    return bytes(file.view) if file else None


def test_a_stored_file_is_returned_for_its_key_and_suffix_only() -> None:
    stored = store("one", ".txt", lambda path: path.write_text("content"))
    assert stored and bytes(stored.view) == b"content"
    assert content("one") == b"content"
    assert get_cached("other", ".txt") is None
    assert get_cached("one", ".onnx") is None


def test_what_is_stored_later_replaces_what_was_stored(folder: Path) -> None:
    store("one", ".txt", lambda path: path.write_text("first"))
    for _ in range(2):
        store("one", ".txt", lambda path: path.write_text("second"))
    assert content("one") == b"second"
    assert len(list(folder.iterdir())) == 1


def test_a_damaged_file_is_removed(folder: Path) -> None:
    store("one", ".txt", lambda path: path.write_text("content"))
    (stored,) = folder.iterdir()
    stored.write_text("contenu")
    assert get_cached("one", ".txt") is None
    assert not list(folder.iterdir())


def test_a_file_that_cannot_be_written_is_not_stored_and_leaves_nothing(folder: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    assert store("one", ".txt", fail) is None
    assert not list(folder.iterdir())


def test_nothing_is_stored_without_a_writable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert store("one", ".txt", lambda path: path.touch()) is None
    assert get_cached("one", ".txt") is None


def test_the_oldest_are_removed_when_there_are_too_many(folder: Path) -> None:
    for number in range(MAX_ENTRIES + 3):
        store(f"key{number}", ".txt", lambda path: path.write_text("content"))
    assert len(list(folder.iterdir())) == MAX_ENTRIES
    assert get_cached("key0", ".txt") is None
    assert get_cached(f"key{MAX_ENTRIES + 2}", ".txt")


def test_a_key_depends_on_each_part_and_on_their_order() -> None:
    assert cache_key("a", "b") == cache_key("a", "b")
    assert len({cache_key("a", "b"), cache_key("b", "a"), cache_key("a"), cache_key("ab")}) == 4


def write(path: Path) -> None:
    path.write_text("content")


def test_the_folder_and_its_files_are_this_users_alone(folder: Path) -> None:
    store("one", ".txt", write)
    (stored,) = folder.iterdir()
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(stored.stat().st_mode)) == (0o700, 0o600)


def test_a_folder_that_others_could_enter_is_closed_before_it_is_used(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    store("one", ".txt", write)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_that_others_could_write_is_not_used(folder: Path) -> None:
    store("one", ".txt", write)
    (stored,) = folder.iterdir()
    stored.chmod(0o666)
    assert read_private(stored) is None
    assert get_cached("one", ".txt") is None
    assert not list(folder.iterdir())


def test_a_file_that_was_renamed_to_another_key_is_not_used(folder: Path) -> None:
    store("one", ".txt", write)
    (stored,) = folder.iterdir()
    stored.rename(stored.with_name(stored.name.replace("one", "two", 1)))
    assert get_cached("two", ".txt") is None


def test_a_folder_of_another_user_is_neither_read_nor_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store("one", ".txt", write)
    (stored,) = folder.iterdir()
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    with pytest.raises(PermissionError, match="another user"):
        private_folder()
    assert read_private(stored) is None
    assert get_cached("one", ".txt") is None
    assert store("two", ".txt", write) is None
    # Root could remove it.
    assert stored.exists()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can give files away")
def test_a_file_of_another_user_is_not_used(folder: Path) -> None:
    store("one", ".txt", write)
    (stored,) = folder.iterdir()
    os.chown(stored, 12345, 12345)
    assert get_cached("one", ".txt") is None


def test_a_pipe_in_the_folder_does_not_block(folder: Path) -> None:
    private_folder()
    os.mkfifo(folder / "one-0.txt")
    assert get_cached("one", ".txt") is None


def test_where_files_have_no_owners_all_are_this_users(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getuid")
    assert store("one", ".txt", write)
    assert content("one") == b"content"
