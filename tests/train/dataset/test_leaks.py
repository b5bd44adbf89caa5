import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from temper.dataset.find import find_examples
from temper.dataset.listing import write_near_duplicates
from temper.errors import DataError
from tests.train.images import fill
from train.dataset.leaks import check_leaks, describe_leaks

ROOT = Path(__file__).parents[3]


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """train/ and test/ that contain one equal image."""
    fill(tmp_path / "train", 8, size=32)
    fill(tmp_path / "test", 4, start=8, size=32)
    shutil.copy(tmp_path / "test/cat/0008.png", tmp_path / "train/cat/copy.png")
    return tmp_path


def test_equal_images_in_two_subsets_are_refused_and_named(leaky: Path) -> None:
    expected = r"1 image is in two subsets.*0008\.png \(test\) is the same image as .*copy\.png.*--accept-leaks"
    with pytest.raises(DataError, match=expected):
        check_leaks(find_examples(leaky, 0.2, 0), leaky)


def test_after_a_scan_the_copy_is_left_out(leaky: Path) -> None:
    scan = [sys.executable, "data/run.py", "scan", str(leaky), "--accept-leaks"]
    subprocess.run(scan, cwd=ROOT, check=True, capture_output=True)
    examples = find_examples(leaky, 0.2, 0)
    assert len(examples) == 24
    check_leaks(examples, leaky)


def test_training_stops_at_a_leak_before_it_writes_anything(leaky: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "model.keras"
    command = [sys.executable, "train/run.py", "--data", str(leaky), "--out", str(out), "--weights", "none"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 3
    assert "in two subsets" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.parent.exists()


def test_near_duplicates_in_two_subsets_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "train", 8, size=32)
    fill(tmp_path / "test", 4, start=8, size=32)
    write_near_duplicates(tmp_path, [["train/cat/0000.png", "test/cat/0008.png"]])
    with pytest.raises(DataError, match=r"1 image is in .*0008\.png \(test\) is nearly equal to .*0000\.png"):
        check_leaks(find_examples(tmp_path, 0.2, 0), tmp_path)


def test_the_description_reports_what_is_known_of_leaks(leaky: Path) -> None:
    assert "**1 of them in two subsets" in describe_leaks(find_examples(leaky, 0.2, 0), leaky)
    (leaky / "train/cat/copy.png").unlink()
    examples = find_examples(leaky, 0.2, 0)
    assert "were not searched for" in describe_leaks(examples, leaky)
    write_near_duplicates(leaky, [])
    assert "no near-duplicate" in describe_leaks(examples, leaky)
