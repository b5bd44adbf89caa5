"""Live progress: one line that is written over at a terminal, a line an epoch elsewhere."""

import math
import sys
import time
from typing import Any

import keras

REFRESH_SECONDS = 0.2


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows epoch, images a second, accuracy and the time left while a model is fitted."""

    def __init__(self, pictures: int, batch: int) -> None:
        super().__init__()
        self._pictures, self._batch = pictures, batch
        self._alive = sys.stdout.isatty()
        self._shown = self._started = 0.0
        self._epoch = self._first_step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock after the first step, which also compiles."""
        self._epoch = epoch
        if not self._started:
            self._write("compiling the training step ...", last=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the line over, a few times a second."""
        now = time.perf_counter()
        if not self._started:
            steps = math.ceil(self._pictures / self._batch)
            self._started, self._first_step = now, self._epoch * steps + batch + 1
        elif now - self._shown > REFRESH_SECONDS:
            self._shown = now
            self._write(self._line(batch + 1, logs or {}), last=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the epoch's line with the validation accuracy."""
        logs = logs or {}
        line = self._line(math.ceil(self._pictures / self._batch), logs)
        self._write(f"{line}  val accuracy {logs.get('val_accuracy', math.nan):.3f}", last=True)

    def _line(self, batch: int, logs: dict[str, Any]) -> str:
        epochs, steps = self.params["epochs"], math.ceil(self._pictures / self._batch)
        done = self._epoch * steps + batch
        seconds_a_step = (time.perf_counter() - self._started) / max(1, done - self._first_step)
        left_seconds = round(seconds_a_step * (epochs * steps - done))
        return (
            f"epoch {self._epoch + 1}/{epochs}  {min(batch * self._batch, self._pictures):,}/{self._pictures:,}"
            f"  {self._batch / seconds_a_step:.0f} images/s  accuracy {logs.get('accuracy', math.nan):.3f}"
            f"  {left_seconds // 60}:{left_seconds % 60:02} left"
        )

    def _write(self, line: str, last: bool) -> None:
        if self._alive:
            print(f"\r{line}\x1b[K", end="\n" if last else "", flush=True)
        elif last:
            print(line, flush=True)
