import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.scan import scan, write_quarantine
from temper.errors import UserError
from temper.images import images_in
from tests.data.dirty import plant, sound_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sound drawn pictures in train/ and test/."""
    return sound_folder(tmp_path)


def faults(folder: Path) -> set[tuple[str, str]]:
    return {(each.path.relative_to(folder).as_posix(), each.fault) for each in scan(folder, lambda *_: None)[0]}


def planted_in(folder: Path) -> set[tuple[str, str]]:
    return {(each.path, each.fault) for each in plant(folder)}


def test_sound_pictures_have_no_faults(folder: Path) -> None:
    assert faults(folder) == set()


def test_every_planted_fault_is_found_and_nothing_else(folder: Path) -> None:
    planted = planted_in(folder)
    assert faults(folder) == planted


def test_the_quarantine_lists_what_harms_and_deletes_nothing(folder: Path) -> None:
    planted = planted_in(folder)
    before = images_in(folder)
    findings, counts = scan(folder, lambda *_: None)
    listed = write_quarantine(folder / "quarantine.csv", folder, findings)
    with (folder / "quarantine.csv").open(newline="") as stream:
        rows = {row["path"]: row["reason"] for row in csv.DictReader(stream)}
    harmful = ("empty", "unreadable", "tiny", "duplicate", "two labels", "leak", "near leak")
    assert set(rows) == {path for path, fault in planted if fault in harmful}
    assert listed == len(rows)
    assert images_in(folder) == before
    assert counts["test/dog"] == 4


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(UserError, match="holds no pictures"):
            scan(folder, lambda *_: None)


def test_leaks_stop_the_command_unless_accepted(folder: Path) -> None:
    shutil.copy(folder / "test/cat/0.jpg", folder / "train/cat/leak.jpg")
    command = [sys.executable, "data/run.py", "scan", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "error: 1 picture(s) of train/ are also in test/" in done.stderr
    accepted = subprocess.run([*command, "--accept-leaks"], cwd=ROOT, capture_output=True, text=True)
    assert accepted.returncode == 0
    assert "leak.jpg" in (folder / "quarantine.csv").read_text()
