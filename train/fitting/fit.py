"""Training that changes the backbone, on batches of augmented images."""

import math
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from train.config import Schedule, TrainingConfig
from train.dataset.batches import augmented_batches, evaluation_batches
from train.distillation.loss import DistillationLoss, label_accuracy
from train.fitting.checkpoint import (
    CheckpointCallback,
    CheckpointConfig,
    History,
    TrainingState,
    read_checkpoint,
    restore_variables,
)
from train.fitting.distribute import use_custom_train_step
from train.fitting.keras_progress import KerasProgress
from train.fitting.training_data import TrainingData
from train.network.build import backbone_layers

WARMUP_FRACTION = 0.1
# With Keras' 0.99 it takes thousands of steps until inference uses the statistics that training has.
BATCH_NORM_MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4


def fit(
    model: keras.Model,
    data: TrainingData,
    schedule: Schedule,
    checkpoint: CheckpointConfig,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> History:
    """Train what is trainable, in place; returns loss, accuracy, val_loss and val_accuracy of each epoch.

    Ctrl-C writes a checkpoint after the current step, with several workers after the current epoch, and raises
    KeyboardInterrupt.
    """
    train, config = data.images["train"], data.config
    steps = math.ceil(len(train.pixels) / config.batch)
    compile_model(model, config, schedule, steps)
    if tf.distribute.has_strategy():
        batch = (train.pixels[:1], train.targets[:1], np.ones(1, np.float32))
        use_custom_train_step(model, tf.distribute.get_strategy(), batch)
    saved = read_checkpoint(checkpoint.path) if checkpoint.resume else None
    state = saved.state if saved else TrainingState()
    if saved:
        restore_variables(model, saved.variables)
    elif schedule.include_initial_weights:
        loss = model.evaluate(evaluation_batches(data.images["val"]), verbose=0, return_dict=True)["loss"]
        state.best_loss, state.best_weights = float(loss), model.get_weights()
    saver = CheckpointCallback(checkpoint, state, schedule, steps, saved.metrics if saved else [])
    # It has as many numbers as the model and its optimizer.
    del saved
    with saver.graceful_interrupt():
        while not state.is_over(schedule):
            _fit_epochs(model, data, schedule, state, [*callbacks, saver])
    if state.best_weights:
        model.set_weights(state.best_weights)
    return state.history


def _fit_epochs(
    model: keras.Model,
    data: TrainingData,
    schedule: Schedule,
    state: TrainingState,
    callbacks: list[keras.callbacks.Callback],
) -> None:
    """Finish the epoch that was interrupted, which has fewer steps than the others, or train all epochs."""
    train, config = data.images["train"], data.config
    n_images = len(train.pixels)
    progress = KerasProgress(data.context.progress, n_images, config.batch, schedule.epochs, state.step)
    model.fit(
        augmented_batches(train, config, state.epoch, state.step, data.teacher),
        validation_data=evaluation_batches(data.images["val"]),
        initial_epoch=state.epoch,
        epochs=state.epoch + 1 if state.step else schedule.epochs,
        steps_per_epoch=math.ceil(n_images / config.batch) - state.step,
        callbacks=[progress, *callbacks],
        shuffle=False,
        verbose=0,
    )


def compile_model(model: keras.Model, config: TrainingConfig, schedule: Schedule, steps: int) -> None:
    """Compile with AdamW, whose learning rate rises linearly and falls along a cosine; steps: of an epoch."""
    for layer in backbone_layers(model):
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = BATCH_NORM_MOMENTUM
    total = schedule.epochs * steps
    warmup = max(1, round(WARMUP_FRACTION * total))
    learning_rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(1, total - warmup), warmup_target=schedule.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(learning_rate, weight_decay=WEIGHT_DECAY)
    model.compile(optimizer, loss_of(config), metrics=[label_accuracy()], jit_compile=False)
    # Keras would do it in the first step, whose graph would then be traced a second time.
    optimizer.build(model.trainable_variables)


def loss_of(config: TrainingConfig) -> keras.losses.Loss:
    """Cross-entropy, with the configured label smoothing, and with a teacher the divergence from its predictions."""
    if config.has_teacher:
        return DistillationLoss(config.distillation_weight, config.distillation_temperature, config.label_smoothing)
    return keras.losses.CategoricalCrossentropy(label_smoothing=config.label_smoothing)
