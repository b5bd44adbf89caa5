"""The network: one graph from uint8 pixels to probabilities, of Keras' own layers only.

A backbone's preprocessing is inside: Rescaling centres and divides in RGB order, and where weights expect BGR the
first convolution's kernel is flipped along its input channels, so no layer has to swap channels.
"""

import contextlib
import inspect
import math
import re
import socket
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np

from temper.errors import UserError
from train.network.backbones import BACKBONES

PATIENCE_SECONDS = 20


def build_model(
    classes: int, size: int, dense: int = 256, dropout: float = 0.5, backbone: str = "resnet50"
) -> keras.Model:
    """A backbone with the tutorial's head: uint8 RGB [n, size, size, 3] → float32 probabilities [n, classes].

    dense: units of the hidden layer; 0 leaves it and its dropout out.
    """
    chosen = BACKBONES[backbone]
    inputs = keras.Input((size, size, 3), dtype="uint8", name="image")
    scale = [1 / each for each in chosen.deviation]
    offset = [-mean / each for mean, each in zip(chosen.mean, chosen.deviation, strict=True)]
    # In float32, where the backbone computes in bfloat16 too: its means would be rounded by a third of a step.
    pixels = keras.layers.Rescaling(
        1.0 if set(scale) == {1.0} else scale, offset=offset, name="normalize", dtype="float32"
    )(inputs)
    x = _application(backbone, None, input_tensor=pixels).output
    # From here on it is float32 again: it costs nothing.
    x = keras.layers.AveragePooling2D(x.shape[1:3], name="pool", dtype="float32")(x)
    x = keras.layers.Flatten(name="features", dtype="float32")(x)
    if dense:
        x = keras.layers.Dense(dense, activation="relu", name="dense", dtype="float32")(x)
        x = keras.layers.Dropout(dropout, name="dropout", dtype="float32")(x)
    outputs = keras.layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")(x)
    return _exportable(keras.Model(inputs, outputs, name="temper"))


def load_backbone(weights: str | Path, backbone: str = "resnet50") -> keras.Model:
    """A plain backbone with ImageNet's weights ("imagenet", fetched and cached by Keras) or those of a file.

    Raises UserError when the file is missing or is not of this backbone without top, ConnectionError when
    ImageNet's weights are not cached and cannot be fetched.
    """
    if weights == "imagenet":
        return _imagenet(backbone)
    model, name = _application(backbone, None), BACKBONES[backbone].application
    try:
        with warnings.catch_warnings():
            # What Keras misses in the file it first warns of, layer by layer, then raises.
            warnings.simplefilter("ignore", UserWarning)
            model.load_weights(weights)
    except FileNotFoundError:
        raise UserError(f"{weights} does not exist. Name a file of weights, imagenet, or none.") from None
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"{weights} does not hold the weights of a {name} without its top ({reason}). Expected a file "
            f"written by keras.applications.{name}(include_top=False).save_weights(...), or another --backbone."
        ) from None
    return model


def copy_backbone(source: keras.Model, model: keras.Model, backbone: str = "resnet50") -> None:
    """Copy a plain backbone's weights into the model, layer by layer; reversed input becomes RGB."""
    # By their order: a layer without a name of its own has another number in every model that Keras builds.
    pairs = zip(_with_weights(source.layers), _with_weights(backbone_layers(model)), strict=True)
    for layer, target in pairs:
        weights = layer.get_weights()
        if layer.name == BACKBONES[backbone].reversed_input:
            weights[0] = np.ascontiguousarray(weights[0][:, :, ::-1, :])
        if _is_grouped(layer):
            weights[0] = weights[0].swapaxes(2, 3)
        target.set_weights(weights)


def spare_residuals(model: keras.Model, backbone: str = "resnet50") -> None:
    """Start every residual block as the identity: its last BatchNorm's scale is zero (Goyal et al., 2017).

    From scratch this makes the difference between 59 % and 98 % on the drawn sample after five epochs of ResNet50.
    """
    suffix = BACKBONES[backbone].last_scale
    for layer in model.layers:
        if suffix and layer.name.endswith(suffix):
            layer.gamma.assign(np.zeros(layer.gamma.shape))


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers before the head."""
    names = [layer.name for layer in model.layers]
    return list(model.layers[: names.index("pool")])


def freeze_below_top(model: keras.Model, backbone: str) -> None:
    """Only the backbone's top blocks and the head stay trainable; BatchNorm, frozen, runs in inference mode."""
    top = re.compile(BACKBONES[backbone].top)
    for layer in backbone_layers(model):
        layer.trainable = bool(top.match(layer.name)) and not isinstance(layer, keras.layers.BatchNormalization)


@contextlib.contextmanager
def computing_in(policy: str) -> Iterator[None]:
    """Layers built inside compute in this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _application(backbone: str, weights: str | None, **options: Any) -> keras.Model:
    build = getattr(keras.applications, BACKBONES[backbone].application)
    if "include_preprocessing" in inspect.signature(build).parameters:
        # Theirs may be a Normalization, whose constants become inputs of an exported ONNX graph.
        options["include_preprocessing"] = False
    return build(include_top=False, weights=weights, **options)


def _exportable(model: keras.Model) -> keras.Model:
    """The same function in layers and operations that ONNX has too; the model itself where it needs none."""
    if not any(_is_grouped(layer) or _is_gelu(layer) for layer in model.layers):
        return model

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if not _is_grouped(layer):
            return layer.__class__.from_config(config)
        kept = ("name", "dtype", "kernel_size", "strides", "padding", "use_bias", "bias_initializer")
        return keras.layers.DepthwiseConv2D(**{name: config[name] for name in kept})

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        if not _is_gelu(layer):
            return layer(*inputs, **options)
        (x,) = inputs
        # TensorFlow's own is written with Erfc, which ONNX has not.
        return x * 0.5 * (1.0 + keras.ops.erf(x * math.sqrt(0.5)))

    return keras.models.clone_model(model, clone_function=clone, call_function=call)


def _with_weights(layers: list[keras.Layer]) -> list[keras.Layer]:
    return [layer for layer in layers if layer.weights]


def _is_grouped(layer: keras.Layer) -> bool:
    return type(layer) is keras.layers.Conv2D and layer.groups == layer.filters > 1


def _is_gelu(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.gelu


def _imagenet(backbone: str) -> keras.Model:
    before = socket.getdefaulttimeout()
    # Keras sets no limit of its own: a network that swallows packets would hold the command for minutes.
    socket.setdefaulttimeout(PATIENCE_SECONDS)
    try:
        return _application(backbone, "imagenet")
    # keras.utils.get_file turns every failure to fetch into a bare Exception.
    except Exception as error:
        raise ConnectionError(str(error).splitlines()[0].rpartition(" -- ")[2]) from None
    finally:
        socket.setdefaulttimeout(before)
