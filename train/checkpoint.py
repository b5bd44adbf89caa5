"""Work that survives: the model, its optimizer and its history, written whole at the end of an epoch."""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import Any

import keras

from temper.files import staged
from temper.split import Example
from train.recipe import Recipe

History = dict[str, list[float]]
# Writing takes seconds: a short training is cheaper to repeat.
INTERVAL_SECONDS = 60.0
MODEL, HISTORY = "model.keras", "history.json"


def checkpoint_folder(folder: Path, examples: list[Example], recipe: Recipe) -> Path:
    """Where these pictures and this recipe keep their checkpoint."""
    told = json.dumps([repr(recipe), [(each.sha256, each.label, each.part) for each in examples]])
    return folder / f"checkpoint-{hashlib.sha256(told.encode()).hexdigest()[:16]}"


class Checkpoint(keras.callbacks.Callback):  # type: ignore[misc]
    """Keeps a checkpoint in a folder, at ends of epochs that lie `interval` seconds or more apart."""

    def __init__(self, folder: Path, history: History, interval: float = INTERVAL_SECONDS) -> None:
        super().__init__()
        self._folder, self._interval = folder, interval
        self._history = {name: list(values) for name, values in history.items()}
        self._kept_at = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Notes the epoch and, when it is time, writes all."""
        for name, value in (logs or {}).items():
            self._history.setdefault(name, []).append(float(value))
        if time.perf_counter() - self._kept_at >= self._interval:
            with staged(self._folder) as target:
                target.mkdir()
                self.model.save(target / MODEL)
                (target / HISTORY).write_text(json.dumps(self._history), encoding="utf-8")
            self._kept_at = time.perf_counter()


def read_checkpoint(folder: Path) -> tuple[keras.Model, History] | None:
    """The compiled model and the history of its epochs, or None where no checkpoint is."""
    if not (folder / MODEL).exists():
        return None
    history: History = json.loads((folder / HISTORY).read_text(encoding="utf-8"))
    return keras.saving.load_model(folder / MODEL), history


def forget_checkpoint(folder: Path) -> None:
    """Remove a checkpoint that is no longer needed."""
    shutil.rmtree(folder, ignore_errors=True)
