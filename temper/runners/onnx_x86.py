"""Rewrites an int8 ONNX file, when it is loaded, for ONNX Runtime's x86 kernels.

The file is made for TensorRT: int8 activations, and no Q/DQ pair between a convolution and what is fused with it. ONNX
Runtime is fast only where activations are uint8 and a Q/DQ pair follows every convolution at once.
"""

import json
import math
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from temper.runners.onnx_metadata import KERNELS, X86_SCALES
from temper.runners.ort.graph import readers_of
from temper.runners.ort.pixels import use_pixels

# Zero points of uint8: of what was int8 with zero point 0, and of what is never negative.
SHIFTED, UNSIGNED = "uint8_zero_point", "uint8_zero"
ZERO_POINTS = {SHIFTED: 128, UNSIGNED: 0}
# The largest int8 over the largest uint8 value: the range stays as it was measured, with twice as many steps.
FINER = np.float32(127 / 255)
FINER_SCALE = "_of_uint8"
DEQUANTIZED = "_dequantized"
NEVER_NEGATIVE = {"Relu", "Sigmoid", "HardSigmoid"}
# Which input of a pair's nodes it is.
ZERO_POINT = 2
# ONNX Runtime's operators for convolutions and matrix products, after its optimizations.
INT8_PRODUCTS = {"QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat"}
FLOAT_PRODUCTS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}


def rewrite_for_x86(content: bytes) -> bytes:
    """A rewritten copy of a serialized int8 Q/DQ model, serialized.

    A pair is inserted after each tensor that has a scale in the file's metadata, such as the convolution's side of a
    residual addition, since no kernel gives floating point; then activations become uint8. The parity check at
    conversion runs this code. With one thread of a busy Zen 4 processor, EfficientNet-Lite0 at 224 pixels took 28.4
    CPU-ms an image as its file is and takes 5.7 rewritten (fp32: 11.2).
    """
    model = onnx.load_from_string(content)
    use_pixels(model.graph)
    insert_pairs(model.graph, scales_of(model))
    use_uint8(model.graph)
    return bytes(model.SerializeToString())


def scales_of(model: onnx.ModelProto) -> dict[str, str]:
    """{tensor: name of its scale} for what convolutions give in floating point, from the metadata of a file."""
    properties = {each.key: each.value for each in model.metadata_props}
    return dict(json.loads(properties.get(X86_SCALES, "{}")))


def insert_pairs(graph: onnx.GraphProto, scales: dict[str, str]) -> None:
    """Insert a pair after each tensor that has a scale; all that read the tensor read what was rounded."""
    nodes = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [f"{name}{DEQUANTIZED}" if name in scales else name for name in node.input]
        # Behind the producer the producer: ONNX requires topological order.
        nodes.append(copy)
        for tensor in scales.keys() & set(node.output):
            quantized, parameters = f"{tensor}_quantized", [scales[tensor], SHIFTED]
            nodes.append(helper.make_node("QuantizeLinear", [tensor, *parameters], [quantized]))
            nodes.append(helper.make_node("DequantizeLinear", [quantized, *parameters], [f"{tensor}{DEQUANTIZED}"]))
    _replace_nodes(graph, nodes)


def use_uint8(graph: onnx.GraphProto) -> None:
    """Turn int8 activations into uint8, in place.

    With zero point 128 no value changes. What is never negative gets zero point 0 instead, and twice as many steps in
    the same range: then the pair does what the ReLU or ReLU6 before it does, which is removed if nothing else reads it.
    """
    _shift_to_uint8(graph)
    _Absorption(graph).run()


def annotate_kernel_counts(optimized: Path) -> None:
    """Count the products that an optimized graph executes in int8 and in fp32, and write that into its metadata."""
    model = onnx.load(optimized)
    counts = Counter(
        "int8" if node.op_type in INT8_PRODUCTS else "fp32"
        for node in model.graph.node
        if node.op_type in INT8_PRODUCTS | FLOAT_PRODUCTS
    )
    text = ", ".join(f"{count} {precision}" for precision, count in sorted(counts.items(), reverse=True))
    model.metadata_props.append(onnx.StringStringEntryProto(key=KERNELS, value=text))
    onnx.save(model, optimized)


