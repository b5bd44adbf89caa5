"""fp32 ONNX graph to int8: explicit Q/DQ, symmetric, per-channel weights, placed for TensorRT's fusions.

Inputs of convolutions and the skip input of each residual addition are quantized; nothing is inserted between a
convolution and its BatchNorm, activation or addition, so that conv + bias + add + ReLU becomes one int8 kernel (the
placement of NVIDIA's Model Optimizer, modelopt/onnx/quantization/int8.py). What computes with one vector for each image
stays in floating point: the matrix products of the head, and the convolutions of squeeze-and-excitation. They are a few
thousandths of the work, and rounding one of their numbers changes a complete channel.
"""

import json

import numpy as np
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from convert.precision.calibration import Ranges
from convert.precision.x86_scales import SCALE, add_x86_scales, fused_result, scale_tensor
from temper.runners.onnx_metadata import X86_SCALES
from temper.runners.ort.graph import readers_of

# Dimensions of each tensor, by name; 0 for one that is not constant.
Shapes = dict[str, tuple[int, ...]]

QUANTIZED = ("Conv", "Add", "MaxPool")


def quantize(model: onnx.ModelProto, ranges: Ranges, excluded: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """The model in int8, with calibrated ranges; tensors keep their names, and `model` is consumed.

    excluded: names of nodes that stay in floating point. The scales of what convolutions give in floating point, such
    as the other input of an addition, are stored in the metadata: on x86 a kernel gives int8 only.
    """
    inputs = {node.name: list(node.input) for node in model.graph.node if node.name in excluded}
    read = {name for names in inputs.values() for name in names}
    stored = [onnx.TensorProto.FromString(t.SerializeToString()) for t in model.graph.initializer if t.name in read]
    quantizer = _quantizer(model, ranges, excluded)
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    quantizer.model.clean_initializers()
    quantized = quantizer.model.model
    # The quantizer lets an excluded layer read what was rounded for another one.
    for node in quantized.graph.node:
        node.input[:] = inputs.get(node.name, node.input)
    # Nor does it leave weights in floating point that an excluded layer shares with another one.
    present = {each.name for each in quantized.graph.initializer}
    quantized.graph.initializer.extend(each for each in stored if each.name not in present)
    _unquantize_residual_inputs(quantized.graph)
    scales = add_x86_scales(quantized.graph, ranges, excluded)
    onnx.helper.set_model_props(quantized, {X86_SCALES: json.dumps(scales)})
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def with_ranges(quantized: onnx.ModelProto, ranges: Ranges) -> onnx.ModelProto:
    """A copy of what `quantize` returned, with other ranges: the same as quantizing again, in a tenth of the time."""
    model = onnx.ModelProto()
    model.CopyFrom(quantized)
    for each in model.graph.initializer:
        tensor = each.name.removesuffix(SCALE)
        if tensor != each.name and tensor in ranges:
            each.CopyFrom(scale_tensor(each.name, ranges[tensor]))
    return model


def ranged_tensors(graph: onnx.GraphProto) -> list[str]:
    """Names of the tensors of an fp32 graph whose ranges `quantize` uses, whatever is excluded, and a few others."""
    constants, readers = {each.name for each in graph.initializer}, readers_of(graph)
    names: list[str] = []
    for node in graph.node:
        if node.op_type in QUANTIZED and _adds_no_constant(node, constants):
            names += [name for name in node.input if name and name not in constants]
        if node.op_type == "Conv":
            names.append(fused_result(node.output[0], readers))
    return list(dict.fromkeys(names))


def with_equal_ranges(graph: onnx.GraphProto, ranges: Ranges) -> Ranges:
    """Ranges in which what a max-pooling of single places gives has the range of what it reads.

    It gives some of the numbers that it reads; ONNX Runtime and OpenVINO pool int8 only if both have one scale.
    """
    equal = dict(ranges)
    for node in graph.node:
        kernel = [width for each in node.attribute if each.name == "kernel_shape" for width in each.ints]
        if node.op_type == "MaxPool" and node.input[0] in equal and max(kernel) == 1:
            equal[node.output[0]] = equal[node.input[0]]
    return equal


def _quantizer(model: onnx.ModelProto, ranges: Ranges, excluded: frozenset[str]) -> QDQQuantizer:
    limits = {name: (np.float32(-limit), np.float32(limit)) for name, limit in ranges.items()}
    return QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=TensorsData(CalibrationMethod.MinMax, limits),
        nodes_to_quantize=_candidates(model.graph, _shapes(model)),
        nodes_to_exclude=sorted(excluded),
        op_types_to_quantize=list(QUANTIZED),
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            # TensorRT refuses int32 biases; runtimes quantize them on their own.
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": list(QUANTIZED),
        },
    )


def _candidates(graph: onnx.GraphProto, shapes: Shapes) -> list[str]:
    """Names of the nodes that are quantized unless they are excluded."""
    constants = {each.name for each in graph.initializer}
    return [node.name for node in graph.node if node.op_type in QUANTIZED and _is_quantizable(node, shapes, constants)]


def _is_quantizable(node: onnx.NodeProto, shapes: Shapes, constants: set[str]) -> bool:
    if node.op_type == "Conv":
        return shapes.get(node.input[0], ())[2:] != (1, 1)
    return _adds_no_constant(node, constants)


def _adds_no_constant(node: onnx.NodeProto, constants: set[str]) -> bool:
    # An addition of a constant is a bias or the mean subtraction, not a residual.
    return node.op_type != "Add" or not constants.intersection(node.input)


def _shapes(model: onnx.ModelProto) -> Shapes:
    """Dimensions of each tensor; 0 for one that is not constant, such as the number of images."""
    graph = onnx.shape_inference.infer_shapes(model).graph
    return {
        each.name: tuple(dimension.dim_value for dimension in each.type.tensor_type.shape.dim)
        for each in (*graph.value_info, *graph.input, *graph.output)
    }


def _unquantize_residual_inputs(graph: onnx.GraphProto) -> None:
    """Remove the Q/DQ pair from the convolution's side of each addition."""
    producers = {name: node for node in graph.node for name in node.output}
    depths = _depths(graph)
    for node in graph.node:
        if node.op_type != "Add":
            continue
        from_conv = [i for i, name in enumerate(node.input) if _reads_convolution(name, producers)]
        if not from_conv:
            continue
        # In a block with a projection both inputs are convolutions: the longer path is the branch.
        branch = max(from_conv, key=lambda i: depths[node.input[i]])
        rounded = producers[producers[node.input[branch]].input[0]]
        node.input[branch] = rounded.input[0]
    _remove_unused(graph)


def _reads_convolution(name: str, producers: dict[str, onnx.NodeProto]) -> bool:
    """True for a tensor that a Q/DQ pair makes of a convolution's output."""
    for expected in ("DequantizeLinear", "QuantizeLinear", "Conv"):
        node = producers.get(name)
        if node is None or node.op_type != expected:
            return False
        name = node.input[0]
    return True


def _depths(graph: onnx.GraphProto) -> dict[str, int]:
    depths: dict[str, int] = {}
    for node in graph.node:
        depth = 1 + max((depths.get(name, 0) for name in node.input), default=0)
        depths.update(dict.fromkeys(node.output, depth))
    return depths


def _remove_unused(graph: onnx.GraphProto) -> None:
    needed = {end.name for end in graph.output}
    used = []
    for node in reversed(graph.node):
        if needed.intersection(node.output):
            needed.update(node.input)
            used.append(node)
    del graph.node[:]
    graph.node.extend(reversed(used))
