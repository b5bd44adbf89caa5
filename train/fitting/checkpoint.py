"""Checkpoints: the complete state of a training at one step, so that it continues as if it had not been stopped."""

import hashlib
import json
import logging
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from temper.dataset.split import Example
from temper.errors import ArtifactError
from temper.storage.atomic import atomic_write
from temper.system.interrupts import requested_stop
from train.config import Schedule, TrainingConfig
from train.fitting.distribute import is_multi_worker

LOGGER = logging.getLogger("temper.train")
History = dict[str, list[float]]
Arrays = list[NDArray[np.generic]]
# Writing takes about a second: a training that is shorter than this is cheaper to repeat.
INTERVAL_SECONDS = 60.0
# What reading a damaged archive of arrays raises.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, TypeError, LookupError)


@dataclass(frozen=True, kw_only=True)
class CheckpointConfig:
    """Where the checkpoint is, whether to continue from it, and whether this worker is the one that writes it."""

    path: Path
    resume: bool = False
    is_writer: bool = True


@dataclass(kw_only=True)
class TrainingState:
    """The position of a training, `step` steps into `epoch`, with its history and its best epoch.

    epochs_without_gain: since the lowest validation loss. best_weights: of that epoch; empty where they are not needed.
    """

    epoch: int = 0
    step: int = 0
    history: History = field(default_factory=dict)
    best_loss: float = float("inf")
    epochs_without_gain: int = 0
    best_weights: Arrays = field(default_factory=list)

    def end_epoch(self, logs: dict[str, Any]) -> None:
        """Add an epoch's metrics to the history and go to the next epoch."""
        for name, value in logs.items():
            self.history.setdefault(name, []).append(float(value))
        self.epoch, self.step = self.epoch + 1, 0

    def update_best(self, loss: float, model: keras.Model) -> None:
        """Store the model's weights if the validation loss is lower than before."""
        self.epochs_without_gain += 1
        if loss < self.best_loss:
            self.best_loss, self.epochs_without_gain, self.best_weights = loss, 0, model.get_weights()

    def is_over(self, schedule: Schedule) -> bool:
        """True after the last epoch, and when patience is exhausted."""
        return self.epoch >= schedule.epochs or 0 < schedule.patience <= self.epochs_without_gain


@dataclass(frozen=True, kw_only=True)
class SavedState:
    """The content of a checkpoint; variables: of the model and its optimizer; metrics: variables of the metrics."""

    state: TrainingState
    variables: Arrays
    metrics: Arrays


def checkpoint_path(folder: Path, examples: list[Example], config: TrainingConfig) -> Path:
    """Where the checkpoint of these images and this configuration is."""
    key = json.dumps([repr(config), [(each.sha256, each.label, each.subset) for each in examples]])
    return folder / f"checkpoint-{hashlib.sha256(key.encode()).hexdigest()[:16]}.npz"


def write_checkpoint(path: Path | None, model: keras.Model, state: TrainingState) -> None:
    """Write a model that is being trained, and the state, to one file, atomically.

    path: None only gathers the variables, in which all workers have to take part.
    """
    groups = {
        "variables": _values(_variables(model)),
        "metrics": _values(model.metrics_variables) if state.step else [],
        "best_weights": state.best_weights,
    }
    arrays = {f"{name}/{index}": each for name, group in groups.items() for index, each in enumerate(group)}
    if path:
        position = {name: value for name, value in vars(state).items() if name != "best_weights"}
        with atomic_write(path) as target, target.open("wb") as stream:
            np.savez(stream, state=np.array(json.dumps(position)), **arrays)  # type: ignore[arg-type]


def read_checkpoint(path: Path) -> SavedState | None:
    """The content of a checkpoint, or None where there is none. Raises ArtifactError for a damaged one."""
    if not path.exists():
        return None
    try:
        with np.load(path, allow_pickle=False) as file:

            def group(name: str) -> Arrays:
                count = sum(key.startswith(f"{name}/") for key in file.files)
                return [file[f"{name}/{index}"] for index in range(count)]

            state = TrainingState(**json.loads(str(file["state"])), best_weights=group("best_weights"))
            return SavedState(state=state, variables=group("variables"), metrics=group("metrics"))
    except DAMAGE:
        raise ArtifactError(
            f"the checkpoint {path} is damaged",
            fix="The same command with --force, and without --resume, starts again.",
        ) from None


def restore_variables(model: keras.Model, variables: Arrays) -> None:
    """Set the variables of a compiled model and its optimizer to those of a checkpoint."""
    for variable, value in zip(_variables(model), variables, strict=True):
        variable.assign(value)


class CheckpointCallback(keras.callbacks.Callback):  # type: ignore[misc]
    """Updates a training's state after each step, with the best weights after each epoch, and writes checkpoints.

    One callback does all of this, because a checkpoint must contain the best weights of the epoch that just ended: with
    two callbacks this would depend on their order.
    steps: of an epoch. metrics: values that the metrics had at the interruption.
    """

    def __init__(
        self, config: CheckpointConfig, state: TrainingState, schedule: Schedule, steps: int, metrics: Arrays
    ) -> None:
        super().__init__()
        self._path = config.path if config.is_writer else None
        self._state, self._schedule, self._steps, self._metrics = state, schedule, steps, metrics
        # Workers on several machines can read their variables together only, at the end of an epoch.
        self._at_epochs_only = is_multi_worker()
        self._written_at = time.perf_counter()
        self._first_step = state.step
        self.stop_requested = False

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Updates the step and writes a checkpoint when one is due."""
        if self._metrics:
            # The metrics' variables exist only now: add what was counted before the interruption.
            for variable, value in zip(self.model.metrics_variables, self._metrics, strict=True):
                variable.assign_add(value)
            self._metrics = []
        self._state.step = self._first_step + batch + 1
        if self._state.step < self._steps and not self._at_epochs_only:
            self._write_if_due()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Updates history, best weights and epoch, and writes a checkpoint when one is due."""
        logs = logs or {}
        self._state.end_epoch(logs)
        self._first_step = 0
        if self._schedule.restore_best:
            self._state.update_best(float(logs["val_loss"]), self.model)
        if self._state.is_over(self._schedule):
            self.model.stop_training = True
        self._write_if_due()

    def _write_if_due(self) -> None:
        due = self.stop_requested or time.perf_counter() - self._written_at >= INTERVAL_SECONDS
        if due or self._at_epochs_only:
            write_checkpoint(self._path if due else None, self.model, self._state)
        if due:
            self._written_at = time.perf_counter()
        if self.stop_requested:
            raise KeyboardInterrupt

    @contextmanager
    def graceful_interrupt(self) -> Iterator[None]:
        """Inside, Ctrl-C or SIGTERM stops after the current step (with several workers: epoch), with a checkpoint.

        A second signal stops at once. A step that takes longer than a command may (temper.system.interrupts) is not
        waited for: then the checkpoint that was written before remains.
        """

        def request_stop() -> None:
            self.stop_requested = True
            LOGGER.info("stopping after this %s", "epoch" if self._at_epochs_only else "step")

        # Several workers must end together, however long their epoch takes.
        with requested_stop(request_stop, has_limit=not self._at_epochs_only):
            yield


def _variables(model: keras.Model) -> list[Any]:
    if not model.optimizer.built:
        model.optimizer.build(model.trainable_variables)
    return [*model.variables, *model.optimizer.variables]


def _values(variables: list[Any]) -> Arrays:
    return [keras.ops.convert_to_numpy(each) for each in variables]
