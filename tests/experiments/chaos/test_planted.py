import os
from pathlib import Path

from experiments.chaos import planted
from experiments.folders import jobs


def test_a_program_runs_with_the_fault_only_where_one_is_planted() -> None:
    assert planted.program(["data/run.py"]) == ["data/run.py"]
    with planted.in_place():
        assert planted.program(["data/run.py"]) == [*planted.WRAPPER, "data/run.py"]
    assert planted.VARIABLE not in os.environ


def test_a_fault_in_place_shows_half_of_a_publication(tmp_path: Path) -> None:
    with planted.in_place(), planted.published(tmp_path / "a") as folder:
        (folder / "a").write_text("half")
        assert (tmp_path / "a").read_text() == "half"
    with planted.published(tmp_path / "a") as folder:
        (folder / "a").write_text("new")
        assert (tmp_path / "a").read_text() == "half"
    assert (tmp_path / "a").read_text() == "new"


def test_the_job_is_the_usual_one_again_after_the_fault() -> None:
    usual = jobs.start_job
    with planted.forgetful():
        assert jobs.start_job is not usual
    assert jobs.start_job is usual
