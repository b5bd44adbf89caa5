from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.publications import kills

pytestmark = pytest.mark.programs


def test_a_killed_publication_leaves_the_old_or_the_new_artifact(tmp_path: Path) -> None:
    record = kills.run(20, 1, tmp_path)
    assert (record.tried, record.ok, record.failures) == (20, 20, 0)
    assert record.more["killed"] >= 10


@pytest.mark.parametrize("fault", [planted.IN_PLACE, planted.ONE_BY_ONE])
def test_a_publication_with_a_fault_is_noticed(tmp_path: Path, fault: str) -> None:
    with planted.planted(fault):
        assert kills.run(40, 1, tmp_path).lost > 0
