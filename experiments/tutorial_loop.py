"""The tutorial's own way to train: pictures are augmented and sent through the frozen backbone at every step."""

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

BATCH, DENSE, DROPOUT, RATE = 8, 256, 0.5, 1e-4

# Decoded pictures [n, s, s, 3] and their label indices [n].
Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def run_loop(
    weights: Path, parts: dict[str, Arrays], steps: int, epochs: int, target: int | None
) -> tuple[NDArray[np.bool_], list[tuple[float, int]]]:
    """Fit a head through a frozen ResNet50; which held-out answers are wrong, and (seconds, right in val) by epoch.

    weights: of a ResNet50 without top. steps: of an epoch, 8 pictures each. It ends at the first epoch with `target`
    validation pictures right, if that is given.
    """
    import keras
    import tensorflow as tf

    shape, caffe = parts["train"][0].shape[1:], keras.applications.resnet50.preprocess_input
    keras.utils.set_random_seed(0)
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=shape)
    backbone.load_weights(weights)
    backbone.trainable = False
    pooled = keras.layers.Flatten()(keras.layers.AveragePooling2D(backbone.output.shape[1:3])(backbone.output))
    hidden = keras.layers.Dropout(DROPOUT)(keras.layers.Dense(DENSE, activation="relu")(pooled))
    model = keras.Model(backbone.input, keras.layers.Dense(2, activation="softmax")(hidden))
    model.compile(keras.optimizers.Adam(RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    ready: dict[str, tuple[Any, Any]] = {name: (caffe(x.astype("float32")), y) for name, (x, y) in parts.items()}
    augment = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=25, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1, shear_range=0.2,
        horizontal_flip=True, fill_mode="nearest",
    )  # fmt: skip
    batches, spent, started = augment.flow(*ready["train"], batch_size=BATCH, seed=0), [], time.perf_counter()
    endless = iter(lambda: next(batches), None)
    data = tf.data.Dataset.from_generator(
        lambda: endless,
        output_signature=(tf.TensorSpec((None, *shape)), tf.TensorSpec((None,), tf.int64)),
    ).prefetch(tf.data.AUTOTUNE)
    for _ in range(epochs):
        model.fit(data, steps_per_epoch=steps, epochs=1, verbose=0)
        accuracy = model.evaluate(*ready["val"], verbose=0)[1]
        spent.append((time.perf_counter() - started, round(accuracy * len(ready["val"][1]))))
        print(f"{steps} steps an epoch: {spent[-1][0]:.1f} s, validation {accuracy:.3f}", flush=True)
        if target is not None and spent[-1][1] >= target:
            break
    return model.predict(ready["test"][0], verbose=0).argmax(axis=1) != ready["test"][1], spent
