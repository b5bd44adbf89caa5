"""Gives an EfficientNet-Lite of Keras the arrays that one of PyTorch has, layer by layer and name by name."""

import re

import keras
import numpy as np
from numpy.typing import NDArray

from temper.errors import DataError
from train.network.torch_file import Arrays

# What PyTorch calls the convolution and the BatchNorm of a part.
PARTS = {
    "stem": ("_conv_stem", "_bn0"),
    "expand": ("_expand_conv", "_bn0"),
    "depthwise": ("_depthwise_conv", "_bn1"),
    "project": ("_project_conv", "_bn2"),
    "top": ("_conv_head", "_bn1"),
}
CLASSIFIER = ("_fc.weight", "_fc.bias")
NORM = ("weight", "bias", "running_mean", "running_var")
# Counts the batches of the training; inference does not need it.
COUNTER = ".num_batches_tracked"
# A layer of a block, or of an end: block2a_expand_conv, stem_bn.
LAYER = re.compile(r"(?:(?P<block>block\w+?)_)?(?P<part>[a-z]+)_(?P<kind>conv|bn)")


def set_torch_weights(model: keras.Model, arrays: Arrays) -> None:
    """Set the weights of all layers; a model without the top leaves the classifier's out.

    Raises DataError, and changes nothing, where an array is missing, is not needed, or has another shape.
    """
    layers = [layer for layer in model.layers if layer.weights]
    numbers: dict[str, int] = {}
    keys = {layer.name: _keys(layer.name, numbers) for layer in layers}
    needed = {key for each in keys.values() for key in each}
    stored = {key for key in arrays if not key.endswith(COUNTER)}
    different = needed - stored or stored - needed - set(CLASSIFIER)
    if not different:
        weights = {layer.name: [_in_keras_order(layer, arrays[key]) for key in keys[layer.name]] for layer in layers}
        different = {layer.name for layer in layers if _shapes(layer.weights) != _shapes(weights[layer.name])}
    if different:
        raise DataError(
            f"the weights do not belong to {model.name}: {min(different)} is in only one of the two, or has another "
            "shape",
            fix="Name the weights of this backbone, or another --backbone.",
        )
    for layer in layers:
        layer.set_weights(weights[layer.name])


def _keys(layer: str, numbers: dict[str, int]) -> tuple[str, ...]:
    """The names of a layer's arrays in PyTorch, which numbers the blocks.

    numbers: those of the blocks so far, which a new block is added to.
    """
    match = LAYER.fullmatch(layer)
    if not match:
        return CLASSIFIER
    block = f"_blocks.{numbers.setdefault(match['block'], len(numbers))}." if match["block"] else ""
    convolution, norm = PARTS[match["part"]]
    if match["kind"] == "conv":
        return (f"{block}{convolution}.weight",)
    return tuple(f"{block}{norm}.{each}" for each in NORM)


def _in_keras_order(layer: keras.Layer, array: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch has the output channels first, Keras has them last; a depthwise kernel ends with [channels, 1]."""
    if array.ndim < 4:
        return np.transpose(array)
    return np.transpose(array, (2, 3, 0, 1) if isinstance(layer, keras.layers.DepthwiseConv2D) else (2, 3, 1, 0))


def _shapes(arrays: list[NDArray[np.float32]]) -> list[tuple[int, ...]]:
    return [tuple(each.shape) for each in arrays]
