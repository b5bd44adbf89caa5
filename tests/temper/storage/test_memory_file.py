import gc
import hashlib
import os
import resource
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.storage.memory_file import MemoryFile, read_hashed


def open_files() -> int:
    gc.collect()
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_are_read_with_their_hash(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"first")
    (tmp_path / "b").touch()
    files, sha256 = read_hashed([tmp_path / "a"])
    assert [bytes(each.view) for each in files] == [b"first"]
    assert sha256 == hashlib.sha256(b"first").hexdigest()
    files, sha256 = read_hashed([tmp_path / "a", tmp_path / "b"])
    assert [bytes(each.view) for each in files] == [b"first", b""]
    assert sha256 == hashlib.sha256(b"\0" + b"5\0first\0" + b"0\0").hexdigest()


def test_what_was_read_does_not_change_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"first")
    (file,), _ = read_hashed([path])
    with path.open("r+b") as stream:
        stream.write(b"other")
    assert bytes(file.view) == Path(file.path).read_bytes() == b"first"


def test_memory_and_its_path_live_as_long_as_they_are_used(tmp_path: Path) -> None:
    before = open_files()
    file = MemoryFile()
    file.write(b"content")
    view, path = file.view, file.path
    del file
    assert bytes(view) == b"content"
    assert not Path(path).exists()
    del view
    assert open_files() == before


def test_without_files_in_memory_a_file_without_a_name_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create")
    file = MemoryFile()
    file.write(b"content")
    assert bytes(file.view) == b"content"


def test_where_processes_have_no_folder_there_is_no_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda _: False)
    assert MemoryFile().path == ""


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArtifactError, match="is not a regular file"):
        read_hashed([tmp_path / "pipe"])


def test_content_that_does_not_fit_is_an_error_and_is_not_cut_off() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            MemoryFile().write(bytes(1500))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
