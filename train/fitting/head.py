"""Training with a frozen backbone: features are computed once, then a head is trained on them in seconds."""

import itertools
import logging
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from temper.dataset.split import Subset
from train.config import TrainingConfig
from train.dataset.batches import sample_weights
from train.dataset.decode import allocate
from train.distillation.loss import label_accuracy, with_teacher
from train.fitting.checkpoint import History
from train.fitting.feature_cache import FeatureExtractor, Features
from train.fitting.fit import loss_of
from train.fitting.keras_progress import KerasProgress
from train.fitting.logistic_regression import solve_head
from train.fitting.training_data import TrainingData
from train.network.build import HEAD_LAYERS

LOGGER = logging.getLogger("temper.train")


def compute_features(extractor: FeatureExtractor, data: TrainingData) -> dict[Subset, Features]:
    """Features of the training subset, [passes, n, d], and of the validation subset, [1, n, d]."""
    passes: dict[Subset, int] = {"train": data.config.augmentation_passes, "val": 1}
    return {subset: _extract(extractor, data, subset, count) for subset, count in passes.items()}


def original_features(extractor: FeatureExtractor, data: TrainingData, features: dict[Subset, Features]) -> Features:
    """Features [n, d] of all images without augmentation, in the order of the examples.

    features: from `compute_features`; those of the test subset are added. A large array is mapped from a file.
    """
    subsets = [features["train"][0], features["val"][0], _extract(extractor, data, "test", 1)[0]]
    return np.concatenate(subsets, out=allocate((len(data.examples), subsets[0].shape[1]), np.dtype(np.float32)))


def _extract(extractor: FeatureExtractor, data: TrainingData, subset: Subset, passes: int) -> Features:
    examples = [each for each in data.examples if each.subset == subset]
    return extractor.extract(data.images[subset].pixels, examples, passes)


def fit_head(
    model: keras.Model,
    data: TrainingData,
    features: dict[Subset, Features],
    callbacks: Sequence[keras.callbacks.Callback] = (),
    teacher: Features | None = None,
) -> History:
    """Train the model's head in place on the features; returns the history as `train.fitting.fit.fit` does.

    teacher: its predictions for the images of each pass, [passes, n, classes].
    """
    head = head_of(model)
    if data.config.head == "lbfgs":
        return _solve(head, data, features, teacher)
    return _fit(head, data, features, callbacks, teacher)


def head_of(model: keras.Model) -> keras.Model:
    """A model of the same head layers, from the features on; training it trains the layers of the model."""
    names = {layer.name for layer in model.layers}
    inputs = keras.Input(model.get_layer("features").output.shape[1:])
    x = inputs
    for name in HEAD_LAYERS:
        x = model.get_layer(name)(x) if name in names else x
    return keras.Model(inputs, x, name="head")


def feature_batches(
    features: Features, targets: NDArray[np.float32], config: TrainingConfig, teacher: Features | None = None
) -> Iterator[tuple[Features, Features, Features]]:
    """Endless batches of features [passes, n, d] with targets and sample weights; epochs alternate between passes.

    teacher: see `fit_head`; then the targets are those of `train.distillation.loss.with_teacher`.
    """
    weights = sample_weights(targets, config.class_weights)
    for epoch in itertools.count():
        order = np.random.default_rng((config.seed, epoch)).permutation(len(targets))
        augmentation_pass = epoch % len(features)
        learned = targets if teacher is None else with_teacher(targets, teacher[augmentation_pass])
        for start in range(0, len(order), config.batch):
            chosen = order[start : start + config.batch]
            yield features[augmentation_pass][chosen], learned[chosen], weights[chosen]


def _solve(
    head: keras.Model, data: TrainingData, features: dict[Subset, Features], teacher: Features | None
) -> History:
    config, train, val = data.config, data.images["train"].targets, data.images["val"].targets
    train_features, val_features = features["train"], features["val"][0]

    def for_each_pass(array: Features) -> Features:
        return np.broadcast_to(array, (len(train_features), *array.shape))

    labels, weight = for_each_pass(_smooth(train, config)), np.float32(config.distillation_weight)
    # At temperature 1 both cross-entropies together are that with the weighted mean of both targets.
    targets = labels if teacher is None else (1 - weight) * labels + weight * teacher
    data.context.progress("computing the optimum of the head", 0, 0)
    solution = solve_head(
        train_features, targets, val_features, val, for_each_pass(sample_weights(train, config.class_weights))
    )
    head.layers[-1].set_weights([solution.weights, solution.bias])
    loss, _ = solution.evaluate(train_features, targets)
    _, accuracy = solution.evaluate(train_features, labels)
    val_loss, val_accuracy = solution.evaluate(val_features, _smooth(val, config))
    LOGGER.info("optimum of the head: accuracy %.3f, validation accuracy %.3f", accuracy, val_accuracy)
    return {"accuracy": [accuracy], "loss": [loss], "val_accuracy": [val_accuracy], "val_loss": [val_loss]}


def _smooth(targets: Features, config: TrainingConfig) -> Features:
    smoothed: Features = targets * (1 - config.label_smoothing) + np.float32(config.label_smoothing / targets.shape[1])
    return smoothed


def _fit(
    head: keras.Model,
    data: TrainingData,
    features: dict[Subset, Features],
    callbacks: Sequence[keras.callbacks.Callback],
    teacher: Features | None,
) -> History:
    config, targets, train_features = data.config, data.images["train"].targets, features["train"]
    optimizer = keras.optimizers.Adam(config.learning_rate)
    head.compile(optimizer, loss_of(config), metrics=[label_accuracy()])
    # As in `train.fitting.fit.compile_model`.
    optimizer.build(head.trainable_variables)
    columns = targets.shape[1] if teacher is None else 2 * targets.shape[1]
    shapes = ((None, train_features.shape[-1]), (None, columns), (None,))
    batches = tf.data.Dataset.from_generator(
        lambda: feature_batches(train_features, targets, config, teacher),
        output_signature=tuple(tf.TensorSpec(shape, tf.float32) for shape in shapes),
    )
    stopping = []
    if config.patience:
        stopping = [keras.callbacks.EarlyStopping("val_loss", patience=config.patience, restore_best_weights=True)]
    progress = KerasProgress(data.context.progress, len(targets), config.batch, config.epochs)
    history = head.fit(
        batches.prefetch(tf.data.AUTOTUNE),
        validation_data=(features["val"][0], data.images["val"].targets),
        epochs=config.epochs,
        steps_per_epoch=-(-len(targets) // config.batch),
        callbacks=[progress, *callbacks, *stopping],
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)
