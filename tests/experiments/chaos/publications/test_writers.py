from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.publications import writers

pytestmark = pytest.mark.programs


def test_two_writers_and_a_reader_never_see_a_mixture(tmp_path: Path) -> None:
    record = writers.run(60, 1, tmp_path)
    assert (record.tried, record.ok, record.failures) == (6, 6, 0)
    assert record.more == {"publications": 60, "failed reads": 0}


def test_a_publication_without_a_lock_is_noticed(tmp_path: Path) -> None:
    with planted.one_by_one():
        assert writers.run(60, 1, tmp_path).failures > 0
