import csv
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.scan import LOOK_ALIKES, QUARANTINE, scan, write_look_alikes, write_quarantine
from temper.errors import UserError
from temper.images import images_in
from tests.data.dirty import chain_of_look_alikes, plant, sound_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sound drawn pictures in train/ and test/."""
    return sound_folder(tmp_path)


def faults(folder: Path) -> set[tuple[str, str]]:
    return {(each.path.relative_to(folder).as_posix(), each.fault) for each in scan(folder, lambda *_: None).findings}


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
    found = scan(folder, lambda *_: None)
    listed = write_quarantine(folder / QUARANTINE, folder, found.findings)
    with (folder / "quarantine.csv").open(newline="") as stream:
        rows = {row["path"]: row["reason"] for row in csv.DictReader(stream)}
    harmful = ("empty", "unreadable", "tiny", "duplicate", "two labels", "leak", "near leak")
    assert set(rows) == {path for path, fault in planted if fault in harmful}
    assert listed == len(rows)
    assert images_in(folder) == before
    assert found.counts["test/dog"] == 4


def test_pictures_that_look_alike_are_listed_together_and_those_left_out_are_not(folder: Path) -> None:
    plant(folder)
    found = scan(folder, lambda *_: None)
    listed = write_look_alikes(folder / LOOK_ALIKES, folder, found.alike)
    with (folder / LOOK_ALIKES).open(newline="") as stream:
        rows = {row["path"]: row["group"] for row in csv.DictReader(stream)}
    twins = {"2.jpg": "near.jpg", "3.jpg": "brighter.jpg", "0.jpg": "larger.png"}
    expected = {f"train/dog/{name}": f"train/dog/{one}" for one, two in twins.items() for name in (one, two)}
    assert rows == expected
    assert listed == 6


def test_a_chain_of_look_alikes_is_one_group_although_its_ends_differ(tmp_path: Path) -> None:
    names = chain_of_look_alikes(tmp_path)
    (group,) = scan(tmp_path, lambda *_: None).alike
    assert [path.relative_to(tmp_path).as_posix() for path in group] == names


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
