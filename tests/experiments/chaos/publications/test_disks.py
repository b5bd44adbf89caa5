from pathlib import Path

import pytest

from experiments.chaos import planted
from experiments.chaos.publications import disks
from tests.experiments.chaos.suites import run_suite

pytestmark = pytest.mark.programs


@pytest.mark.parametrize("is_mountable", [True, False])
def test_without_space_the_old_artifact_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_mountable: bool
) -> None:
    if not is_mountable:
        monkeypatch.setattr(disks, "_mount", lambda *_: False)
    record = disks.run(10, 1, tmp_path)
    assert (record.tried, record.failures) == (10, 0)
    assert record.refused > 0


def test_a_publication_in_place_is_noticed() -> None:
    assert run_suite("full disks", 120, planted.IN_PLACE)["lost"] > 0
