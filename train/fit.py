"""Fitting: batches of augmented pictures go in, the best the recipe can do comes out."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from temper.split import Part
from train.augment import apply_transforms, draw_transforms
from train.checkpoint import Checkpoint, History, read_checkpoint
from train.model import backbone_layers
from train.progress import Progress
from train.recipe import Recipe

EVALUATION_BATCH = 32
WARM_UP = 0.1
# Keras' 0.99 needs thousands of steps before evaluation sees what training sees.
BATCH_NORM_MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, uint8 [n, size, size, 3], and their labels one-hot, float32 [n, classes]."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.float32]


def fit(
    model: keras.Model, pictures: dict[Part, Pictures], recipe: Recipe, keep: Path, resume: bool = False
) -> tuple[keras.Model, History]:
    """Train every layer; returns the model and loss, accuracy, val_loss and val_accuracy of each epoch.

    keep: folder of the checkpoint; with `resume` the training goes on from there, if one is there.
    """
    count = len(pictures["train"].pixels)
    steps = math.ceil(count / recipe.batch)
    kept = read_checkpoint(keep) if resume else None
    if kept:
        model, history = kept
    else:
        prepare(model, recipe, steps)
        history = {}
    start = len(history.get("loss", []))
    more = model.fit(
        augmented(pictures["train"], recipe, start),
        validation_data=plain(pictures["val"]),
        initial_epoch=start,
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=[
            Reseed(recipe.seed),
            Progress(count, recipe.batch),
            *early_stopping(recipe),
            Checkpoint(keep, history),
        ],
        shuffle=False,
        verbose=0,
    )
    return model, {name: history.get(name, []) + values for name, values in more.history.items()} or history


class Reseed(keras.callbacks.Callback):  # type: ignore[misc]
    """Sets dropout's random state by seed and epoch: a .keras file does not keep it, and a resumed run needs it."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Sets the state before an epoch."""
        for layer in self.model.layers:
            if generator := getattr(layer, "seed_generator", None):
                generator.state.assign([self._seed, epoch])


def early_stopping(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """Stop when validation no longer gains and return to the best weights; nothing when patience is 0."""
    if not recipe.patience:
        return []
    return [keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)]


def prepare(model: keras.Model, recipe: Recipe, steps: int) -> None:
    """Every layer learns, by AdamW along a warm-up and a cosine."""
    for layer in backbone_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    total = recipe.epochs * steps
    warm_up = max(1, round(WARM_UP * total))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm_up), warmup_target=recipe.learning_rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, "categorical_crossentropy", metrics=["accuracy"], jit_compile=False)


def augmented(pictures: Pictures, recipe: Recipe, first_epoch: int = 0) -> tf.data.Dataset:
    """Endless batches, each epoch in a new order and with new changes; what comes depends on the seed alone."""
    size, classes = recipe.size, pictures.targets.shape[1]
    signature = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, 8), tf.float32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((None, classes), tf.float32),
    )
    batches = tf.data.Dataset.from_generator(
        lambda: _batches(pictures, recipe, first_epoch), output_signature=signature
    )
    changed = batches.map(
        lambda images, transforms, brightness, targets: (apply_transforms(images, transforms, brightness), targets),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return changed.prefetch(tf.data.AUTOTUNE)


def plain(pictures: Pictures) -> tf.data.Dataset:
    """The pictures as they are, once, in order, in batches."""
    data = tf.data.Dataset.from_tensor_slices((pictures.pixels, pictures.targets))
    return data.batch(EVALUATION_BATCH).prefetch(tf.data.AUTOTUNE)


def _batches(pictures: Pictures, recipe: Recipe, first_epoch: int) -> Iterator[tuple[NDArray[np.generic], ...]]:
    for epoch in itertools.count(first_epoch):
        random = np.random.default_rng((recipe.seed, epoch))
        order = random.permutation(len(pictures.pixels))
        for start in range(0, len(order), recipe.batch):
            chosen = np.sort(order[start : start + recipe.batch])
            transforms, brightness = draw_transforms(recipe.augmentation, len(chosen), recipe.size, random)
            yield pictures.pixels[chosen], transforms, brightness, pictures.targets[chosen]
