"""The frozen backbone's way: features once, then a head on them that costs next to nothing."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from temper.split import Example, Part
from train.features import Features, Store, extract
from train.fit import Pictures, early_stopping
from train.recipe import Recipe, Say
from train.solve import solve_head

HEAD_LAYERS = ("dense", "dropout", "probabilities")


def fit_head(
    model: keras.Model, pictures: dict[Part, Pictures], examples: list[Example], recipe: Recipe, folder: Path, say: Say
) -> dict[str, list[float]]:
    """Train the model's head in place on features kept below `folder`; returns the history as `train.fit.fit` does."""
    store = Store(folder / recipe.features_key())
    turns: dict[Part, range] = {"train": range(recipe.passes), "val": range(1)}
    found: dict[Part, Features] = {}
    for part, times in turns.items():
        inside = [each for each in examples if each.part == part]
        found[part] = extract(model, pictures[part].pixels, inside, times, recipe.augmentation, store, say)
    head = head_of(model)
    head.compile(keras.optimizers.Adam(recipe.learning_rate), "categorical_crossentropy", metrics=["accuracy"])
    if recipe.head == "lbfgs":
        return _solve(head, found, pictures)
    return _fit(head, found, pictures, recipe)


def head_of(model: keras.Model) -> keras.Model:
    """The model's own head layers, from features on: what it learns, the model knows."""
    names = {layer.name for layer in model.layers}
    inputs = keras.Input(model.get_layer("features").output.shape[1:])
    x = inputs
    for name in HEAD_LAYERS:
        x = model.get_layer(name)(x) if name in names else x
    return keras.Model(inputs, x, name="head")


def _solve(head: keras.Model, found: dict[Part, Features], pictures: dict[Part, Pictures]) -> dict[str, list[float]]:
    passes = len(found["train"])
    features = found["train"].reshape(-1, found["train"].shape[-1])
    targets = np.tile(pictures["train"].targets, (passes, 1))
    val = (found["val"][0], pictures["val"].targets)
    solution = solve_head(features, targets, *val)
    head.layers[-1].set_weights([solution.weights, solution.bias])
    loss, accuracy = head.evaluate(features, targets, batch_size=len(features), verbose=0)
    val_loss, val_accuracy = head.evaluate(*val, batch_size=len(val[0]), verbose=0)
    return {"accuracy": [accuracy], "loss": [loss], "val_accuracy": [val_accuracy], "val_loss": [val_loss]}


def _fit(
    head: keras.Model, found: dict[Part, Features], pictures: dict[Part, Pictures], recipe: Recipe
) -> dict[str, list[float]]:
    targets, features = pictures["train"].targets, found["train"]
    steps = -(-len(targets) // recipe.batch)
    signature = (
        tf.TensorSpec((None, features.shape[-1]), tf.float32),
        tf.TensorSpec((None, targets.shape[1]), tf.float32),
    )

    def batches() -> Iterator[tuple[Features, Features]]:
        for epoch in range(recipe.epochs):
            order = np.random.default_rng((recipe.seed, epoch)).permutation(len(targets))
            for start in range(0, len(order), recipe.batch):
                chosen = order[start : start + recipe.batch]
                yield features[epoch % recipe.passes][chosen], targets[chosen]

    history = head.fit(
        tf.data.Dataset.from_generator(batches, output_signature=signature).prefetch(tf.data.AUTOTUNE),
        validation_data=(found["val"][0], pictures["val"].targets),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=early_stopping(recipe),
        shuffle=False,
        verbose=0,
    )
    return dict(history.history)
