"""An int8 ONNX file as ONNX Runtime's x86 kernels want it, rewritten at load.

The file is made for TensorRT: int8 activations, no Q/DQ between a convolution and its ReLU or addition. ONNX Runtime
is fast only where activations are uint8 and a Q/DQ pair follows every convolution. On two cores of Zen 4 the file as
it is took 54 CPU-ms an image, rewritten 17 one by one and 14 in batches of 8 (ResNet50 at 224 pixels; fp32 took 37).
"""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

MIDDLE = "middle_of_uint8"
BRANCH_SCALES = "temper.branch_scales"
KERNELS = "temper.kernels"
RESTORED = "_restored"
# ONNX Runtime's names for convolutions and matrix products, after its optimisations.
INT8_PRODUCTS = {"QLinearConv", "QLinearMatMul", "QGemm", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat"}
FLOAT_PRODUCTS = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul"}


def rewrite_for_x86(artifact: Path) -> bytes:
    """Serialise a rewritten copy of an int8 Q/DQ model.

    Three of four steps change no value: a pair before a ReLU whose output is rounded on the same grid (rounding, ReLU
    and maximum pooling commute); a leaky ReLU of slope 0 for a ReLU between two pairs, which has a kernel on uint8
    where ReLU has none; uint8 with zero point 128 for int8 with zero point 0. The fourth rounds the convolution's
    side of each residual addition, for which there is no kernel that adds in float; its calibrated scales come with
    the file, and the verification runs this very code.
    """
    model = onnx.load(artifact)
    graph = model.graph
    properties = {each.key: each.value for each in model.metadata_props}
    makers = {name: node for node in graph.node for name in node.output}
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)

    pairs: dict[str, tuple[str, str]] = {}
    for node in graph.node:
        if node.op_type == "QuantizeLinear" and (relu := _relu_before(node.input[0], makers)):
            pairs[relu.input[0]] = (node.input[1], node.input[2])
    zero = next((zero for _, zero in pairs.values()), None)
    for tensor, scale in json.loads(properties.get(BRANCH_SCALES, "{}")).items():
        if zero is not None:
            pairs[tensor] = (scale, zero)
    _insert_pairs(graph, pairs, readers)
    _look_up_relus(graph, set(pairs))
    _shift_to_uint8(graph)
    return bytes(model.SerializeToString())


def annotate_kernel_counts(optimised: Path) -> None:
    """Write into a graph that ONNX Runtime optimised how many of its products it runs in int8, how many in fp32."""
    model = onnx.load(optimised)
    kinds = Counter(
        "int8" if node.op_type in INT8_PRODUCTS else "fp32"
        for node in model.graph.node
        if node.op_type in INT8_PRODUCTS | FLOAT_PRODUCTS
    )
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), reverse=True))
    model.metadata_props.append(onnx.StringStringEntryProto(key=KERNELS, value=told))
    onnx.save(model, optimised)


def _relu_before(tensor: str, makers: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    """The ReLU that makes a tensor, perhaps pooled by maximum."""
    node = makers.get(tensor)
    while node and node.op_type == "MaxPool":
        node = makers.get(node.input[0])
    return node if node and node.op_type == "Relu" else None


def _insert_pairs(
    graph: onnx.GraphProto, pairs: dict[str, tuple[str, str]], readers: dict[str, list[onnx.NodeProto]]
) -> None:
    nodes = []
    for node in graph.node:
        nodes.append(node)
        for tensor in node.output:
            if tensor not in pairs:
                continue
            rounded, restored = f"{tensor}_rounded", f"{tensor}{RESTORED}"
            for reader in readers[tensor]:
                reader.input[:] = [restored if name == tensor else name for name in reader.input]
            nodes.append(helper.make_node("QuantizeLinear", [tensor, *pairs[tensor]], [rounded]))
            nodes.append(helper.make_node("DequantizeLinear", [rounded, *pairs[tensor]], [restored]))
    # The order is kept, and with it the topological order that ONNX asks for.
    ordered = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(ordered)


def _look_up_relus(graph: onnx.GraphProto, rounded: set[str]) -> None:
    for node in graph.node:
        if node.op_type == "Relu" and node.input[0].removesuffix(RESTORED) in rounded:
            node.op_type = "LeakyRelu"
            node.attribute.append(helper.make_attribute("alpha", 0.0))


def _shift_to_uint8(graph: onnx.GraphProto) -> None:
    constants = {each.name for each in graph.initializer}
    rounded = {
        node.output[0] for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] not in constants
    }
    graph.initializer.append(numpy_helper.from_array(np.array(128, dtype=np.uint8), MIDDLE))
    for node in graph.node:
        rounds = node.op_type == "QuantizeLinear" and node.output[0] in rounded
        restores = node.op_type == "DequantizeLinear" and node.input[0] in rounded
        if rounds or restores:
            node.input[2] = MIDDLE
