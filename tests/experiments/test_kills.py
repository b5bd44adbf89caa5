from pathlib import Path

import pytest

from experiments.kills import Kill, Training, lost_steps, parse, run


def kill(epoch: int, step: int) -> Kill:
    return Kill(seconds=1.0, epoch=epoch, step=step)


def test_steps_are_lost_when_a_kill_moves_the_checkpoint_back() -> None:
    assert lost_steps([kill(0, 5), kill(1, 0), kill(1, 0), kill(2, 3)], steps=10) == [0, 0, 0, 0]
    assert lost_steps([kill(1, 2), kill(0, 9), kill(1, 0)], steps=10) == [0, 3, 0]
    assert lost_steps([], steps=10) == []


def test_a_checkpoint_is_searched_in_the_work_folder_of_the_training(tmp_path: Path) -> None:
    training = Training(data=tmp_path, out=tmp_path / "model.keras", epochs=1)
    assert training.checkpoints() == []
    (tmp_path / ".training").mkdir()
    (tmp_path / ".training" / "checkpoint-0.npz").touch()
    assert [path.name for path in training.checkpoints()] == ["checkpoint-0.npz"]


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    run(parse(["--kills", "2", "--out", str(tmp_path / "kills.md")]))
    text = (tmp_path / "kills.md").read_text()
    assert "2 kills, 0 steps lost, 0 scratch files and checkpoints left at the end" in text
    assert "difference of any weight: 0." in text
