"""EfficientNet-Lite 0 to 2, with the interface of keras.applications, which does not have them.

The family is made for int8: ReLU6, whose range is known, in place of swish, and no squeeze-and-excitation. It comes
from TensorFlow's TPU repository (models/official/efficientnet/lite, Apache-2.0).
"""

import math
from string import ascii_lowercase
from typing import Any, NamedTuple

import keras
from keras import layers

from train.network.torch_weights import set_torch_weights
from train.network.weight_packages import read_package

STEM_CHANNELS, TOP_CHANNELS, IMAGENET_CLASSES = 32, 1280, 1000
EPSILON = 1e-3
# Channels are a multiple of it.
DIVISOR = 8
# Factors of channels and of depth; the stem, the top, and the depth of the first and the last stage have none.
FACTORS = {"EfficientNetLite0": (1.0, 1.0), "EfficientNetLite1": (1.0, 1.1), "EfficientNetLite2": (1.1, 1.2)}


class Block(NamedTuple):
    """An inverted residual block, or a stage of them: kernel size, number, channels, expansion, stride of the first."""

    kernel: int
    depth: int
    channels: int
    expansion: int
    stride: int


# Table 1 of Tan and Le 2019 (arXiv 1905.11946).
STAGES = (
    Block(3, 1, 16, 1, 1), Block(3, 2, 24, 6, 2), Block(5, 2, 40, 6, 2), Block(3, 3, 80, 6, 2), Block(5, 3, 112, 6, 1),
    Block(5, 4, 192, 6, 2), Block(3, 1, 320, 6, 1),
)  # fmt: skip


def EfficientNetLite0(**options: Any) -> keras.Model:
    """The network for images of 224 pixels; `build` explains the options."""
    return build("EfficientNetLite0", **options)


def EfficientNetLite1(**options: Any) -> keras.Model:
    """The network for images of 240 pixels; `build` explains the options."""
    return build("EfficientNetLite1", **options)


def EfficientNetLite2(**options: Any) -> keras.Model:
    """The network for images of 260 pixels; `build` explains the options."""
    return build("EfficientNetLite2", **options)


def build(
    name: str,
    include_top: bool = True,
    weights: str | None = "imagenet",
    input_tensor: Any = None,
    input_shape: tuple[int | None, int | None, int] = (None, None, 3),
) -> keras.Model:
    """A network that takes RGB as (pixels − 127) / 128; with the top it gives probabilities of ImageNet's classes.

    Raises DataError when ImageNet's weights are asked for and the package that holds them is not installed.
    """
    inputs = keras.Input(input_shape) if input_tensor is None else input_tensor
    x = _activated(layers.Conv2D(STEM_CHANNELS, 3, 2, **_options("stem"))(inputs), "stem")
    for block_name, block in blocks(name).items():
        x = _block(x, block_name, block)
    x = _activated(layers.Conv2D(TOP_CHANNELS, 1, **_options("top"))(x), "top")
    if include_top:
        x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
        x = layers.Dense(IMAGENET_CLASSES, activation="softmax", name="predictions")(x)
    sources = inputs if input_tensor is None else keras.utils.get_source_inputs(inputs)
    model = keras.Model(sources, x, name=name.lower())
    if weights == "imagenet":
        set_torch_weights(model, read_package(name))
    return model


def blocks(name: str) -> dict[str, Block]:
    """The blocks of a variant by their names, which are those that keras.applications gives: block2a, block2b, …."""
    width, depth = FACTORS[name]
    result = {}
    for number, stage in enumerate(STAGES, start=1):
        is_fixed = number in (1, len(STAGES))
        for i in range(stage.depth if is_fixed else math.ceil(stage.depth * depth)):
            block = stage._replace(depth=1, channels=_rounded(stage.channels * width), stride=1 if i else stage.stride)
            result[f"block{number}{ascii_lowercase[i]}"] = block
    return result


def _rounded(channels: float) -> int:
    """The nearest multiple of the divisor, unless that takes more than a tenth away."""
    nearest = max(DIVISOR, int(channels + DIVISOR / 2) // DIVISOR * DIVISOR)
    return nearest if nearest >= 0.9 * channels else nearest + DIVISOR


def _block(x: Any, name: str, block: Block) -> Any:
    start, channels = x, x.shape[-1]
    if block.expansion > 1:
        part = f"{name}_expand"
        x = _activated(layers.Conv2D(channels * block.expansion, 1, **_options(part))(x), part)
    part = f"{name}_depthwise"
    options = _options(part, "depthwise_initializer")
    x = _activated(layers.DepthwiseConv2D(block.kernel, block.stride, **options)(x), part)
    part = f"{name}_project"
    x = _normalized(layers.Conv2D(block.channels, 1, **_options(part))(x), part)
    is_residual = block.stride == 1 and channels == block.channels
    return layers.Add(name=f"{name}_add")([x, start]) if is_residual else x


def _options(part: str, initializer: str = "kernel_initializer") -> dict[str, Any]:
    # TensorFlow pads the right and the bottom edge more where the stride is 2, and the weights expect that.
    he_normal = keras.initializers.VarianceScaling(2.0, "fan_out", "truncated_normal")
    return {"padding": "same", "use_bias": False, "name": f"{part}_conv", initializer: he_normal}


def _normalized(x: Any, part: str) -> Any:
    return layers.BatchNormalization(epsilon=EPSILON, name=f"{part}_bn")(x)


def _activated(x: Any, part: str) -> Any:
    return layers.ReLU(6.0, name=f"{part}_relu6")(_normalized(x, part))
