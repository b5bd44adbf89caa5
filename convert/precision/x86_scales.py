"""Scales of what int8 convolutions give in floating point, for runners on x86, where each result must be rounded."""

from collections.abc import Iterator

import numpy as np
import onnx

from convert.precision.calibration import Ranges
from temper.runners.ort.graph import Readers, readers_of

# A pair behind them is a pair behind the convolution: one kernel computes both.
FUSED = ("Relu", "Clip")
INT8_MAX = 127
# Names of scales, as ONNX Runtime's quantizer makes them of the tensors'.
SCALE = "_scale"


def add_x86_scales(graph: onnx.GraphProto, ranges: Ranges, excluded: frozenset[str] = frozenset()) -> dict[str, str]:
    """{tensor: name of its scale} for the results of quantized convolutions that are read in floating point.

    Such a result is read by an addition, by a pooling, or by an activation that no kernel computes with a convolution.
    What an excluded layer reads is not rounded, although its producer then has no int8 kernel: the rounding may be all
    that makes the layer sensitive. The scales that the graph lacks are added to its constants.
    """
    known = {each.name for each in graph.initializer}
    scales: dict[str, str] = {}
    for tensor, known_scale in _float_results(graph, excluded):
        if known_scale:
            scales[tensor] = known_scale
        elif tensor in ranges:
            scales[tensor] = f"{tensor}{SCALE}"
            if scales[tensor] not in known:
                graph.initializer.append(scale_tensor(scales[tensor], ranges[tensor]))
    return scales


def scale_tensor(name: str, limit: float) -> onnx.TensorProto:
    """The scale with which int8 represents all values up to a limit, as ONNX Runtime's quantizer computes it."""
    scale = float(np.float32(limit)) / INT8_MAX
    # Nothing can be divided by 0.
    stored = scale if scale >= np.finfo(np.float32).tiny else 1.0
    return onnx.helper.make_tensor(name, onnx.TensorProto.FLOAT, [], [stored])


def fused_result(tensor: str, readers: Readers) -> str:
    """What a convolution's result becomes in the same kernel: the output of the activation that alone reads it."""
    while len(readers[tensor]) == 1 and readers[tensor][0].op_type in FUSED:
        tensor = readers[tensor][0].output[0]
    return tensor


def _float_results(graph: onnx.GraphProto, excluded: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Tensors, each with the scale that another reader or a max pooling uses, or ""."""
    dequantized = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    readers = readers_of(graph)

    def scale_of(tensor: str) -> str:
        return next((each.input[1] for each in readers[tensor] if each.op_type == "QuantizeLinear"), "")

    for node in graph.node:
        if node.op_type != "Conv" or node.input[0] not in dequantized:
            continue
        tensor = fused_result(node.output[0], readers)
        if all(each.op_type == "QuantizeLinear" for each in readers[tensor]):
            continue
        if any(each.name in excluded for each in readers[tensor]):
            continue
        # Rounding and max pooling commute: with the scale of its result, int8 is pooled.
        pooled = (scale_of(each.output[0]) for each in readers[tensor] if each.op_type == "MaxPool")
        yield tensor, scale_of(tensor) or next(pooled, "")
