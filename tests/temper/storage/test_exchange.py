import ctypes
from pathlib import Path

import pytest

from temper.storage.exchange import exchange


def named(folder: Path) -> Path:
    folder.mkdir()
    (folder / folder.name).touch()
    return folder


def test_two_folders_change_places(tmp_path: Path) -> None:
    one, other = named(tmp_path / "one"), named(tmp_path / "other")
    assert exchange(one, other)
    assert (one / "other").exists()
    assert (other / "one").exists()


def test_nothing_changes_where_one_is_missing(tmp_path: Path) -> None:
    one = named(tmp_path / "one")
    assert not exchange(one, tmp_path / "none")
    assert (one / "one").exists()


@pytest.mark.parametrize("library", [object(), OSError(), TypeError()])
def test_a_system_without_the_call_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: object
) -> None:
    def load(name: None) -> object:
        if isinstance(library, Exception):
            raise library
        return library

    monkeypatch.setattr(ctypes, "CDLL", load)
    assert not exchange(named(tmp_path / "one"), named(tmp_path / "other"))
