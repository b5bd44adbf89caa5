"""Fitting through the backbone: batches of augmented pictures go in, the best the recipe can do comes out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from temper.dataset.split import Part
from train.config import FINE_TUNE_SHARE, TrainingConfig
from train.dataset.batches import Pictures, augmented, plain
from train.fitting.checkpoint import Checkpoint, History, KeepBest, State, is_over, read_state, restore
from train.fitting.distribute import several_machines, step_together
from train.fitting.keras_progress import Progress
from train.network.build import backbone_layers

WARM_UP = 0.1
# Keras' 0.99 needs thousands of steps before evaluation sees what training sees.
BATCH_NORM_MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4


@dataclass(frozen=True)
class Course:
    """How often all pictures are shown, at which highest rate, and whether the best epoch's weights return.

    counts_start: the weights as they were before the first epoch may be the best.
    """

    epochs: int
    rate: float
    keeps_best: bool
    counts_start: bool = False


def whole_course(recipe: TrainingConfig) -> Course:
    """Every layer learns from the start."""
    return Course(recipe.epochs, recipe.learning_rate, keeps_best=bool(recipe.patience))


def fine_course(recipe: TrainingConfig) -> Course:
    """The top blocks are adjusted to a head that has learnt."""
    return Course(recipe.fine_tune, recipe.learning_rate * FINE_TUNE_SHARE, keeps_best=True, counts_start=True)


@dataclass(frozen=True)
class Keep:
    """Where the checkpoint lies, whether to go on from what is there, and whether this worker is the one to write."""

    path: Path
    resume: bool = False
    writes: bool = True


def fit(
    model: keras.Model,
    pictures: dict[Part, Pictures],
    recipe: TrainingConfig,
    course: Course,
    keep: Keep,
    watchers: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Train what is trainable, in place; returns loss, accuracy, val_loss and val_accuracy of each epoch.

    Ctrl-C writes a checkpoint after the running step and raises KeyboardInterrupt.
    """
    count = len(pictures["train"].pixels)
    steps = math.ceil(count / recipe.batch)
    prepare(model, recipe, course, steps)
    if tf.distribute.has_strategy():
        some = pictures["train"]
        step_together(model, tf.distribute.get_strategy(), (some.pixels[:1], some.targets[:1], np.ones(1, np.float32)))
    state = (read_state(keep.path) if keep.resume else None) or State()
    if state.variables:
        restore(model, state)
    elif course.counts_start:
        loss = model.evaluate(plain(pictures["val"]), verbose=0, return_dict=True)["loss"]
        state.best_loss, state.best = float(loss), model.get_weights()
    checkpoint = Checkpoint(keep.path if keep.writes else None, state, steps, several_machines())
    best = [KeepBest(state, recipe.patience)] if course.keeps_best else []
    with checkpoint.stops_politely():
        while state.epoch < course.epochs and not is_over(state, recipe.patience):
            # An epoch that was interrupted is finished by itself: it has fewer steps than the others.
            last = state.epoch + 1 if state.step else course.epochs
            model.fit(
                augmented(pictures["train"], recipe, state.epoch, state.step),
                validation_data=plain(pictures["val"]),
                initial_epoch=state.epoch,
                epochs=last,
                steps_per_epoch=steps - state.step,
                callbacks=[Progress(count, recipe.batch, course.epochs, state.step), *watchers, *best, checkpoint],
                shuffle=False,
                verbose=0,
            )
    if state.best:
        model.set_weights(state.best)
    return state.history


def prepare(model: keras.Model, recipe: TrainingConfig, course: Course, steps: int) -> None:
    """Compile: AdamW along a warm-up and a cosine."""
    for layer in backbone_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    total = course.epochs * steps
    warm_up = max(1, round(WARM_UP * total))
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warm_up), warmup_target=course.rate, warmup_steps=warm_up
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, loss_of(recipe), metrics=["accuracy"], jit_compile=False)


def loss_of(recipe: TrainingConfig) -> keras.losses.Loss:
    """Cross-entropy, with the recipe's label smoothing."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
