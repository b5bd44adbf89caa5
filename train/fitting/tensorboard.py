"""TensorBoard events: scalars of each epoch for training and for validation."""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

SCALARS = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"), data_class="DATA_CLASS_SCALAR"
)


class EventLog(keras.callbacks.Callback):  # type: ignore[misc]
    """Writes loss and accuracy to folder/train and folder/validation, without the package tensorboard.

    first_epoch: number of epochs of earlier phases.
    """

    def __init__(self, folder: Path, first_epoch: int = 0) -> None:
        super().__init__()
        self._folder, self._first_epoch = folder, first_epoch
        self._writers: dict[str, Any] = {}

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the epoch's scalars."""
        for name, value in (logs or {}).items():
            run = "validation" if name.startswith("val_") else "train"
            if run not in self._writers:
                self._writers[run] = tf.summary.create_file_writer(str(self._folder / run))
            with self._writers[run].as_default():
                tag, step = f"epoch_{name.removeprefix('val_')}", self._first_epoch + epoch + 1
                tf.summary.write(tag, tf.constant(value, tf.float32), step=step, metadata=SCALARS)
            self._writers[run].flush()
