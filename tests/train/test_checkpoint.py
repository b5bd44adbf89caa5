from pathlib import Path

import keras
import numpy as np
import pytest

from temper.split import Part
from train import fit as fitting
from train.checkpoint import Checkpoint, checkpoint_folder, read_checkpoint
from train.fit import Pictures, fit
from train.recipe import Recipe

pytestmark = pytest.mark.tensorflow
RECIPE = Recipe(weights="none", layers="all", size=32, epochs=4, batch=4, learning_rate=1e-3, dense=8)


class Killed(Exception):
    """Stands for kill -9 at the end of an epoch."""


def network() -> keras.Model:
    """A network with all that must survive: BatchNorm's statistics, dropout's random state, AdamW's moments."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential([
        keras.Input((32, 32, 3), dtype="uint8"), layers.Rescaling(1 / 255), layers.Conv2D(4, 3, strides=4),
        layers.BatchNormalization(), layers.GlobalAveragePooling2D(name="pool"), layers.Dropout(0.5),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip


@pytest.fixture
def pictures() -> dict[Part, Pictures]:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (14, 32, 32, 3), dtype=np.uint8)
    targets = np.eye(2, dtype=np.float32)[np.arange(14) % 2]
    return {"train": Pictures(pixels[:10], targets[:10]), "val": Pictures(pixels[10:], targets[10:])}


@pytest.mark.parametrize("killed_after", [1, 2, 3])
def test_a_resumed_training_reproduces_the_uninterrupted_one(
    pictures: dict[Part, Pictures], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed_after: int
) -> None:
    whole, history = fit(network(), pictures, RECIPE, tmp_path / "whole")

    class Killing(Checkpoint):
        def __init__(self, folder: Path, history: dict[str, list[float]]) -> None:
            super().__init__(folder, history, interval=0)

        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            super().on_epoch_end(epoch, logs)
            if epoch + 1 == killed_after:
                raise Killed

    monkeypatch.setattr(fitting, "Checkpoint", Killing)
    with pytest.raises(Killed):
        fit(network(), pictures, RECIPE, tmp_path / "kept")
    monkeypatch.undo()
    resumed, told = fit(network(), pictures, RECIPE, tmp_path / "kept", resume=True)
    for name, values in history.items():
        assert np.allclose(told[name], values, atol=1e-5)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-5)


def test_short_trainings_keep_no_checkpoint(pictures: dict[Part, Pictures], tmp_path: Path) -> None:
    fit(network(), pictures, RECIPE, tmp_path / "kept")
    assert read_checkpoint(tmp_path / "kept") is None


def test_another_recipe_has_another_checkpoint(tmp_path: Path) -> None:
    other = Recipe(weights="none", layers="all", size=32, epochs=5, batch=4, learning_rate=1e-3, dense=8)
    assert checkpoint_folder(tmp_path, [], RECIPE) != checkpoint_folder(tmp_path, [], other)
