"""Fitting: batches of augmented pictures go in, the best the recipe can do comes out."""

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from temper.split import Part
from train.augment import apply_transforms, draw_transforms
from train.model import backbone_layers
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
    model: keras.Model, pictures: dict[Part, Pictures], recipe: Recipe, watcher: keras.callbacks.Callback
) -> dict[str, list[float]]:
    """Train every layer of the model in place; returns loss, accuracy, val_loss and val_accuracy of each epoch."""
    steps = math.ceil(len(pictures["train"].pixels) / recipe.batch)
    prepare(model, recipe, steps)
    history = model.fit(
        augmented(pictures["train"], recipe),
        validation_data=plain(pictures["val"]),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=[watcher, *early_stopping(recipe)],
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)


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


def augmented(pictures: Pictures, recipe: Recipe) -> tf.data.Dataset:
    """Endless batches, each epoch in a new order and with new changes; what comes depends on the seed alone."""
    size, classes = recipe.size, pictures.targets.shape[1]
    signature = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, 8), tf.float32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((None, classes), tf.float32),
    )
    batches = tf.data.Dataset.from_generator(lambda: _batches(pictures, recipe), output_signature=signature)
    changed = batches.map(
        lambda images, transforms, brightness, targets: (apply_transforms(images, transforms, brightness), targets),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return changed.prefetch(tf.data.AUTOTUNE)


def plain(pictures: Pictures) -> tf.data.Dataset:
    """The pictures as they are, once, in order, in batches."""
    data = tf.data.Dataset.from_tensor_slices((pictures.pixels, pictures.targets))
    return data.batch(EVALUATION_BATCH).prefetch(tf.data.AUTOTUNE)


def _batches(pictures: Pictures, recipe: Recipe) -> Iterator[tuple[NDArray[np.generic], ...]]:
    for epoch in itertools.count():
        random = np.random.default_rng((recipe.seed, epoch))
        order = random.permutation(len(pictures.pixels))
        for start in range(0, len(order), recipe.batch):
            chosen = np.sort(order[start : start + recipe.batch])
            transforms, brightness = draw_transforms(recipe.augmentation, len(chosen), recipe.size, random)
            yield pictures.pixels[chosen], transforms, brightness, pictures.targets[chosen]