def _shift_to_uint8(graph: onnx.GraphProto) -> None:
    constants = {each.name for each in graph.initializer}
    quantized = {
        node.output[0]
        for node in graph.node
        # Without a zero point a pair is uint8 already.
        if node.op_type == "QuantizeLinear" and node.input[0] not in constants and len(node.input) > ZERO_POINT
    }
    for name, value in ZERO_POINTS.items():
        graph.initializer.append(numpy_helper.from_array(np.array(value, dtype=np.uint8), name))
    for node in graph.node:
        is_quantize = node.op_type == "QuantizeLinear" and node.output[0] in quantized
        is_dequantize = node.op_type == "DequantizeLinear" and node.input[0] in quantized
        if is_quantize or is_dequantize:
            node.input[ZERO_POINT] = SHIFTED


class _Absorption:
    """Gives pairs of tensors that are never negative all 256 steps, and lets them absorb the activation before them."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self._graph = graph
        self._constants = {each.name: each for each in graph.initializer}
        self._outputs = {each.name for each in graph.output}
        self._producers = {name: node for node in graph.node for name in node.output}
        self._readers = readers_of(graph)

    def run(self) -> None:
        """Change the graph in place."""
        absorbed = set()
        for quantize in self._graph.node:
            if self._is_shifted(quantize) and self._is_never_negative(quantize.input[0]):
                limit = self._use_all_steps([quantize, *self._readers[quantize.output[0]]])
                activation = self._producers[quantize.input[0]]
                if self._is_absorbed(activation, limit):
                    absorbed.add(activation.output[0])
                    quantize.input[0] = activation.input[0]
        _replace_nodes(self._graph, [node for node in self._graph.node if node.output[0] not in absorbed])

    def _is_shifted(self, node: onnx.NodeProto) -> bool:
        return node.op_type == "QuantizeLinear" and list(node.input)[ZERO_POINT:] == [SHIFTED]

    def _is_never_negative(self, tensor: str) -> bool:
        node = self._producers.get(tensor)
        if node is None:
            return False
        if node.op_type == "Clip":
            return self._value(node, 1, -1) >= 0
        if node.op_type == "QuantizeLinear":
            return list(node.input)[ZERO_POINT:] == [UNSIGNED]
        passes_on = node.op_type in ("MaxPool", "DequantizeLinear")
        return node.op_type in NEVER_NEGATIVE or (passes_on and self._is_never_negative(node.input[0]))

    def _use_all_steps(self, pair: list[onnx.NodeProto]) -> float:
        """Returns the largest value that the pair represents."""
        name = f"{pair[0].input[1]}{FINER_SCALE}"
        if name not in self._constants:
            scale = numpy_helper.to_array(self._constants[pair[0].input[1]])
            self._constants[name] = numpy_helper.from_array(np.asarray(scale * FINER), name)
            self._graph.initializer.append(self._constants[name])
        for node in pair:
            node.input[1:] = [name, UNSIGNED]
        return float(numpy_helper.to_array(self._constants[name]) * 255)

    def _is_absorbed(self, activation: onnx.NodeProto, limit: float) -> bool:
        result = activation.output[0]
        if len(self._readers[result]) > 1 or result in self._outputs:
            # Another reader would get values that are cut off at the calibrated range.
            return False
        if activation.op_type != "Clip":
            return bool(activation.op_type == "Relu")
        # The limit was rounded in float32.
        return self._value(activation, 1, -1) == 0 and limit / (1 + 1e-6) <= self._value(activation, 2, float("inf"))

    def _value(self, node: onnx.NodeProto, position: int, otherwise: float) -> float:
        """An input: another value where it is left out, NaN, which is in no range, where it is not constant."""
        name = node.input[position] if len(node.input) > position else ""
        if not name:
            return otherwise
        return float(numpy_helper.to_array(self._constants[name])) if name in self._constants else math.nan


def _replace_nodes(graph: onnx.GraphProto, nodes: list[onnx.NodeProto]) -> None:
    # Protobuf frees a node with the list that holds it.
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
