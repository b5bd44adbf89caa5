from pathlib import Path

import keras
import numpy as np
import pytest

from tests.train.fitting.tiny_fit import network, small_data
from train.config import Schedule
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.fit import fit
from train.network.build import freeze_below_top

pytestmark = pytest.mark.tensorflow


def test_the_graph_of_a_step_is_traced_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[object] = []
    step = keras.Model.train_step

    def count(self: keras.Model, *arguments: object) -> object:
        traced.append(self)
        return step(self, *arguments)

    monkeypatch.setattr(keras.Model, "train_step", count)
    checkpoint = CheckpointConfig(path=tmp_path / "checkpoint.npz")
    fit(network(), small_data(tmp_path), Schedule(epochs=1, learning_rate=1e-3), checkpoint)
    assert len(traced) == 1


def test_fine_tuning_changes_only_the_top_and_never_ends_worse_than_it_began(tmp_path: Path) -> None:
    data = small_data(tmp_path, trainable="head", learning_rate=1.0, fine_tune=2, patience=0)
    model = network()
    freeze_below_top(model, "tiny")
    before = {layer.name: layer.get_weights() for layer in model.layers}
    pixels, targets = data.images["val"].pixels, data.images["val"].targets
    loss = keras.losses.CategoricalCrossentropy()
    initial = float(loss(targets, model(pixels, training=False)))
    changes: list[float] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            kernel = model.get_layer("conv5_1_conv").get_weights()[0]
            changes.append(float(np.abs(kernel - before["conv5_1_conv"][0]).max()))

    checkpoint = CheckpointConfig(path=tmp_path / "checkpoint.npz")
    history = fit(model, data, data.config.fine_tuning_schedule(), checkpoint, [Watch()])
    assert changes[-1] > 1e-3
    for name in ("conv1_conv", "conv1_bn", "conv5_1_3_bn"):
        for a, b in zip(before[name], model.get_layer(name).get_weights(), strict=True):
            assert np.array_equal(a, b), name
    final = float(loss(targets, model(pixels, training=False)))
    assert np.isclose(final, min(initial, *history["val_loss"]), atol=1e-5)
