"""Scales of what int8 convolutions give in floating point, for runners on x86, where each result must be rounded."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import TensorsData

from convert.precision.calibration import abs_max

# A pair behind them is a pair behind the convolution: one kernel computes both.
FUSED = ("Relu", "Clip")
INT8_MAX = 127


def add_x86_scales(graph: onnx.GraphProto, ranges: TensorsData) -> dict[str, str]:
    """{tensor: name of its scale} for the results of quantized convolutions that are read in floating point.

    Such a result is read by an addition, by a pooling, or by an activation that no kernel computes with a convolution.
    The scales that the graph lacks are added to its constants.
    """
    known = {each.name for each in graph.initializer}
    scales: dict[str, str] = {}
    for tensor, known_scale in _float_results(graph):
        if known_scale:
            scales[tensor] = known_scale
        elif tensor in ranges.keys():  # noqa: SIM118 - not a dict
            scales[tensor] = f"{tensor}_scale"
            if scales[tensor] not in known:
                scale = np.float32(abs_max(ranges, tensor) / INT8_MAX or 1)
                graph.initializer.append(onnx.numpy_helper.from_array(np.asarray(scale), scales[tensor]))
    return scales


def _float_results(graph: onnx.GraphProto) -> Iterator[tuple[str, str]]:
    """Tensors, each with the scale that another reader or a max pooling uses, or ""."""
    dequantized = {node.output[0] for node in graph.node if node.op_type == "DequantizeLinear"}
    readers: dict[str, list[onnx.NodeProto]] = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)

    def scale_of(tensor: str) -> str:
        return next((each.input[1] for each in readers[tensor] if each.op_type == "QuantizeLinear"), "")

    for node in graph.node:
        if node.op_type != "Conv" or node.input[0] not in dequantized:
            continue
        tensor = node.output[0]
        while len(readers[tensor]) == 1 and readers[tensor][0].op_type in FUSED:
            tensor = readers[tensor][0].output[0]
        if all(each.op_type == "QuantizeLinear" for each in readers[tensor]):
            continue
        # Rounding and max pooling commute: with the scale of its result, int8 is pooled.
        pooled = (scale_of(each.output[0]) for each in readers[tensor] if each.op_type == "MaxPool")
        yield tensor, scale_of(tensor) or next(pooled, "")
