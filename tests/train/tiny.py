"""A tiny backbone, real in every part, known as keras.applications.Tiny and as "tiny" to --backbone.

Run as a program it is the door of train/ that knows it, for tests that kill it:
  python -m tests.train.tiny --backbone tiny --data …
"""

import os
import runpy
import sys
import time
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from train.network.backbones import BACKBONES, Backbone

NAME = "tiny"


def build(include_top: bool, weights: None, input_tensor: Any = None) -> keras.Model:
    """Convolutions with BatchNorm and a residual: 16 features from 32 pixels or more, reversed input like ResNet50."""
    assert not include_top
    assert weights is None
    layers = keras.layers
    inputs = keras.Input((None, None, 3)) if input_tensor is None else input_tensor
    x = layers.Conv2D(8, 5, strides=4, name="conv1_conv")(inputs)
    x = layers.BatchNormalization(name="conv1_bn")(x)
    x = layers.ReLU(name="conv1_relu")(x)
    y = layers.Conv2D(8, 3, padding="same", name="conv5_1_conv")(x)
    y = layers.BatchNormalization(name="conv5_1_3_bn")(y)
    x = layers.ReLU(name="conv5_relu")(layers.Add(name="conv5_add")([x, y]))
    x = layers.Conv2D(16, 1, activation="relu", name="conv5_2_conv")(x)
    return keras.Model(keras.utils.get_source_inputs(inputs), x)


def add_tiny() -> None:
    """Let train/ know the backbone."""
    keras.applications.Tiny = build
    BACKBONES[NAME] = Backbone(
        "Tiny", (120.0, 118.0, 110.0), (60.0, 60.0, 60.0), r"conv5_", reversed_input="conv1_conv", last_scale="_3_bn"
    )


class Slow(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes a step take long enough to be killed in."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Waits."""
        time.sleep(0.02)


if __name__ == "__main__":
    from train.fitting import checkpoint
    from train.fitting import strategies as learn

    add_tiny()
    if devices := int(os.environ.get("TEMPER_TEST_DEVICES", "0")):
        halves = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], halves)
    # Every step: what is between two checkpoints of a real training is too short here.
    checkpoint.Checkpoint.__init__.__defaults__ = (False, 0.0)
    watchers = learn._watchers
    learn._watchers = lambda *told: [*watchers(*told), Slow()]
    runpy.run_path(str(Path(__file__).parents[2] / "train" / "run.py"), run_name="__main__")
    sys.exit(1)
