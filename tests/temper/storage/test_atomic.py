import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from temper.errors import ArtifactError
from temper.storage.atomic import (
    FILES,
    SCRATCH_SUFFIX,
    atomic_write,
    own_temporary_files,
    remove_stale_scratch,
    scratch_beside,
    write_text,
)
from temper.storage.publish import journal_of
from tests.source import ROOT

KILLED = """
import os, signal, sys
from pathlib import Path
from temper.storage.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as path:
    path.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""
KILLED_WITH_TEMPORARY_FILES = """
import os, pathlib, signal, tempfile
from temper.storage.atomic import own_temporary_files
with own_temporary_files(), tempfile.NamedTemporaryFile("w") as file:
    (pathlib.Path(os.environ["TMPDIR"]) / "native").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
WRITES = "import sys, pathlib; from temper.storage.atomic import write_text; write_text(pathlib.Path(sys.argv[1]), '')"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_complete_with_its_companions(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new" / "model.xml") as path:
        path.write_text("graph")
        path.with_suffix(".bin").write_text("weights")
        assert not (tmp_path / "new" / "model.xml").exists()
    assert names(tmp_path / "new") == ["model.bin", "model.xml"]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as path:
        path.write_text("half of the n")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["model.onnx"]
    assert target.read_text() == "old"


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write_text(tmp_path / "a.txt", "old")
    monkeypatch.setattr("temper.storage.atomic.flush", full)
    with pytest.raises(OSError, match="No space left"):
        write_text(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_folder_replaces_an_older_folder(tmp_path: Path) -> None:
    target = tmp_path / "model.savedmodel"
    for content in ("old", "new"):
        with atomic_write(target) as path:
            path.mkdir()
            (path / content).write_text(content)
    assert names(target) == ["new"]
    assert names(tmp_path) == ["model.savedmodel"]


def test_a_file_does_not_replace_a_folder(tmp_path: Path) -> None:
    (tmp_path / "photos" / "cat").mkdir(parents=True)
    with pytest.raises(OSError, match="directory"):
        write_text(tmp_path / "photos", "text")
    assert names(tmp_path / "photos") == ["cat"]


def test_a_folder_that_another_command_made_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="by another command meanwhile"), atomic_write(tmp_path / "photos") as path:
        (path / "train").mkdir(parents=True)
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "thesis.txt").write_text("five years")
    assert names(tmp_path / "photos") == ["thesis.txt"]
    assert names(tmp_path) == ["photos"]


@pytest.mark.parametrize("is_dangling", [False, True])
def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path, is_dangling: bool) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "link.csv").symlink_to("disk/file.csv")
    if not is_dangling:
        (tmp_path / "disk" / "file.csv").write_text("old")
    write_text(tmp_path / "link.csv", "new")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "disk" / "file.csv").read_text() == "new"
    assert names(tmp_path) == ["disk", "link.csv"]
    assert names(tmp_path / "disk") == ["file.csv"]


def test_the_name_of_a_new_file_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr("temper.storage.atomic.flush_folder", lambda folder: seen.extend(names(folder)))
    write_text(tmp_path / "a.txt", "new")
    assert "a.txt" in seen


def test_temporary_files_of_libraries_are_in_one_folder_that_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", "before")
    with own_temporary_files() as folder:
        assert os.environ["TMPDIR"] == str(folder)
        assert Path(tempfile.mkdtemp()).parent == folder
    assert os.environ["TMPDIR"] == "before"
    assert tempfile.gettempdir() == str(tmp_path)
    assert names(tmp_path) == []
    monkeypatch.delenv("TMPDIR")
    with own_temporary_files():
        pass
    assert "TMPDIR" not in os.environ


@pytest.mark.programs
def test_temporary_files_of_a_killed_process_are_removed_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)
    command = [sys.executable, "-c", KILLED_WITH_TEMPORARY_FILES]
    for _ in range(2):
        assert subprocess.run(command, cwd=ROOT).returncode == -9
        assert len(names(tmp_path)) == 1
    with own_temporary_files():
        assert len(names(tmp_path)) == 1
    assert names(tmp_path) == []


@pytest.mark.programs
def test_files_of_a_killed_process_are_removed_by_the_next_write(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "model.onnx")], cwd=ROOT)
    assert killed.returncode == -9
    assert [path.suffix for path in tmp_path.iterdir()] == [SCRATCH_SUFFIX]
    write_text(tmp_path / "other.txt", "new")
    assert names(tmp_path) == ["other.txt"]


@pytest.mark.programs
def test_a_write_in_progress_is_not_removed(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "model.onnx") as path:
        path.write_text("complete")
        write_text(path.with_suffix(".csv"), "beside it")
        write_text(tmp_path / "other.txt", "new")
        subprocess.run([sys.executable, "-c", WRITES, str(tmp_path / "third.txt")], check=True, cwd=ROOT)
    assert names(tmp_path) == ["model.csv", "model.onnx", "other.txt", "third.txt"]


def test_a_scratch_folder_that_was_made_a_moment_ago_is_not_removed(tmp_path: Path) -> None:
    """Its process has not locked it yet."""
    fresh = tmp_path / f".model.onnx.abc{SCRATCH_SUFFIX}"
    fresh.mkdir()
    remove_stale_scratch(tmp_path)
    assert fresh.is_dir()


@pytest.mark.parametrize("inside", [[], ["thesis.txt"]])
def test_an_old_scratch_folder_without_files_is_removed_when_it_is_empty(tmp_path: Path, inside: list[str]) -> None:
    """Its process ended before it locked the folder, or after it removed the files."""
    old = tmp_path / f".model.onnx.abc{SCRATCH_SUFFIX}"
    old.mkdir()
    for name in inside:
        (old / name).touch()
    os.utime(old, (0, 0))
    remove_stale_scratch(tmp_path)
    assert old.exists() is bool(inside)
    assert not inside or names(old) == inside


def test_a_link_that_is_named_like_a_scratch_folder_is_not_followed(tmp_path: Path) -> None:
    thesis = tmp_path / "elsewhere" / FILES / "thesis.txt"
    thesis.parent.mkdir(parents=True)
    thesis.touch()
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / f".temper.abc{SCRATCH_SUFFIX}").symlink_to(tmp_path / "elsewhere")
    remove_stale_scratch(shared)
    assert thesis.exists()


def test_without_locks_nothing_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fcntl", None)
    old = tmp_path / f".model.onnx.abc{SCRATCH_SUFFIX}"
    (old / FILES).mkdir(parents=True)
    os.utime(old, (0, 0))
    write_text(tmp_path / "other.txt", "new")
    assert names(tmp_path) == [old.name, "other.txt"]


def test_a_scratch_folder_is_empty_and_on_the_file_system_of_the_target(tmp_path: Path) -> None:
    with scratch_beside(tmp_path / "new" / "model.onnx") as scratch:
        assert names(scratch) == []
        assert scratch.stat().st_dev == tmp_path.stat().st_dev
    assert names(tmp_path / "new") == []


def test_write_text_preserves_any_script(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "Größe 猫")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "Größe 猫"


def test_an_interrupted_publication_does_not_replace_a_later_file(tmp_path: Path) -> None:
    journal = journal_of(tmp_path / "a.txt")
    journal.mkdir()
    (journal / "a.txt").write_text("interrupted")
    write_text(tmp_path / "a.txt", "later")
    assert (tmp_path / "a.txt").read_text() == "later"
    assert names(tmp_path) == ["a.txt"]
