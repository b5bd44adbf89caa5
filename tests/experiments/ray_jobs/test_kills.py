from pathlib import Path

import pytest

from experiments.ray_jobs.kills import parse, run


@pytest.mark.slow
@pytest.mark.programs
def test_a_job_whose_driver_and_workers_are_killed_has_every_row_once(tmp_path: Path) -> None:
    pytest.importorskip("ray")
    out = tmp_path / "kills.md"
    assert run(parse(["--images", "3000", "--kills", "1", "--out", str(out)])) == 0
    text = out.read_text()
    assert "| 1 | driver |" in text and "| 2 | actor |" in text
    assert (
        "3,000 rows; images without a row: 0; rows twice: 0; wrong labels or errors: 0; damaged images marked: 30"
        in text
    )
