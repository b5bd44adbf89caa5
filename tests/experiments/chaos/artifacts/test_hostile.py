from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.artifacts import hostile

# Those of files of any format come last, and hash gigabytes.
SOME = 40


def test_hostile_artifacts_are_refused_and_take_little_memory(tmp_path: Path) -> None:
    counts = hostile.run(SOME, 0, tmp_path)
    assert (counts["refused"], counts["examples"]) == (SOME, [])
    assert counts["peak_mib"] < 512


@pytest.mark.slow
def test_every_hostile_artifact_is_refused(tmp_path: Path) -> None:
    counts = hostile.run(len(hostile.CASES), 0, tmp_path)
    assert (counts["refused"], counts["examples"]) == (len(hostile.CASES), [])


def test_there_are_a_hundred_different_ones() -> None:
    assert len({(each.attack, each.target) for each in hostile.CASES}) == len(hostile.CASES) >= 100


def test_without_the_checks_the_suite_notices(tmp_path: Path) -> None:
    with guards.unguarded():
        assert hostile.run(2, 0, tmp_path)["silent"] == 2
