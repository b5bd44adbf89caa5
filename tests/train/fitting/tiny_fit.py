"""A training of seconds that can be stopped at any step, for the tests of this folder."""

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from temper.cli.progress import ProgressCallback, no_progress
from tests.train import tiny
from train.config import TrainingConfig
from train.dataset.decode import LabeledImages
from train.fitting import checkpoint
from train.fitting import fit as fitting
from train.fitting.checkpoint import CheckpointCallback, CheckpointConfig
from train.fitting.training_data import TrainingContext, TrainingData
from train.network.build import build_model

CONFIG = TrainingConfig(
    weights="none",
    trainable="all",
    size=32,
    epochs=4,
    batch=4,
    learning_rate=1e-2,
    hidden_units=8,
    backbone="tiny",
    patience=2,
)
SCHEDULE = CONFIG.schedule()
# Ten images to train on, in batches of four.
STEPS = 3


class Killed(Exception):
    """Stands for kill -9 at the end of a step."""


def network(hidden_units: int = 8) -> keras.Model:
    """A network with everything that a checkpoint contains: BatchNorm, random state of dropout, AdamW's moments."""
    tiny.add_tiny()
    keras.utils.set_random_seed(0)
    return build_model(2, 32, hidden_units=hidden_units, backbone="tiny")


def small_data(folder: Path, progress: ProgressCallback = no_progress, **changes: Any) -> TrainingData:
    """Ten random images to train on, four to validate and four to test; changes: of CONFIG."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (18, 32, 32, 3), dtype=np.uint8)
    targets = np.eye(2, dtype=np.float32)[np.arange(18) % 2]
    return TrainingData(
        labels=("cat", "dog"),
        images={
            "train": LabeledImages(pixels[:10], targets[:10]),
            "val": LabeledImages(pixels[10:14], targets[10:14]),
            "test": LabeledImages(pixels[14:], targets[14:]),
        },
        examples=[],
        config=dataclasses.replace(CONFIG, **changes),
        context=TrainingContext(
            work=folder, checkpoint=CheckpointConfig(path=folder / "checkpoint.npz"), progress=progress
        ),
    )


def keep_checkpoints(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step write a checkpoint, and copy what a kill after `step` steps would leave to `folder`/`step`.npz."""

    class Copying(CheckpointCallback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if self._path and self._path.exists():
                shutil.copy(self._path, folder / f"{self._state.epoch * STEPS + self._state.step}.npz")
            super().on_train_batch_end(batch, logs)

    monkeypatch.setattr(checkpoint, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(fitting, "CheckpointCallback", Copying)


def kill_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step write a checkpoint, and the one after `step` steps raise Killed."""

    class Killing(CheckpointCallback):
        def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
            if self._state.epoch * STEPS + self._state.step == step:
                raise Killed
            super().on_train_batch_end(batch, logs)

    monkeypatch.setattr(checkpoint, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(fitting, "CheckpointCallback", Killing)
