"""Lets an int8 ONNX file, when it is loaded, compute with the pixels as they are, where they need no rounding."""

import math

import numpy as np
import onnx
from onnx import numpy_helper

from temper.runners.ort.graph import Readers, readers_of

# Normalizations by one scale and offset for all channels: pixels are multiplied or divided by, and added or subtracted.
ARITHMETIC = ("Mul", "Div", "Add", "Sub")
SCALE, ZERO = "pixel_scale", "pixel_zero_point"
# Constants are written with seven digits; a step is one pixel value.
STEP_TOLERANCE = 1e-3
MAX_PIXEL = 255


def use_pixels(graph: onnx.GraphProto) -> None:
    """Dequantize the pixels instead of normalizing and rounding them, in place, where that gives what they stand for.

    EfficientNet-Lite computes (x - 127) / 128: uint8 with scale 1/128 and zero point 127 is exactly that. A uint8
    convolution then reads the pixels, and four passes over the image in floating point are left out. Other
    normalizations have another offset for each channel, or one that is no pixel value, and stay.
    """
    readers = readers_of(graph)
    constants = {each.name: each for each in graph.initializer}
    chain = _chain(graph.input[0].name, readers)
    if [node.op_type for node in chain[-2:]] != ["QuantizeLinear", "DequantizeLinear"]:
        return
    *before, quantize, dequantize = chain
    step = _step(before, constants)
    if step is None:
        return
    scale, zero = step
    graph.initializer.append(numpy_helper.from_array(np.array(scale, np.float32), SCALE))
    graph.initializer.append(numpy_helper.from_array(np.array(zero, np.uint8), ZERO))
    tensor = graph.input[0].name
    for node in before:
        if node.op_type == "Transpose":
            node.input[0], tensor = tensor, node.output[0]
        else:
            graph.node.remove(node)
    dequantize.input[:] = [tensor, SCALE, ZERO]
    # The types that it records are those of before.
    del graph.value_info[:]
    graph.node.remove(quantize)


def _chain(tensor: str, readers: Readers) -> list[onnx.NodeProto]:
    """The nodes behind the pixels, each read by the next alone, up to the first pair."""
    chain: list[onnx.NodeProto] = []
    while len(readers[tensor]) == 1 and (not chain or chain[-1].op_type != "DequantizeLinear"):
        (node,) = readers[tensor]
        if node.op_type not in (*ARITHMETIC, "Cast", "Transpose", "QuantizeLinear", "DequantizeLinear"):
            break
        chain.append(node)
        tensor = node.output[0]
    return chain


def _step(nodes: list[onnx.NodeProto], constants: dict[str, onnx.TensorProto]) -> tuple[float, int] | None:
    """Scale and zero point, if nodes compute (x - zero point) * scale with whole pixel values; otherwise None."""
    # What 0 and 1 become determines what all pixels become.
    black, white = 0.0, 1.0
    for node in nodes:
        if node.op_type not in ARITHMETIC:
            continue
        name = node.input[1]
        if name not in constants:
            return None
        values = numpy_helper.to_array(constants[name])
        if not values.size or np.ptp(values):
            return None
        value = float(values.flat[0])
        black, white = (_computed(node.op_type, each, value) for each in (black, white))
    scale = white - black
    if not (math.isfinite(scale) and scale > 0):
        return None
    zero = round(-black / scale)
    is_pixel = 0 <= zero <= MAX_PIXEL and abs(-black / scale - zero) < STEP_TOLERANCE
    return (scale, zero) if is_pixel else None


def _computed(operator: str, x: float, value: float) -> float:
    match operator:
        case "Mul":
            return x * value
        case "Div":
            return x / value if value else math.nan
        case "Add":
            return x + value
        case _:
            return x - value
