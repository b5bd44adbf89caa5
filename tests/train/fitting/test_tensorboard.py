from pathlib import Path

import pytest
import tensorflow as tf

from train.fitting.tensorboard import EventLog

pytestmark = pytest.mark.tensorflow


def events_in(folder: Path) -> list[tuple[str, int, float]]:
    """Tag, step and value of each scalar."""
    (file,) = folder.iterdir()
    records = (tf.compat.v1.Event.FromString(each.numpy()) for each in tf.data.TFRecordDataset(str(file)))
    return [
        (value.tag, event.step, float(tf.make_ndarray(value.tensor)))
        for event in records
        for value in event.summary.value
    ]


def test_scalars_of_training_and_validation_have_the_same_tag_and_continue_earlier_epochs(tmp_path: Path) -> None:
    log = EventLog(tmp_path, first_epoch=2)
    log.on_epoch_end(0, {"loss": 1.0, "val_loss": 2.0})
    log.on_epoch_end(1, {"loss": 0.5, "val_loss": 1.5})
    assert events_in(tmp_path / "train") == [("epoch_loss", 3, 1.0), ("epoch_loss", 4, 0.5)]
    assert events_in(tmp_path / "validation") == [("epoch_loss", 3, 2.0), ("epoch_loss", 4, 1.5)]
