"""The network: one graph from uint8 pixels to probabilities, made of Keras' own layers only.

A backbone's preprocessing is inside: Rescaling subtracts the mean and divides in RGB order. Where weights expect BGR,
the kernel of the first convolution is reversed along its input channels, so no layer has to swap channels.
"""

import contextlib
import importlib
import inspect
import math
import re
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from train.network.backbones import BACKBONES

# The head's layers by name, in their order.
HEAD_LAYERS = ("dense", "dropout", "probabilities")
# What a layer keeps when it is built as another one.
POINTWISE_OPTIONS = ("name", "dtype", "use_bias", "kernel_initializer", "bias_initializer", "activation")
GROUPED_OPTIONS = ("name", "dtype", "kernel_size", "strides", "padding", "use_bias", "bias_initializer")


def build_model(
    classes: int, size: int, hidden_units: int = 256, dropout: float = 0.5, backbone: str = "resnet50"
) -> keras.Model:
    """A backbone with a head: uint8 RGB [n, size, size, 3] → float32 probabilities [n, classes].

    hidden_units: of the head's hidden layer; 0 leaves it and its dropout out.
    """
    chosen = BACKBONES[backbone]
    inputs = keras.Input((size, size, 3), dtype="uint8", name="image")
    scale = [1 / each for each in chosen.deviation]
    offset = [-mean / each for mean, each in zip(chosen.mean, chosen.deviation, strict=True)]
    # In float32 even where the backbone computes in bfloat16, which would round the means by a third of a step.
    pixels = keras.layers.Rescaling(
        1.0 if set(scale) == {1.0} else scale, offset=offset, name="normalize", dtype="float32"
    )(inputs)
    x = build_backbone(backbone, None, input_tensor=pixels).output
    # From here on float32 costs nothing.
    x = keras.layers.AveragePooling2D(x.shape[1:3], name="pool", dtype="float32")(x)
    x = keras.layers.Flatten(name="features", dtype="float32")(x)
    if hidden_units:
        x = keras.layers.Dense(hidden_units, activation="relu", name="dense", dtype="float32")(x)
        x = keras.layers.Dropout(dropout, name="dropout", dtype="float32")(x)
    outputs = keras.layers.Dense(classes, activation="softmax", name="probabilities", dtype="float32")(x)
    return _exportable(keras.Model(inputs, outputs, name="temper"))


def build_backbone(backbone: str, weights: str | None, **options: Any) -> keras.Model:
    """The plain backbone as its module builds it, without top and without preprocessing inside."""
    chosen = BACKBONES[backbone]
    build = getattr(importlib.import_module(chosen.module), chosen.application)
    if "include_preprocessing" in inspect.signature(build).parameters:
        # Keras' own may be a Normalization, whose constants become inputs of an exported ONNX graph.
        options["include_preprocessing"] = False
    return build(include_top=False, weights=weights, **options)


def zero_init_residual(model: keras.Model, backbone: str = "resnet50") -> None:
    """Let every residual block start as the identity: the scale of its last BatchNorm is zero (Goyal et al., 2017).

    From scratch, ResNet50 reaches 98 % instead of 59 % on the drawn sample after five epochs.
    """
    suffix = BACKBONES[backbone].residual_norm_suffix
    for layer in model.layers:
        if suffix and layer.name.endswith(suffix):
            layer.gamma.assign(np.zeros(layer.gamma.shape))


def backbone_layers(model: keras.Model) -> list[keras.Layer]:
    """The layers before the head."""
    names = [layer.name for layer in model.layers]
    return list(model.layers[: names.index("pool")])


def freeze_below_top(model: keras.Model, backbone: str) -> None:
    """Leave only the backbone's top blocks and the head trainable; BatchNorm is frozen and in inference mode."""
    top = re.compile(BACKBONES[backbone].top)
    for layer in backbone_layers(model):
        layer.trainable = bool(top.match(layer.name)) and not isinstance(layer, keras.layers.BatchNormalization)


@contextlib.contextmanager
def dtype_policy(policy: str) -> Iterator[None]:
    """Layers that are built inside compute in this dtype policy."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(policy)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def is_grouped(layer: keras.Layer) -> bool:
    """True for a convolution that has one group for each channel and is no DepthwiseConv2D, which ConvNeXt uses."""
    return type(layer) is keras.layers.Conv2D and layer.groups == layer.filters > 1


def is_pointwise(layer: keras.Layer) -> bool:
    """True for a Dense layer that is applied to every pixel, which ConvNeXt uses."""
    return type(layer) is keras.layers.Dense and len(layer.input.shape) == 4


def _exportable(model: keras.Model) -> keras.Model:
    """The same function in layers and operations that ONNX has too; the model itself where nothing must change."""
    if not any(is_grouped(layer) or _is_gelu(layer) for layer in model.layers):
        return model

    def clone(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        if is_pointwise(layer):
            # In ONNX a Dense layer of pixels is a matrix product between reshapings, and int8 is for convolutions.
            return keras.layers.Conv2D(layer.units, 1, **{name: config[name] for name in POINTWISE_OPTIONS})
        if is_grouped(layer):
            return keras.layers.DepthwiseConv2D(**{name: config[name] for name in GROUPED_OPTIONS})
        return layer.__class__.from_config(config)

    def call(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        if not _is_gelu(layer):
            return layer(*inputs, **options)
        (x,) = inputs
        # TensorFlow's GELU is written with Erfc, which ONNX does not have.
        return x * 0.5 * (1.0 + keras.ops.erf(x * math.sqrt(0.5)))

    return keras.models.clone_model(model, clone_function=clone, call_function=call)


def _is_gelu(layer: keras.Layer) -> bool:
    return isinstance(layer, keras.layers.Activation) and layer.activation is keras.activations.gelu
