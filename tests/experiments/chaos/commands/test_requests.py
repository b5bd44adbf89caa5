from collections import Counter
from pathlib import Path

import pytest

from experiments.chaos import guards
from experiments.chaos.commands import requests
from experiments.serving import hostile


def test_every_status_is_counted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = {"a": Counter({"400": 3, "200": 2, "500": 1}), "b": Counter({"400": 1, hostile.NOTHING: 4})}
    damage = hostile.Damage(counts=counts, before=10, after=14, crashes=1, predicted=199, wrong=2)
    monkeypatch.setattr(hostile, "measure", lambda *_: damage)
    record = requests.run(11, 0, tmp_path)
    assert (record.tried, record.ok, record.refused) == (211, 199, 4)
    assert (record.traceback, record.silent, record.lost, record.wrong, record.crash) == (1, 4, 1, 2, 1)
    assert record.more == {"growth MiB": 4}


@pytest.mark.slow
@pytest.mark.programs
def test_errors_of_a_decoder_that_are_not_explained_are_noticed(tmp_path: Path) -> None:
    with guards.unrefused_by_server():
        assert requests.run(40, 0, tmp_path).traceback > 0
