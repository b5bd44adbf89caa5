"""A Keras model around another one: uint8 RGB pixels in, probabilities out, of Keras' own layers only."""

from typing import Any

import numpy as np

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import CHANNELS, InputSpec
from convert.adopt.originals.channels import TO_BGR, reverse_channels
from temper.card.adoption import OutputKind
from temper.runners.keras import import_keras

# From one number to that of both labels: 1 - p and p, or the logits 0 and z.
TWO_LABELS: dict[OutputKind, tuple[list[list[float]], list[float]]] = {
    "probability": ([[-1.0, 1.0]], [1.0, 0.0]),
    "logit": ([[0.0, 1.0]], [0.0, 0.0]),
}


def wrap(model: Any, spec: InputSpec, normalization: Normalization, kind: OutputKind) -> Any:
    """The wrapped model. The weights of the first convolution may be changed in place: see `reverse_channels`."""
    keras = import_keras()
    layers = keras.layers
    inputs = keras.Input((spec.size, spec.size, CHANNELS), dtype="uint8", name="image")
    is_bgr = normalization.order == "BGR"
    is_reversed = is_bgr and _reverse_channels(model, spec, normalization)
    factors, offsets = normalization.factors, normalization.offsets
    if is_reversed:
        factors, offsets = factors[::-1], offsets[::-1]
    x = keras.ops.take(inputs, TO_BGR, axis=-1) if is_bgr and not is_reversed else inputs
    if spec.dtype != "uint8":
        scale = factors[0] if len(set(factors)) == 1 else factors
        x = layers.Rescaling(scale, offset=offsets, name="normalize", dtype="float32")(x)
    x = model(x)
    if len(x.shape) > 2:
        x = layers.Flatten(dtype="float32")(x)
    if kind in TWO_LABELS:
        two = layers.Dense(2, name="two_labels", dtype="float32")
        x = two(x)
        kernel, bias = TWO_LABELS[kind]
        two.set_weights([np.array(kernel, np.float32), np.array(bias, np.float32)])
    activation = "softmax" if kind in ("logits", "logit") else "linear"
    outputs = layers.Activation(activation, name="probabilities", dtype="float32")(x)
    return keras.Model(inputs, outputs, name="adopted")


def _reverse_channels(model: Any, spec: InputSpec, normalization: Normalization) -> bool:
    convolution = _first_convolution(model)
    if convolution is None or spec.dtype == "uint8":
        return False

    def reverse() -> None:
        kernel, *others = convolution.get_weights()
        convolution.set_weights([kernel[:, :, ::-1], *others])

    return reverse_channels(lambda x: np.asarray(model.predict_on_batch(x)), reverse, spec, normalization)


def _first_convolution(model: Any) -> Any:
    """The first convolution that sums over three channels, at any depth; None without one."""
    keras = import_keras()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            if inside := _first_convolution(layer):
                return inside
        elif type(layer) is keras.layers.Conv2D and layer.groups == 1 and layer.kernel.shape[2] == CHANNELS:
            return layer
    return None
