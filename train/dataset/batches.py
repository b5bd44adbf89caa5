"""Batches: decoded pictures, newly augmented each epoch, from any step of the training on."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.config import ClassWeights, TrainingConfig
from train.dataset.augmentation import apply_transforms, draw_transforms

EVALUATION_BATCH = 32


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures, uint8 [n, size, size, 3], and their labels one-hot, float32 [n, classes]."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.float32]


def augmented(pictures: Pictures, recipe: TrainingConfig, epoch: int = 0, step: int = 0) -> tf.data.Dataset:
    """Endless batches from a step of an epoch on, each epoch in a new order and with new changes.

    What comes depends on the seed alone. Under a distribution strategy a batch is shared out among its replicas.
    """
    size, classes = recipe.size, pictures.targets.shape[1]
    signature = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, 8), tf.float32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((None, classes), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        replicas = context.num_replicas_in_sync
        own = replicas // context.num_input_pipelines
        mine = range(context.input_pipeline_id * own, (context.input_pipeline_id + 1) * own)
        batches = tf.data.Dataset.from_generator(
            lambda: _batches(pictures, recipe, epoch, step, mine, replicas), output_signature=signature
        )
        return batches.map(_changed, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    return tf.distribute.get_strategy().distribute_datasets_from_function(pipeline)


def plain(pictures: Pictures) -> tf.data.Dataset:
    """The pictures as they are, once, in order, in batches; under a strategy each replica sees them all."""

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        batches = tf.data.Dataset.from_tensor_slices((pictures.pixels, pictures.targets)).batch(EVALUATION_BATCH)
        # Shared out, the last batch could leave a replica without any, which layers do not bear.
        own = context.num_replicas_in_sync // context.num_input_pipelines
        copies = (
            batches if own == 1 else batches.flat_map(lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(own))
        )
        return copies.prefetch(tf.data.AUTOTUNE)

    return tf.distribute.get_strategy().distribute_datasets_from_function(pipeline)


def picture_weights(targets: NDArray[np.float32], weighting: ClassWeights) -> NDArray[np.float32]:
    """What each picture counts in the loss, float32 [n], 1 on average; "balanced" makes every label's sum equal."""
    if weighting == "none":
        return np.ones(len(targets), np.float32)
    counts = targets.sum(axis=0)
    shares = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    weights: NDArray[np.float32] = (targets @ shares).astype(np.float32)
    return weights


def _changed(
    images: tf.Tensor, transforms: tf.Tensor, brightness: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    return apply_transforms(images, transforms, brightness), targets, weights


def _batches(
    pictures: Pictures, recipe: TrainingConfig, epoch: int, step: int, mine: range, replicas: int
) -> Iterator[tuple[NDArray[np.generic], ...]]:
    weights = picture_weights(pictures.targets, recipe.class_weights)
    for number in itertools.count(epoch):
        random = np.random.default_rng((recipe.seed, number))
        order = random.permutation(len(pictures.pixels))
        for index, start in enumerate(range(0, len(order), recipe.batch)):
            chosen = np.sort(order[start : start + recipe.batch])
            drawn = draw_transforms(recipe.augmentation, len(chosen), recipe.size, random)
            if number == epoch and index < step:
                continue
            # No replica goes without: what a last small batch lacks is shown twice.
            places = np.resize(np.arange(len(chosen)), max(len(chosen), replicas))
            for replica in mine:
                own = places[replica::replicas]
                rows = chosen[own]
                yield pictures.pixels[rows], drawn[0][own], drawn[1][own], pictures.targets[rows], weights[rows]
