from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.commands.resumed import run_jobs, run_trainings
from experiments.folders import kills
from tests import tiny


@pytest.mark.programs
@pytest.mark.slow
def test_a_killed_job_has_a_row_for_each_image(tmp_path: Path) -> None:
    record = run_jobs(1200, 0, tmp_path)
    assert (record.tried, record.ok + record.refused, record.failures) == (1200, 1200, 0)
    assert record.more["killed"] == 2


@pytest.mark.programs
@pytest.mark.slow
def test_a_job_that_forgets_is_noticed(tmp_path: Path) -> None:
    with planted.forgetful():
        assert run_jobs(1200, 0, tmp_path).silent > 0


@pytest.mark.tensorflow
@pytest.mark.programs
@pytest.mark.slow
def test_a_training_that_goes_on_with_another_seed_is_noticed(tmp_path: Path) -> None:
    assert not run_trainings(2, 0, tmp_path / "resumed").failures
    with planted.reseeded():
        assert run_trainings(2, 0, tmp_path / "reseeded").silent == 1


def test_each_row_of_a_job_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of ten rows one is of a damaged image; one has an error and one a label that are not right.
    check = kills.Check(rows=10, unique=10, missing=0, damaged_marked=1, others_marked=1, wrong=2)
    for name, result in (("plant", tmp_path), ("kill_often", []), ("check_rows", check)):
        monkeypatch.setattr(kills, name, lambda *_, result=result: result)
    monkeypatch.setattr(tiny, "bundle", lambda folder: folder / "model.keras")
    record = run_jobs(10, 0, tmp_path)
    assert (record.tried, record.ok, record.refused, record.wrong) == (10, 7, 1, 2)
