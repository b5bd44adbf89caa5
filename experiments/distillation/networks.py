"""Small residual networks of any width, known to train/ as backbones like the others."""

from typing import Any

from train.network.backbones import BACKBONES, Backbone


def add_network(width: int) -> str:
    """Make a network with `width` channels in its first layer known to train/; returns its name for --backbone."""
    import keras

    def build(include_top: bool, weights: None, input_tensor: Any) -> "keras.Model":
        x = _block(input_tensor, width, "1")
        x = _residual(_block(x, 2 * width, "2"), "2")
        x = _residual(_block(x, 4 * width, "3"), "3")
        return keras.Model(keras.utils.get_source_inputs(input_tensor), x)

    name = f"width{width}"
    setattr(keras.applications, name, build)
    half = (127.5,) * 3
    BACKBONES[name] = Backbone(
        application=name, mean=half, deviation=half, top="conv3_", residual_norm_suffix="_residual_bn"
    )
    return name


def _block(x: Any, channels: int, name: str, stride: int = 2) -> Any:
    import keras

    layers = keras.layers
    x = layers.Conv2D(channels, 3, strides=stride, padding="same", use_bias=False, name=f"conv{name}_conv")(x)
    return layers.ReLU(name=f"conv{name}_relu")(layers.BatchNormalization(name=f"conv{name}_bn")(x))


def _residual(x: Any, name: str) -> Any:
    import keras

    layers, channels = keras.layers, x.shape[-1]
    y = _block(x, channels, f"{name}_inner", stride=1)
    y = layers.Conv2D(channels, 3, padding="same", use_bias=False, name=f"conv{name}_residual_conv")(y)
    y = layers.BatchNormalization(name=f"conv{name}_residual_bn")(y)
    return layers.ReLU(name=f"conv{name}_out")(layers.Add(name=f"conv{name}_add")([x, y]))
