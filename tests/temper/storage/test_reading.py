import os
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.storage.reading import open_regular, read_file


def test_a_file_is_read_completely(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "empty").touch()
    assert read_file(tmp_path / "file") == read_file(tmp_path / "file", 7) == b"content"
    assert read_file(tmp_path / "empty", 0) == b""


def test_a_file_with_more_bytes_than_allowed_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "sparse").open("wb") as stream:
        stream.truncate(1 << 40)
    with pytest.raises(ArtifactError, match="has more than the 1 MiB that such a file may have"):
        read_file(tmp_path / "sparse", 1 << 20)


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_bytes(b"12345678")
    status = (tmp_path / "file").stat()
    smaller = os.stat_result((*status[:6], 7, *status[7:]))
    monkeypatch.setattr(os, "fstat", lambda number: smaller)
    with pytest.raises(ArtifactError, match="has more than"):
        read_file(tmp_path / "file", 7)


def test_a_pipe_a_device_and_a_folder_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(ArtifactError, match=f"{path} is not a regular file"):
            open_regular(path)


def test_a_missing_file_is_the_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        read_file(tmp_path / "none")
    assert caught.value.filename == str(tmp_path / "none")
