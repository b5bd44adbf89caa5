from pathlib import Path

import pytest

from tests.train.fitting.tiny_fit import Killed, kill_after, network, small_data
from train.config import Schedule
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.fit import fit
from train.fitting.keras_progress import COMPILING, TRAINING

pytestmark = pytest.mark.tensorflow
SCHEDULE = Schedule(epochs=2, learning_rate=1e-3)


def test_images_of_all_epochs_are_reported_and_accuracies_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[tuple[str, int, int]] = []
    data = small_data(tmp_path, lambda *call: calls.append(call))
    with caplog.at_level("INFO", "temper.train"):
        fit(network(), data, SCHEDULE, CheckpointConfig(path=tmp_path / "checkpoint.npz"))
    assert calls[:2] == [(COMPILING, 0, 0), (COMPILING, 1, 1)]
    assert [done for _, done, _ in calls[2:]] == [4, 8, 10, 14, 18, 20]
    assert {(step, total) for step, _, total in calls[2:]} == {(TRAINING, 20)}
    assert [message.partition(":")[0] for message in caplog.messages] == ["epoch 1/2", "epoch 2/2"]
    assert "validation accuracy 0." in caplog.text


def test_a_resumed_training_reports_the_images_before_the_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[str, int, int]] = []
    checkpoint = CheckpointConfig(path=tmp_path / "checkpoint.npz", resume=True)
    kill_after(2, monkeypatch)
    with pytest.raises(Killed):
        fit(network(), small_data(tmp_path), SCHEDULE, checkpoint)
    monkeypatch.undo()
    fit(network(), small_data(tmp_path, lambda *call: calls.append(call)), SCHEDULE, checkpoint)
    assert [done for step, done, _ in calls if step == TRAINING] == [10, 14, 18, 20]
