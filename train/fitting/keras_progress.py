"""Live progress: one line that is written over at a terminal, a line an epoch elsewhere."""

import math
import sys
import time
from typing import Any

import keras

REFRESH_SECONDS = 0.2


class Progress(keras.callbacks.Callback):  # type: ignore[misc]
    """Shows epoch, images a second, accuracy and the time left while a model is fitted."""

    def __init__(self, pictures: int, batch: int, epochs: int, first_step: int = 0) -> None:
        super().__init__()
        self._pictures, self._batch, self._epochs, self._skipped = pictures, batch, epochs, first_step
        self._shown = self._started = 0.0
        self._epoch = self._first_step = 0

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clock after the first step, which also compiles."""
        self._epoch = epoch
        if not self._started:
            write_over("compiling the training step ...", last=False)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the line over, a few times a second."""
        now, batch = time.perf_counter(), batch + self._skipped
        if not self._started:
            steps = math.ceil(self._pictures / self._batch)
            self._started, self._first_step = now, self._epoch * steps + batch + 1
        elif now - self._shown > REFRESH_SECONDS:
            self._shown = now
            write_over(self._line(batch + 1, logs or {}), last=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Writes the epoch's line with the validation accuracy."""
        logs = logs or {}
        line = self._line(math.ceil(self._pictures / self._batch), logs)
        write_over(f"{line}  val accuracy {logs.get('val_accuracy', math.nan):.3f}", last=True)
        self._skipped = 0

    def _line(self, batch: int, logs: dict[str, Any]) -> str:
        epochs, steps = self._epochs, math.ceil(self._pictures / self._batch)
        done = self._epoch * steps + batch
        seconds_a_step = (time.perf_counter() - self._started) / max(1, done - self._first_step)
        left = clock(seconds_a_step * (epochs * steps - done))
        return (
            f"epoch {self._epoch + 1}/{epochs}  {min(batch * self._batch, self._pictures):,}/{self._pictures:,}"
            f"  {self._batch / seconds_a_step:.0f} images/s  accuracy {logs.get('accuracy', math.nan):.3f}"
            f"  {left} left"
        )


class Meter:
    """Shows how far decoding and features are, with their rate and the time left; called as `train.config.Say`."""

    def __init__(self) -> None:
        self._what, self._first, self._last = "", 0, 0
        self._started = self._shown = 0.0

    def __call__(self, what: str, done: int, total: int) -> None:
        """Shows the first call of each kind, the last, and a few a second between."""
        now = time.perf_counter()
        if what != self._what or done < self._last:
            self._what, self._first, self._started, self._shown = what, done, now, 0.0
        self._last, last = done, done == total
        if last or now - self._shown > REFRESH_SECONDS:
            self._shown = now
            rate = (done - self._first) / max(1e-9, now - self._started)
            pace = f"  {rate:,.0f} images/s  {clock((total - done) / rate)} left" if rate else ""
            write_over(f"{what}: {done:,} of {total:,}{pace}", last)


def clock(seconds: float) -> str:
    """Minutes and seconds, or hours too."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def write_over(line: str, last: bool) -> None:
    """Show a line in place of the one before; where nobody watches, only the last."""
    if sys.stdout.isatty():
        print(f"\r{line}\x1b[K", end="\n" if last else "", flush=True)
    elif last:
        print(line, flush=True)
