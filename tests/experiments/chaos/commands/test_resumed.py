from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.commands.resumed import run_jobs, run_trainings

pytestmark = [pytest.mark.programs, pytest.mark.slow]


def test_a_killed_job_has_a_row_for_each_image(tmp_path: Path) -> None:
    record = run_jobs(1200, 0, tmp_path)
    assert (record.tried, record.ok + record.refused, record.failures) == (1200, 1200, 0)
    assert record.more["killed"] == 2


def test_a_job_that_forgets_is_noticed(tmp_path: Path) -> None:
    with planted.forgetful():
        assert run_jobs(1200, 0, tmp_path).silent > 0


@pytest.mark.tensorflow
def test_a_training_that_goes_on_with_another_seed_is_noticed(tmp_path: Path) -> None:
    assert not run_trainings(2, 0, tmp_path / "resumed").failures
    with planted.reseeded():
        assert run_trainings(2, 0, tmp_path / "reseeded").silent == 1
