"""Work that survives: everything a training is at one step, written whole, so that it goes on as if never stopped."""

import hashlib
import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from temper.dataset.split import Example
from temper.storage.atomic import atomic_write
from train.config import TrainingConfig

History = dict[str, list[float]]
Arrays = list[NDArray[np.generic]]
# Writing takes about a second: a training that is shorter than this is cheaper to repeat.
INTERVAL_SECONDS = 60.0


@dataclass
class State:
    """Where a training stands: `step` steps into `epoch`, with its history, its best epoch and all its variables.

    waited: epochs since the best validation loss. variables: of the model and its optimizer, as read from a file.
    """

    epoch: int = 0
    step: int = 0
    history: History = field(default_factory=dict)
    best_loss: float = float("inf")
    waited: int = 0
    best: Arrays = field(default_factory=list)
    variables: Arrays = field(default_factory=list)
    metrics: Arrays = field(default_factory=list)


def checkpoint_path(folder: Path, examples: list[Example], recipe: TrainingConfig) -> Path:
    """Where these pictures and this recipe keep their checkpoint."""
    told = json.dumps([repr(recipe), [(each.sha256, each.label, each.part) for each in examples]])
    return folder / f"checkpoint-{hashlib.sha256(told.encode()).hexdigest()[:16]}.npz"


def write_state(path: Path | None, model: keras.Model, state: State) -> None:
    """Write a model being fitted and its state as one file: the old one or the new one is there, never a part.

    path: None only gathers, which takes all workers where there are several.
    """
    told = {name: getattr(state, name) for name in ("epoch", "step", "history", "best_loss", "waited")}
    groups = {
        "variables": _values(_variables(model)),
        "metrics": _values(model.metrics_variables) if state.step else [],
        "best": state.best,
    }
    arrays = {f"{name}/{index}": each for name, group in groups.items() for index, each in enumerate(group)}
    if path:
        with atomic_write(path) as target, target.open("wb") as stream:
            np.savez(stream, told=np.array(json.dumps(told)), **arrays)  # type: ignore[arg-type]


def read_state(path: Path) -> State | None:
    """What was written, or None where nothing was."""
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as file:

        def group(name: str) -> Arrays:
            return [file[f"{name}/{index}"] for index in range(sum(key.startswith(f"{name}/") for key in file.files))]

        told: dict[str, Any] = json.loads(str(file["told"]))
        return State(**told, best=group("best"), variables=group("variables"), metrics=group("metrics"))


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps the state of a fit up to date, and a file of it, every `interval` seconds and when asked to stop.

    path: None where another worker writes. steps: of an epoch. together: workers on several machines, which can
    read their variables together only, at the end of an epoch.
    """

    def __init__(
        self, path: Path | None, state: State, steps: int, together: bool = False, interval: float = INTERVAL_SECONDS
    ) -> None:
        super().__init__()
        self._together = together
        self._path, self._state, self._steps, self._interval = path, state, steps, interval
        self._written_at = time.perf_counter()
        self._first_step, self._metrics = state.step, state.metrics
        self.stop_asked = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the step; when it is time, writes all."""
        if self._metrics:
            # They exist only now: what was counted before the interruption is added.
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign_add(value)
            self._metrics = []
        self._state.step = self._first_step + batch + 1
        if self._state.step < self._steps and not self._together:
            self._write_if_due()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch and its history; when it is time, writes all."""
        for name, value in (logs or {}).items():
            self._state.history.setdefault(name, []).append(float(value))
        self._state.epoch, self._state.step, self._first_step = epoch + 1, 0, 0
        self._write_if_due()

    def _write_if_due(self) -> None:
        due = self.stop_asked or time.perf_counter() - self._written_at >= self._interval
        if due or self._together:
            write_state(self._path if due else None, self.model, self._state)
        if due:
            self._written_at = time.perf_counter()
        if self.stop_asked:
            raise KeyboardInterrupt

    @contextmanager
    def stops_politely(self) -> Iterator[None]:
        """Inside, Ctrl-C stops after the step that is being computed, with everything written; twice stops at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(_: int, frame: FrameType | None) -> None:
            if self.stop_asked:
                raise KeyboardInterrupt
            self.stop_asked = True
            print("\nstopping after this step ...", flush=True)

        before = signal.signal(signal.SIGINT, ask)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


class KeepBest(keras.callbacks.Callback):  # type: ignore[misc]
    """Notes the weights of the best validation loss; after `patience` epochs without a better one, training ends."""

    def __init__(self, state: State, patience: int) -> None:
        super().__init__()
        self._state, self._patience = state, patience

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Compares the epoch."""
        loss = float((logs or {})["val_loss"])
        self._state.waited += 1
        if loss < self._state.best_loss:
            self._state.best_loss, self._state.waited, self._state.best = loss, 0, self.model.get_weights()
        if is_over(self._state, self._patience):
            self.model.stop_training = True


def is_over(state: State, patience: int) -> bool:
    """True when validation has not gained for `patience` epochs; never for 0."""
    return 0 < patience <= state.waited


def restore(model: keras.Model, state: State) -> None:
    """Set the variables of a compiled model to those of a state that was read."""
    for variable, value in zip(_variables(model), state.variables, strict=True):
        variable.assign(value)
    state.variables = []


def _variables(model: keras.Model) -> list[Any]:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _values(variables: list[Any]) -> Arrays:
    return [keras.ops.convert_to_numpy(each) for each in variables]
