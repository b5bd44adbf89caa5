import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.scan import LOOK_ALIKES as WRITTEN
from temper.errors import UserError
from tests.train.dataset.test_split import fill
from train.dataset.leaks import LOOK_ALIKES, groups_of, leaks_in_words, refuse_leaks, together
from train.dataset.split import find_examples

ROOT = Path(__file__).parents[3]


@pytest.fixture
def leaky(tmp_path: Path) -> Path:
    """train/ and test/ that hold one equal picture."""
    fill(tmp_path / "train", 8)
    fill(tmp_path / "test", 4, start=8)
    shutil.copy(tmp_path / "test/cat/0008.png", tmp_path / "train/cat/copy.png")
    return tmp_path


def test_the_scan_writes_the_list_that_training_reads() -> None:
    assert WRITTEN == LOOK_ALIKES


def test_equal_pictures_in_two_parts_are_refused_and_named(leaky: Path) -> None:
    with pytest.raises(UserError, match=r"1 picture\(s\) are in two parts at once.*0008\.png.*--accept-leaks"):
        refuse_leaks(find_examples(leaky, 0.2, 0), leaky)


def test_a_scan_mends_it_by_leaving_the_copy_out(leaky: Path) -> None:
    scan = [sys.executable, "data/run.py", "scan", str(leaky), "--accept-leaks"]
    subprocess.run(scan, cwd=ROOT, check=True, capture_output=True)
    refuse_leaks(find_examples(leaky, 0.2, 0), leaky)


def test_train_stops_at_a_leak_before_it_writes_anything(leaky: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "model.keras"
    command = [sys.executable, "train/run.py", "--data", str(leaky), "--out", str(out), "--weights", "none"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "are in two parts at once" in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.parent.exists()


def test_look_alikes_in_two_parts_are_refused(tmp_path: Path) -> None:
    fill(tmp_path / "train", 8)
    fill(tmp_path / "test", 4, start=8)
    rows = "train/cat/0000.png,g\ntest/cat/0008.png,g\n"
    (tmp_path / LOOK_ALIKES).write_text(f"path,group\n{rows}")
    with pytest.raises(UserError, match="1 picture"):
        refuse_leaks(find_examples(tmp_path, 0.2, 0), tmp_path)


def test_a_group_has_its_smallest_share_and_others_keep_theirs() -> None:
    a, b, c = Path("a"), Path("b"), Path("c")
    assert together({a: 0.5, b: 0.2, c: 0.1}, {a: "g", b: "g"}) == {a: 0.2, b: 0.2, c: 0.1}
    assert together({a: 0.5}, {}) == {a: 0.5}


def test_the_model_card_says_what_is_known_of_leaks(leaky: Path) -> None:
    assert "**1 of them in two parts at once" in leaks_in_words(find_examples(leaky, 0.2, 0), leaky)
    (leaky / "train/cat/copy.png").unlink()
    examples = find_examples(leaky, 0.2, 0)
    assert "was not asked" in leaks_in_words(examples, leaky)
    (leaky / LOOK_ALIKES).write_text("path,group\n")
    assert groups_of(leaky) == {}
    assert "none that looks like one" in leaks_in_words(examples, leaky)
