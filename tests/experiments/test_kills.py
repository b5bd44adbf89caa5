from pathlib import Path

import pytest

from experiments.killed_training import Kill, KillReport
from experiments.kills import parse, run


def report(*positions: tuple[int, int]) -> KillReport:
    kills = [Kill(seconds=1.0, epoch=epoch, step=step) for epoch, step in positions]
    return KillReport(steps=10, kills=kills, history_difference=0.0, weight_difference=0.0, leftovers=[])


def test_steps_are_lost_when_a_kill_moves_the_checkpoint_back() -> None:
    assert report((0, 5), (1, 0), (1, 0), (2, 3)).lost_by_kill == [0, 0, 0, 0]
    assert report((1, 2), (0, 9), (1, 0)).lost_by_kill == [0, 3, 0]
    assert report((1, 2), (0, 9), (1, 0)).lost_steps == 3
    assert report().lost_by_kill == []


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    run(parse(["--kills", "2", "--out", str(tmp_path / "kills.md")]))
    text = (tmp_path / "kills.md").read_text()
    assert "Kills: 2. Steps lost: 0. Scratch files and checkpoints left at the end: 0." in text
    assert "difference of any weight: 0" in text
