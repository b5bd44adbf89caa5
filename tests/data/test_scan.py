import csv
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data.scan import scan, write_quarantine
from data.scenes import draw_picture
from temper.errors import UserError
from temper.images import images_in

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Sound drawn pictures in train/ and test/."""
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            (tmp_path / part / label).mkdir(parents=True)
            for index in range(4):
                draw_picture(label, f"{part}{index}").save(tmp_path / part / label / f"{index}.jpg", quality=95)
    return tmp_path


def faults(folder: Path) -> set[tuple[str, str]]:
    return {(each.path.relative_to(folder).as_posix(), each.fault) for each in scan(folder, lambda *_: None)[0]}


def dirty(folder: Path) -> set[tuple[str, str]]:
    """Plant one fault of every kind; returns what a scan should find."""
    cat, dog = folder / "train/cat", folder / "train/dog"
    picture = draw_picture("cat", "planted")
    (cat / "empty.jpg").touch()
    (cat / "text.jpg").write_text("not a picture")
    (cat / "cut.jpg").write_bytes((cat / "0.jpg").read_bytes()[:1500])
    picture.resize((20, 20)).save(cat / "tiny.png")
    shutil.copy(cat / "0.jpg", cat / "copy.jpg")
    shutil.copy(cat / "1.jpg", dog / "mislabelled.jpg")
    shutil.copy(folder / "test/cat/0.jpg", cat / "leak.jpg")
    Image.open(folder / "test/dog/1.jpg").resize((100, 100)).save(dog / "near_leak.jpg", quality=80)
    Image.open(dog / "2.jpg").save(dog / "near.jpg", quality=60)
    draw_picture("dog", "png").save(dog / "png.jpg", "PNG")
    draw_picture("dog", "a").save(dog / "moves.gif", save_all=True, append_images=[draw_picture("dog", "b")])
    exif = Image.Exif()
    exif[0x0112] = 6
    draw_picture("dog", "exif").save(dog / "turned.jpg", exif=exif)
    clear = draw_picture("dog", "clear").convert("RGBA")
    clear.putalpha(120)
    clear.save(dog / "clear.png")
    draw_picture("dog", "ink").convert("CMYK").save(dog / "ink.jpg")
    wide = np.asarray(draw_picture("dog", "wide").convert("L")).astype(np.uint16) * 257
    Image.fromarray(wide).save(dog / "wide.png")
    return {
        ("train/cat/empty.jpg", "empty"), ("train/cat/text.jpg", "unreadable"), ("train/cat/cut.jpg", "unreadable"),
        ("train/cat/tiny.png", "tiny"), ("train/cat/copy.jpg", "duplicate"), ("train/cat/1.jpg", "two labels"),
        ("train/dog/mislabelled.jpg", "two labels"), ("train/cat/leak.jpg", "leak"),
        ("train/dog/near_leak.jpg", "near leak"), ("train/dog/near.jpg", "near duplicate"),
        ("train/dog/png.jpg", "wrong suffix"), ("train/dog/moves.gif", "animated"), ("train/dog/turned.jpg", "rotated"),
        ("train/dog/clear.png", "transparent"), ("train/dog/ink.jpg", "CMYK"), ("train/dog/wide.png", "16 bits"),
    }  # fmt: skip


def test_sound_pictures_have_no_faults(folder: Path) -> None:
    assert faults(folder) == set()


def test_every_planted_fault_is_found_and_nothing_else(folder: Path) -> None:
    planted = dirty(folder)
    assert faults(folder) == planted


def test_the_quarantine_lists_what_harms_and_deletes_nothing(folder: Path) -> None:
    planted = dirty(folder)
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
