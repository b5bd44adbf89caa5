import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from temper.storage.atomic import FILES, SCRATCH_SUFFIX, atomic_write, remove_stale_scratch, scratch_beside, write_text
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
