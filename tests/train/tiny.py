"""A tiny backbone, real in every part, known as keras.applications.Tiny and as "tiny" to --backbone.

Run as a program it is train/run.py with this backbone, for tests that start trainings and interrupt them:
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
SECONDS_A_STEP = 0.02


def build(include_top: bool, weights: None, input_tensor: Any = None) -> keras.Model:
    """Convolutions with BatchNorm and a residual: 16 features from 32 pixels or more, BGR input like ResNet50."""
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
    """Make the backbone known to train/."""
    keras.applications.Tiny = build
    BACKBONES[NAME] = Backbone(
        application="Tiny",
        mean=(120.0, 118.0, 110.0),
        deviation=(60.0, 60.0, 60.0),
        top=r"conv5_",
        bgr_convolution="conv1_conv",
        residual_norm_suffix="_3_bn",
    )


class Slow(keras.callbacks.Callback):  # type: ignore[misc]
    """Makes a step take long enough to be interrupted."""

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Waits."""
        time.sleep(SECONDS_A_STEP)


def main() -> None:
    """Run train/run.py slowly, with a checkpoint after every step, on as many devices as the environment names."""
    from train.fitting import checkpoint, strategies

    add_tiny()
    if devices := int(os.environ.get("TEMPER_TEST_DEVICES", "0")):
        parts = [tf.config.LogicalDeviceConfiguration()] * devices
        tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], parts)
    # A training of seconds would otherwise end before its first checkpoint.
    checkpoint.INTERVAL_SECONDS = 0.0
    callbacks = strategies._callbacks
    strategies._callbacks = lambda *arguments: [*callbacks(*arguments), Slow()]
    runpy.run_path(str(Path(__file__).parents[2] / "train" / "run.py"), run_name="__main__")
    sys.exit(1)


if __name__ == "__main__":
    main()
