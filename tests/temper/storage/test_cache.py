from pathlib import Path

import pytest

from temper.storage.cache import MAX_ENTRIES, cache_folder, get_cached, keep


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return cache_folder()


def test_what_is_kept_is_found_by_its_key_and_nothing_else() -> None:
    kept = keep("one", ".txt", lambda path: path.write_text("content"))
    assert kept and kept.read_text() == "content"
    assert get_cached("one", ".txt") == kept
    assert get_cached("other", ".txt") is None
    assert get_cached("one", ".onnx") is None


def test_a_damaged_file_is_thrown_away(folder: Path) -> None:
    kept = keep("one", ".txt", lambda path: path.write_text("content"))
    assert kept
    kept.write_text("contenu")
    assert get_cached("one", ".txt") is None
    assert not list(folder.iterdir())


def test_what_could_not_be_written_is_not_kept_and_leaves_nothing(folder: Path) -> None:
    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    assert keep("one", ".txt", fail) is None
    assert not list(folder.iterdir())


def test_without_a_folder_to_write_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert keep("one", ".txt", lambda path: path.touch()) is None
    assert get_cached("one", ".txt") is None


def test_the_oldest_go_when_there_are_too_many(folder: Path) -> None:
    for number in range(MAX_ENTRIES + 3):
        keep(f"key{number}", ".txt", Path.touch)
    assert len(list(folder.iterdir())) == MAX_ENTRIES
    assert get_cached("key0", ".txt") is None
    assert get_cached(f"key{MAX_ENTRIES + 2}", ".txt")
