from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.artifacts import flips


def test_flipped_bits_are_refused_in_every_format(tmp_path: Path) -> None:
    counts = flips.run(12, 0, tmp_path)
    assert (counts["tried"], counts["refused"]) == (12, 12)


def test_without_the_check_the_suite_notices(tmp_path: Path) -> None:
    with guards.unchecked():
        assert flips.run(12, 0, tmp_path)["silent"] >= 2


@pytest.mark.slow
def test_flipped_bits_with_a_fitting_checksum_are_no_traceback_and_no_crash(tmp_path: Path) -> None:
    counts = flips.run_sealed(60, 0, tmp_path)
    assert counts["tried"] == counts["ok"] + counts["refused"] == 60


@pytest.mark.slow
def test_errors_of_runtimes_that_are_not_explained_are_noticed(tmp_path: Path) -> None:
    with guards.unexplained():
        assert flips.run_sealed(50, 0, tmp_path)["traceback"] > 0
