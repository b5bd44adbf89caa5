"""Rewrites an int8 ONNX file, when it is loaded, for ONNX Runtime's x86 kernels.

The file is made for TensorRT: int8 activations, no Q/DQ pair between a convolution and its ReLU or addition. ONNX
Runtime is fast only where activations are uint8 and a Q/DQ pair follows every convolution. On two cores of Zen 4 the
original file took 54 CPU-ms an image, rewritten 17 with batch 1 and 14 with batch 8 (ResNet50 at 224 pixels; fp32: 37).
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

from temper.runners.onnx_metadata import BRANCH_SCALES, KERNELS

ZERO_POINT = "uint8_zero_point"
DEQUANTIZED = "_dequantized"
# ONNX Runtime's operators for convolutions and matrix products, after its optimizations.
INT8_PRODUCTS = {"QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat"}
FLOAT_PRODUCTS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}
# Scale and zero point of a Q/DQ pair, by the tensor that it is inserted after.
Pairs = dict[str, tuple[str, str]]


def rewrite_for_x86(content: bytes) -> bytes:
    """A rewritten copy of a serialized int8 Q/DQ model, serialized.

    Three of four steps change no value: a Q/DQ pair before a ReLU whose output is quantized with the same scale
    (rounding, ReLU and max pooling commute); a leaky ReLU of slope 0 for a ReLU between two pairs, because it has a
    uint8 kernel and ReLU has none; uint8 with zero point 128 for int8 with zero point 0. The fourth step quantizes the
    convolution's side of each residual addition, because no kernel adds in float; its calibrated scales are in the
    file's metadata, and the parity check at conversion runs this code.
    """
    model = onnx.load_from_string(content)
    graph = model.graph
    pairs = _pairs_before_relus(graph)
    zero_point = next((zero_point for _, zero_point in pairs.values()), None)
    properties = {each.key: each.value for each in model.metadata_props}
    if zero_point is not None:
        scales = json.loads(properties.get(BRANCH_SCALES, "{}"))
        pairs |= {tensor: (scale, zero_point) for tensor, scale in scales.items()}
    _insert_pairs(graph, pairs)
    _relu_to_leaky_relu(graph, set(pairs))
    _shift_to_uint8(graph)
    return bytes(model.SerializeToString())


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


def _pairs_before_relus(graph: onnx.GraphProto) -> Pairs:
    """For the input of each ReLU: the pair that follows its output, perhaps after max pooling."""
    producers = {name: node for node in graph.node for name in node.output}
    pairs: Pairs = {}
    for node in graph.node:
        if node.op_type == "QuantizeLinear":
            producer = producers.get(node.input[0])
            while producer and producer.op_type == "MaxPool":
                producer = producers.get(producer.input[0])
            if producer and producer.op_type == "Relu":
                pairs[producer.input[0]] = (node.input[1], node.input[2])
    return pairs


def _insert_pairs(graph: onnx.GraphProto, pairs: Pairs) -> None:
    nodes = []
    for node in graph.node:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.input[:] = [f"{name}{DEQUANTIZED}" if name in pairs else name for name in node.input]
        # Inserted behind the producer: ONNX requires topological order.
        nodes.append(copy)
        for tensor in pairs.keys() & set(node.output):
            quantized = f"{tensor}_quantized"
            nodes.append(helper.make_node("QuantizeLinear", [tensor, *pairs[tensor]], [quantized]))
            nodes.append(helper.make_node("DequantizeLinear", [quantized, *pairs[tensor]], [f"{tensor}{DEQUANTIZED}"]))
    del graph.node[:]
    graph.node.extend(nodes)


def _relu_to_leaky_relu(graph: onnx.GraphProto, quantized: set[str]) -> None:
    for node in graph.node:
        if node.op_type == "Relu" and node.input[0].removesuffix(DEQUANTIZED) in quantized:
            node.op_type = "LeakyRelu"
            node.attribute.append(helper.make_attribute("alpha", 0.0))


def _shift_to_uint8(graph: onnx.GraphProto) -> None:
    constants = {each.name for each in graph.initializer}
    quantized = {
        node.output[0] for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    }
    graph.initializer.append(numpy_helper.from_array(np.array(128, dtype=np.uint8), ZERO_POINT))
    for node in graph.node:
        is_quantize = node.op_type == "QuantizeLinear" and node.output[0] in quantized
        is_dequantize = node.op_type == "DequantizeLinear" and node.input[0] in quantized
        if is_quantize or is_dequantize:
            node.input[2] = ZERO_POINT
