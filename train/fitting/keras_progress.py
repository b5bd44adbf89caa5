"""Progress of Keras' fit: images on the progress display, accuracies as a log line for each epoch."""

import logging
import math
from typing import Any

import keras

from temper.cli.progress import ProgressCallback

LOGGER = logging.getLogger("temper.train")


COMPILING, TRAINING = "compiling", "training (images)"


class KerasProgress(keras.callbacks.Callback):  # type: ignore[misc]
    """Reports images of all epochs together, so that the time left is that of the training.

    n_images: of an epoch. first_step: of the first epoch, which was interrupted there.
    """

    def __init__(self, progress: ProgressCallback, n_images: int, batch: int, epochs: int, first_step: int = 0) -> None:
        super().__init__()
        self._progress, self._n_images, self._batch, self._epochs = progress, n_images, batch, epochs
        self._first_step, self._epoch = first_step, 0
        self._is_compiled = False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Shows that the training step is compiled."""
        self._progress(COMPILING, 0, 0)

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Stores the epoch, which batches do not know."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Reports the images so far; the last ones are reported with the end of their epoch."""
        if not self._is_compiled:
            self._progress(COMPILING, 1, 1)
            self._is_compiled = True
        done = (self._first_step + batch + 1) * self._batch
        if done < self._n_images:
            self._report(done)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Logs the accuracies and reports the epoch's images."""
        accuracy, validation = ((logs or {}).get(name, math.nan) for name in ("accuracy", "val_accuracy"))
        LOGGER.info(
            "epoch %d/%d: accuracy %.3f, validation accuracy %.3f", epoch + 1, self._epochs, accuracy, validation
        )
        self._first_step = 0
        self._report(self._n_images)

    def _report(self, done: int) -> None:
        self._progress(TRAINING, self._epoch * self._n_images + done, self._epochs * self._n_images)
