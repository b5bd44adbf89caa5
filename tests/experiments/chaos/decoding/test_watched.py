import os
import sys
import time
from pathlib import Path

import pytest

from experiments.chaos.decoding import watched
from experiments.chaos.decoding.watched import Attack, watch


def faults(corpus: list[Path], seed: int, scratch: Path) -> Attack:
    """One of each outcome, planted."""

    def attack(number: int) -> str:
        if number == 2:
            raise IndexError
        if number == 3:
            os.abort()
        if number == 4:
            end = time.process_time() + 0.05
            while time.process_time() < end:
                pass
        if number == 5:
            print("a warning", file=sys.stderr)
        return {0: "ok", 1: "silent"}.get(number, "refused")

    return attack


@pytest.mark.programs
def test_every_planted_fault_is_noticed_and_the_rest_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watched, "SLOW_SECONDS", 0.04)
    figures = watch(faults, [], 8, 0, tmp_path)
    counted = {name: figures[name] for name in watched.OUTCOMES}
    assert counted == {"ok": 1, "refused": 4, "silent": 1, "traceback": 1, "crash": 1, "slow": 1}
    assert figures["tried"] == 8
    assert figures["stderr"] > len("a warning")
    assert [each.split(":")[0] for each in figures["worst"]] == ["2", "3", "4"]
    assert "IndexError" in figures["worst"][0]
