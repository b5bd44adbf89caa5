"""Make models as users of Keras have them. Started by table.py.

tutorial   ResNet50 without its top, pooling, Dense, Dropout, Dense; as the tutorial builds it; .h5
depthwise  a small network of depthwise convolutions with one sigmoid output; .h5 of Keras 2 (tf-keras)
signature  the same network in Keras 3 with two softmax outputs, as a SavedModel
"""

import argparse
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser
from temper.cli.entry_point import run_command

EPOCHS, BATCH, RATE = 40, 32, 3e-3
HEAD_EPOCHS, HIDDEN, DROPOUT = 20, 256, 0.5


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__)
    parser.add_argument("kind", choices=("tutorial", "depthwise", "signature"))
    parser.add_argument("data", type=Path, help="a folder with train/LABEL")
    parser.add_argument("target", type=Path, help="the file or folder that is written")
    parser.add_argument("--size", type=int, default=64, metavar="PIXELS")
    parser.add_argument("--weights", type=Path, metavar="FILE", help="of the ResNet50 without its top")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Train a model and save it."""
    images, truth = load_train(options.data, options.size)
    if options.kind == "tutorial":
        tutorial(images, truth, options.weights).save(options.target)
        return 0
    if options.kind == "depthwise":
        import tf_keras as keras
    else:
        import keras
    model = depthwise(keras, images, truth, outputs=1 if options.kind == "depthwise" else 2)
    if options.kind == "depthwise":
        model.save(options.target)
    else:
        model.export(options.target, verbose=False)
    return 0


def load_train(folder: Path, size: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The images of train/, float32 [n, size, size, 3] from 0 to 255, and their labels."""
    from temper.images import labeled_images, load_images

    pairs = labeled_images(folder / "train")
    labels = sorted({label for _, label in pairs})
    pixels = np.stack(list(load_images((path for path, _ in pairs), size)))
    return pixels.astype(np.float32), np.array([labels.index(label) for _, label in pairs])


def tutorial(images: NDArray[np.float32], truth: NDArray[np.int64], weights: Path | None) -> Any:
    """The model of the tutorial; its head is fitted on features, which gives the same as through the frozen layers."""
    import keras

    layers = keras.layers
    backbone = keras.applications.ResNet50(include_top=False, weights=None, input_shape=images.shape[1:])
    if weights:
        backbone.load_weights(weights)
    pooled = layers.Flatten()(layers.AveragePooling2D(backbone.output.shape[1:3])(backbone.output))
    features = keras.Model(backbone.input, pooled).predict(
        keras.applications.resnet50.preprocess_input(images), batch_size=BATCH, verbose=0
    )
    head = [layers.Dense(HIDDEN, activation="relu"), layers.Dropout(DROPOUT), layers.Dense(2, activation="softmax")]
    alone = keras.Sequential([keras.Input(features.shape[1:]), *head])
    alone.compile(keras.optimizers.Adam(1e-3), "sparse_categorical_crossentropy")
    alone.fit(features, truth, epochs=HEAD_EPOCHS, batch_size=BATCH, verbose=0)
    outputs = pooled
    for layer in head:
        outputs = layer(outputs)
    return keras.Model(backbone.input, outputs)


def depthwise(keras: Any, images: NDArray[np.float32], truth: NDArray[np.int64], outputs: int) -> Any:
    """Depthwise convolutions with BatchNorm and ReLU6, as a model in a model; pixels from -1 to 1."""
    layers = keras.layers
    size = images.shape[1]
    inputs = keras.Input((size, size, 3))
    x = inputs
    for width in (16, 32, 64):
        x = layers.Conv2D(width, 1, use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU(6.0)(x)
        x = layers.DepthwiseConv2D(3, strides=2, padding="same", use_bias=False)(x)
        x = layers.BatchNormalization(momentum=0.9)(x)
        x = layers.ReLU(6.0)(x)
    inside = keras.Model(inputs, x, name="features")
    activation, loss = ("sigmoid", "binary") if outputs == 1 else ("softmax", "sparse_categorical")
    head = [layers.GlobalAveragePooling2D(), layers.Dropout(0.2), layers.Dense(outputs, activation=activation)]
    model = keras.Sequential([keras.Input((size, size, 3)), inside, *head])
    model.compile(keras.optimizers.Adam(RATE), f"{loss}_crossentropy")
    model.fit(images / 127.5 - 1, truth, epochs=EPOCHS, batch_size=BATCH, verbose=0)
    return model


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
