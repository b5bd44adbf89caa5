import shutil
import signal
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from data.drawn.sample import Sample, draw_sample
from temper.dataset.listing import dataset_title
from temper.errors import DataError, ResourceError
from temper.images import labeled_images
from temper.storage.atomic import SCRATCH_SUFFIX
from temper.storage.digest import sha256_of
from tests.processes import has_ended
from tests.source import ROOT

Usage = namedtuple("Usage", "free")
SAMPLE = Sample(train=3, test=2, seed=5)


def test_a_sample_has_training_and_test_images_of_each_label_and_no_duplicates(tmp_path: Path) -> None:
    folder = tmp_path / "drawn"
    steps: list[tuple[int, int]] = []
    assert draw_sample(folder, SAMPLE, lambda _, done, total: steps.append((done, total))) == 10
    assert steps[-1] == (10, 10)
    train, test = labeled_images(folder / "train"), labeled_images(folder / "test")
    assert [label for _, label in train] == ["cat"] * 3 + ["dog"] * 3
    assert [label for _, label in test] == ["cat"] * 2 + ["dog"] * 2
    assert len({sha256_of(path) for path, _ in train + test}) == 10
    assert dataset_title(folder) == "drawn sample"


def test_a_second_call_draws_nothing(tmp_path: Path) -> None:
    draw_sample(tmp_path / "drawn", SAMPLE)
    assert draw_sample(tmp_path / "drawn", SAMPLE) == 0


def test_an_interrupted_call_leaves_no_folder_and_equal_seeds_draw_equal_files(tmp_path: Path) -> None:
    def interrupt(step: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_sample(tmp_path / "a", SAMPLE, interrupt)
    assert list(tmp_path.iterdir()) == []
    for name in ("a", "b"):
        draw_sample(tmp_path / name, SAMPLE)
    assert sha256_of(tmp_path / "a") == sha256_of(tmp_path / "b")


@pytest.mark.parametrize("other", [Sample(train=4, test=2, seed=5), None])
def test_a_folder_with_other_content_is_not_changed(tmp_path: Path, other: Sample | None) -> None:
    folder = tmp_path / "drawn"
    if other:
        draw_sample(folder, other)
    else:
        folder.mkdir()
    before = sha256_of(folder)
    with pytest.raises(DataError, match="exists and is not this sample"):
        draw_sample(folder, SAMPLE)
    assert sha256_of(folder) == before


@pytest.mark.parametrize("record", [b"{", b"\xff", b"[" * 4000, b"1" * 5000], ids=["torn", "bytes", "deep", "long"])
def test_a_folder_with_a_damaged_record_is_not_this_sample(tmp_path: Path, record: bytes) -> None:
    (tmp_path / "sample.json").write_bytes(record)
    with pytest.raises(DataError, match="exists and is not this sample"):
        draw_sample(tmp_path, SAMPLE)


def test_more_images_than_the_disk_holds_are_refused_before_they_are_listed(tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="MB are free"):
        draw_sample(tmp_path / "drawn", Sample(train=10**15, test=1, seed=0))


def test_without_space_for_the_images_nothing_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100_000))
    with pytest.raises(ResourceError, match=r"the sample writes about 0\.2 MB"):
        draw_sample(tmp_path / "drawn", SAMPLE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.programs
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_killed_command_leaves_no_process_and_the_next_one_no_scratch(tmp_path: Path, number: int) -> None:
    command = subprocess.Popen([sys.executable, "data/run.py", "draw", tmp_path / "drawn", "--train", "3000"], cwd=ROOT)
    children = Path(f"/proc/{command.pid}/task/{command.pid}/children")
    while not list(tmp_path.rglob("*.jpg")):
        assert command.poll() is None
        time.sleep(0.02)
    workers = [int(each) for each in children.read_text().split()]
    command.send_signal(number)
    command.wait()
    assert workers
    assert all(map(has_ended, workers))
    draw_sample(tmp_path / "drawn", SAMPLE)
    assert not list(tmp_path.glob(f".*{SCRATCH_SUFFIX}"))
