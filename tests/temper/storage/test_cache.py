from pathlib import Path

import pytest

from temper.storage.cache import MAX_ENTRIES, cache_folder, cache_key, get_cached, store


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def test_a_stored_file_is_returned_for_its_key_and_suffix_only() -> None:
    stored = store("one", ".txt", lambda path: path.write_text("content"))
    assert stored and stored.read_text() == "content"
    assert get_cached("one", ".txt") == stored
    assert get_cached("other", ".txt") is None
    assert get_cached("one", ".onnx") is None


def test_a_damaged_file_is_removed(folder: Path) -> None:
    stored = store("one", ".txt", lambda path: path.write_text("content"))
    assert stored
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
        store(f"key{number}", ".txt", Path.touch)
    assert len(list(folder.iterdir())) == MAX_ENTRIES
    assert get_cached("key0", ".txt") is None
    assert get_cached(f"key{MAX_ENTRIES + 2}", ".txt")


def test_a_key_depends_on_each_part_and_on_their_order() -> None:
    assert cache_key("a", "b") == cache_key("a", "b")
    assert len({cache_key("a", "b"), cache_key("b", "a"), cache_key("a"), cache_key("ab")}) == 4
