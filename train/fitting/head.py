"""The frozen backbone's way: features once, then a head on them that costs next to nothing."""

import itertools
from collections.abc import Iterator, Sequence

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from temper.dataset.split import Example, Part
from train.config import Say, TrainingConfig
from train.dataset.batches import Pictures, picture_weights
from train.fitting.checkpoint import History
from train.fitting.feature_cache import Features, Forward, Store, extract
from train.fitting.fit import loss_of
from train.fitting.keras_progress import Progress, write_over
from train.fitting.logistic_regression import solve_head

HEAD_LAYERS = ("dense", "dropout", "probabilities")


def find_features(
    forward: Forward,
    pictures: dict[Part, Pictures],
    examples: list[Example],
    recipe: TrainingConfig,
    store: Store,
    say: Say,
) -> dict[Part, Features]:
    """Features of the training part, [passes, n, d], and of the validation part, [1, n, d].

    forward: from `train.fitting.feature_cache.features_of`.
    """
    turns: dict[Part, range] = {"train": range(recipe.passes), "val": range(1)}
    found: dict[Part, Features] = {}
    for part, times in turns.items():
        inside = [each for each in examples if each.part == part]
        found[part] = extract(forward, pictures[part].pixels, inside, times, recipe.augmentation, store, say)
    return found


def fit_head(
    model: keras.Model,
    pictures: dict[Part, Pictures],
    found: dict[Part, Features],
    recipe: TrainingConfig,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Train the model's head in place on the features; returns the history as `train.fitting.fit.fit` does."""
    head = head_of(model)
    if recipe.head == "lbfgs":
        return _solve(head, found, pictures, recipe)
    return _fit(head, found, pictures, recipe, watchers)


def head_of(model: keras.Model) -> keras.Model:
    """The model's own head layers, from features on: what it learns, the model knows."""
    names = {layer.name for layer in model.layers}
    inputs = keras.Input(model.get_layer("features").output.shape[1:])
    x = inputs
    for name in HEAD_LAYERS:
        x = model.get_layer(name)(x) if name in names else x
    return keras.Model(inputs, x, name="head")


def shuffled(
    features: Features, targets: NDArray[np.float32], recipe: TrainingConfig
) -> Iterator[tuple[Features, Features, Features]]:
    """Endless batches of features [passes, n, d] with their targets and weights; epochs take turns with the passes."""
    weights = picture_weights(targets, recipe.class_weights)
    for epoch in itertools.count():
        order = np.random.default_rng((recipe.seed, epoch)).permutation(len(targets))
        for start in range(0, len(order), recipe.batch):
            chosen = order[start : start + recipe.batch]
            yield features[epoch % len(features)][chosen], targets[chosen], weights[chosen]


def _solve(
    head: keras.Model, found: dict[Part, Features], pictures: dict[Part, Pictures], recipe: TrainingConfig
) -> History:
    passes, one_hot = len(found["train"]), pictures["train"].targets
    features, val = found["train"].reshape(-1, found["train"].shape[-1]), found["val"][0]
    weights = np.tile(picture_weights(one_hot, recipe.class_weights), passes)
    targets = np.tile(_smooth(one_hot, recipe), (passes, 1))
    write_over("solving the head ...", last=False)
    solution = solve_head(features, targets, val, pictures["val"].targets, weights)
    head.layers[-1].set_weights([solution.weights, solution.bias])
    loss, accuracy = solution.judge(features, targets)
    val_loss, val_accuracy = solution.judge(val, _smooth(pictures["val"].targets, recipe))
    write_over(f"head solved  accuracy {accuracy:.3f}  val accuracy {val_accuracy:.3f}", last=True)
    return {"accuracy": [accuracy], "loss": [loss], "val_accuracy": [val_accuracy], "val_loss": [val_loss]}


def _smooth(targets: Features, recipe: TrainingConfig) -> Features:
    smoothed: Features = targets * (1 - recipe.label_smoothing) + np.float32(recipe.label_smoothing / targets.shape[1])
    return smoothed


def _fit(
    head: keras.Model,
    found: dict[Part, Features],
    pictures: dict[Part, Pictures],
    recipe: TrainingConfig,
    watchers: Sequence[keras.callbacks.Callback],
) -> History:
    head.compile(keras.optimizers.Adam(recipe.learning_rate), loss_of(recipe), metrics=["accuracy"])
    targets, features = pictures["train"].targets, found["train"]
    shapes = ((None, features.shape[-1]), (None, targets.shape[1]), (None,))
    data = tf.data.Dataset.from_generator(
        lambda: shuffled(features, targets, recipe),
        output_signature=tuple(tf.TensorSpec(s, tf.float32) for s in shapes),
    )
    stopping = []
    if recipe.patience:
        stopping = [keras.callbacks.EarlyStopping("val_loss", patience=recipe.patience, restore_best_weights=True)]
    history = head.fit(
        data.prefetch(tf.data.AUTOTUNE),
        validation_data=(found["val"][0], pictures["val"].targets),
        epochs=recipe.epochs,
        steps_per_epoch=-(-len(targets) // recipe.batch),
        callbacks=[Progress(len(targets), recipe.batch, recipe.epochs), *watchers, *stopping],
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)
