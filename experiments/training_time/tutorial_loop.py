"""The tutorial's own training loop: at every step images are augmented and sent through the frozen backbone."""

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.dataset.split import Subset
from temper.runners.keras import import_keras

LOGGER = logging.getLogger("temper.experiments")
BATCH, HIDDEN_UNITS, DROPOUT, LEARNING_RATE = 8, 256, 0.5, 1e-4

# Decoded images, uint8 [n, s, s, 3], and their label indices [n].
Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Loop:
    """steps: in an epoch, BATCH images each. target: correct validation images that end the training; 0 for none."""

    steps: int
    max_epochs: int
    target: int = 0


@dataclass(frozen=True, kw_only=True)
class LoopResult:
    """epochs: for each one the seconds since the start, and how many validation images are correct after it.

    is_wrong: which test images are misclassified at the end, bool [n].
    """

    epochs: list[tuple[float, int]]
    is_wrong: NDArray[np.bool_]


def run_loop(weights: Path, subsets: Mapping[Subset, Arrays], loop: Loop) -> LoopResult:
    """Fit a head through a frozen ResNet50; weights: of a ResNet50 without its top. subsets: train, val and test."""
    keras = import_keras()
    keras.utils.set_random_seed(0)
    shape = subsets["train"][0].shape[1:]
    model = _build(weights, shape)
    preprocess = keras.applications.resnet50.preprocess_input
    inputs: dict[str, tuple[Any, Any]] = {
        name: (preprocess(x.astype("float32")), y) for name, (x, y) in subsets.items()
    }
    started = time.perf_counter()
    epochs: list[tuple[float, int]] = []
    batches = _augmented_batches(*inputs["train"])
    while len(epochs) < loop.max_epochs:
        model.fit(batches, steps_per_epoch=loop.steps, epochs=1, verbose=0)
        accuracy = model.evaluate(*inputs["val"], verbose=0)[1]
        epochs.append((time.perf_counter() - started, round(accuracy * len(inputs["val"][1]))))
        LOGGER.info("%s steps an epoch: %.1f s, validation accuracy %.3f", loop.steps, epochs[-1][0], accuracy)
        if 0 < loop.target <= epochs[-1][1]:
            break
    is_wrong = model.predict(inputs["test"][0], verbose=0).argmax(axis=1) != inputs["test"][1]
    return LoopResult(epochs=epochs, is_wrong=is_wrong)


def _build(weights: Path, shape: tuple[int, ...]) -> Any:
    keras = import_keras()
    layers = keras.layers
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=shape)
    backbone.load_weights(weights)
    backbone.trainable = False
    pooled = layers.Flatten()(layers.AveragePooling2D(backbone.output.shape[1:3])(backbone.output))
    hidden = layers.Dropout(DROPOUT)(layers.Dense(HIDDEN_UNITS, activation="relu")(pooled))
    model = keras.Model(backbone.input, layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _augmented_batches(images: NDArray[np.float32], targets: NDArray[np.int64]) -> Any:
    """An endless tf.data.Dataset that goes on where it was when the next epoch begins."""
    import tensorflow as tf

    augmentation = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=25, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1, shear_range=0.2,
        horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    batches = augmentation.flow(images, targets, batch_size=BATCH, seed=0)

    def generate() -> Iterator[Any]:
        while True:
            yield next(batches)

    signature = (tf.TensorSpec((None, *images.shape[1:])), tf.TensorSpec((None,), tf.int64))
    return tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(tf.data.AUTOTUNE)
