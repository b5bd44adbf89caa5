import subprocess
import sys
from pathlib import Path

import pytest

from temper.storage.atomic import SCRATCH_SUFFIX, atomic_write, bytes_of, sha256_of, write_text

KILLED = """
import os, signal, sys
from pathlib import Path
from temper.storage.atomic import atomic_write
with atomic_write(Path(sys.argv[1])) as path:
    path.write_text("half of the n")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_staged_file_appears_whole_with_its_companions(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "new" / "model.xml") as path:
        path.write_text("graph")
        path.with_suffix(".bin").write_text("weights")
        assert not (tmp_path / "new" / "model.xml").exists()
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["model.bin", "model.xml"]


def test_a_failure_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "model.onnx"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_write(target) as path:
        path.write_text("half of the n")
        raise KeyboardInterrupt
    assert [p.name for p in tmp_path.iterdir()] == ["model.onnx"]
    assert target.read_text() == "old"


def test_a_folder_replaces_an_older_folder(tmp_path: Path) -> None:
    target = tmp_path / "model.savedmodel"
    for content in ("old", "new"):
        with atomic_write(target) as path:
            path.mkdir()
            (path / content).write_text(content)
    assert [p.name for p in target.iterdir()] == ["new"]
    assert [p.name for p in tmp_path.iterdir()] == ["model.savedmodel"]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "model.onnx")])
    assert killed.returncode == -9
    assert [p.suffix for p in tmp_path.iterdir()] == [SCRATCH_SUFFIX]
    write_text(tmp_path / "other.txt", "new")
    assert [p.name for p in tmp_path.iterdir()] == ["other.txt"]


def test_a_write_that_is_under_way_is_not_swept_away(tmp_path: Path) -> None:
    with atomic_write(tmp_path / "model.onnx") as path:
        path.write_text("whole")
        write_text(path.with_suffix(".csv"), "beside it")
        write_text(tmp_path / "other.txt", "new")
        sweeper = "import sys, pathlib; from temper.storage.atomic import write_text; write_text(pathlib.Path(sys.argv[1]), '')"
        subprocess.run([sys.executable, "-c", sweeper, str(tmp_path / "third.txt")], check=True)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["model.csv", "model.onnx", "other.txt", "third.txt"]


def test_write_text_keeps_any_script(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "Größe 猫")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "Größe 猫"


def test_a_folders_hash_depends_on_content_and_names(tmp_path: Path) -> None:
    def folder(name: str, **files: str) -> Path:
        (tmp_path / name).mkdir()
        for file, text in files.items():
            (tmp_path / name / file).write_text(text)
        return tmp_path / name

    one, same = folder("one", a="1", b="2"), folder("same", a="1", b="2")
    renamed, changed = folder("renamed", a="1", c="2"), folder("changed", a="1", b="3")
    assert sha256_of(one) == sha256_of(same)
    assert len({sha256_of(each) for each in (one, renamed, changed)}) == 3


def test_bytes_count_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a").write_bytes(b"12345")
    (tmp_path / "b").write_bytes(b"123")
    assert bytes_of(tmp_path / "folder", tmp_path / "b") == 8
