"""Batches of decoded images: augmented anew in each epoch, from any step of the training on."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from train.config import ClassWeights, TrainingConfig
from train.dataset.augmentation import apply_transforms, draw_transforms
from train.dataset.decode import LabeledImages
from train.distillation.loss import with_teacher

EVALUATION_BATCH = 32
# From rows, transforms and brightness factors of a batch to probabilities: train.distillation.teacher.Teacher.
Predict = Callable[[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class _Position:
    """Where the batches begin, and which replicas of all they are for."""

    epoch: int
    step: int
    replicas: range
    n_replicas: int


def augmented_batches(
    images: LabeledImages, config: TrainingConfig, epoch: int = 0, step: int = 0, teacher: Predict | None = None
) -> tf.data.Dataset:
    """Endless batches (pixels, targets, sample weights) from a step of an epoch on.

    Each epoch has a new order and new augmentations; both depend on the seed alone. Under a distribution strategy the
    images of a batch are divided among its replicas. With a teacher, the targets are those of
    `train.distillation.loss.with_teacher`.
    """
    size, columns = config.size, images.targets.shape[1] * (2 if teacher else 1)
    signature = (
        tf.TensorSpec((None, size, size, 3), tf.uint8),
        tf.TensorSpec((None, 8), tf.float32),
        tf.TensorSpec((None,), tf.float32),
        tf.TensorSpec((None, columns), tf.float32),
        tf.TensorSpec((None,), tf.float32),
    )

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        n_replicas = context.num_replicas_in_sync
        own = n_replicas // context.num_input_pipelines
        replicas = range(context.input_pipeline_id * own, (context.input_pipeline_id + 1) * own)
        position = _Position(epoch=epoch, step=step, replicas=replicas, n_replicas=n_replicas)
        batches = tf.data.Dataset.from_generator(
            lambda: _batches(images, config, position, teacher), output_signature=signature
        )
        return batches.map(_augment, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)

    return tf.distribute.get_strategy().distribute_datasets_from_function(pipeline)


def evaluation_batches(images: LabeledImages) -> tf.data.Dataset:
    """The images unchanged, once, in order, in batches; under a strategy each replica gets all of them."""
    signature = tuple(
        tf.TensorSpec((None, *each.shape[1:]), tf.as_dtype(each.dtype)) for each in (images.pixels, images.targets)
    )

    def slices() -> Iterator[tuple[NDArray[np.generic], ...]]:
        for start in range(0, len(images.pixels), EVALUATION_BATCH):
            rows = slice(start, start + EVALUATION_BATCH)
            yield images.pixels[rows], images.targets[rows]

    def pipeline(context: tf.distribute.InputContext) -> tf.data.Dataset:
        # Not from_tensor_slices, which copies all images.
        batches = tf.data.Dataset.from_generator(slices, output_signature=signature)
        # If the images were divided, the last batch could be empty on a replica, and layers fail on an empty batch.
        own = context.num_replicas_in_sync // context.num_input_pipelines
        copies = (
            batches if own == 1 else batches.flat_map(lambda *batch: tf.data.Dataset.from_tensors(batch).repeat(own))
        )
        # Otherwise Keras does not know that this is all, and warns that images are missing.
        known = tf.data.experimental.assert_cardinality(own * math.ceil(len(images.pixels) / EVALUATION_BATCH))
        return copies.apply(known).prefetch(tf.data.AUTOTUNE)

    return tf.distribute.get_strategy().distribute_datasets_from_function(pipeline)


def sample_weights(targets: NDArray[np.float32], class_weights: ClassWeights) -> NDArray[np.float32]:
    """The weight of each image in the loss, float32 [n], 1 on average; "balanced": each label has the same sum."""
    if class_weights == "none":
        return np.ones(len(targets), np.float32)
    counts = targets.sum(axis=0)
    by_label = len(targets) / (np.count_nonzero(counts) * np.maximum(counts, 1))
    weights: NDArray[np.float32] = (targets @ by_label).astype(np.float32)
    return weights


def _augment(
    images: tf.Tensor, transforms: tf.Tensor, brightness: tf.Tensor, targets: tf.Tensor, weights: tf.Tensor
) -> tuple[tf.Tensor, ...]:
    return apply_transforms(images, transforms, brightness), targets, weights


def _batches(
    images: LabeledImages, config: TrainingConfig, position: _Position, teacher: Predict | None
) -> Iterator[tuple[NDArray[np.generic], ...]]:
    weights = sample_weights(images.targets, config.class_weights)
    for epoch in itertools.count(position.epoch):
        random = np.random.default_rng((config.seed, epoch))
        order = random.permutation(len(images.pixels))
        for step, start in enumerate(range(0, len(order), config.batch)):
            chosen = np.sort(order[start : start + config.batch])
            transforms, brightness = draw_transforms(config.augmentation, len(chosen), config.size, random)
            if epoch == position.epoch and step < position.step:
                continue
            # Every replica needs an image: if the last batch has too few, some are used twice.
            places = np.resize(np.arange(len(chosen)), max(len(chosen), position.n_replicas))
            for replica in position.replicas:
                own = places[replica :: position.n_replicas]
                rows, targets = chosen[own], images.targets[chosen[own]]
                if teacher:
                    targets = with_teacher(targets, teacher(rows, transforms[own], brightness[own]))
                yield images.pixels[rows], transforms[own], brightness[own], targets, weights[rows]
