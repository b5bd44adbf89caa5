"""fp32 ONNX → int8 ONNX: explicit Q/DQ, symmetric, per-channel weights, placed for TensorRT's fusions.

Inputs of convolutions and the skip input of each residual addition are quantised; nothing stands between a
convolution and its BatchNorm, ReLU or addition, so that conv + bias + add + ReLU becomes one int8 kernel
(the placement of NVIDIA's Model Optimizer, modelopt/onnx/quantization/int8.py). The few products of the head stay
in float: they are 0.01 % of the work and the nearest to the answer.
"""

import json
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from temper.storage.atomic import atomic_write

QUANTIZED = ("Conv", "Add", "MaxPool")
# Where the runner on x86, which has no kernel that adds in float, finds the scales of the additions' other inputs.
BRANCH_SCALES = "temper.branch_scales"


def to_int8(source: Path, target: Path, ranges: TensorsData, keep: frozenset[str] = frozenset()) -> None:
    """Quantise an fp32 ONNX file with calibrated ranges; names in `keep` stay in floating point."""
    quantized = quantize(onnx.load(source), ranges, keep)
    with atomic_write(target) as path:
        onnx.save(quantized, path)


def quantize(model: onnx.ModelProto, ranges: TensorsData, keep: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """The same in memory; tensors keep their names, and `model` is used up."""
    inputs = {node.name: list(node.input) for node in model.graph.node if node.name in keep}
    quantizer = QDQQuantizer(
        model,
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8,
        tensors_range=ranges,
        nodes_to_quantize=_candidates(model.graph),
        nodes_to_exclude=sorted(keep),
        op_types_to_quantize=list(QUANTIZED),
        extra_options={
            "ActivationSymmetric": True,
            "WeightSymmetric": True,
            # TensorRT refuses int32 biases; runtimes quantise them on their own.
            "QuantizeBias": False,
            "OpTypesToExcludeOutputQuantization": list(QUANTIZED),
        },
    )
    quantizer.quantize_model()
    quantizer.model.topological_sort()
    quantizer.model.clean_initializers()
    quantized = quantizer.model.model
    # The quantizer lets a kept layer read what was rounded for another.
    for node in quantized.graph.node:
        node.input[:] = inputs.get(node.name, node.input)
    scales = _free_branches(quantized.graph)
    onnx.helper.set_model_props(quantized, {BRANCH_SCALES: json.dumps(scales)})
    onnx.checker.check_model(quantized, full_check=True)
    return quantized


def _candidates(graph: onnx.GraphProto) -> list[str]:
    # An addition of a constant is a bias or the mean subtraction, not a residual.
    constants = {each.name for each in graph.initializer}
    return [
        node.name
        for node in graph.node
        if node.op_type in QUANTIZED and not (node.op_type == "Add" and constants.intersection(node.input))
    ]


def _free_branches(graph: onnx.GraphProto) -> dict[str, str]:
    """Take the Q/DQ pair off the convolution's side of each addition; returns {tensor: name of its scale}."""
    makers = {name: node for node in graph.node for name in node.output}
    depths = _depths(graph)
    scales: dict[str, str] = {}
    for node in graph.node:
        if node.op_type != "Add":
            continue
        fresh = [i for i, name in enumerate(node.input) if _convolution_behind(name, makers) is not None]
        if not fresh:
            continue
        # In a block with a projection both inputs are convolutions: the longer path is the branch.
        branch = max(fresh, key=lambda i: depths[node.input[i]])
        rounded = makers[makers[node.input[branch]].input[0]]
        scales[rounded.input[0]] = rounded.input[1]
        node.input[branch] = rounded.input[0]
    _drop_unused(graph)
    return scales


def _convolution_behind(name: str, makers: dict[str, onnx.NodeProto]) -> onnx.NodeProto | None:
    restore = makers.get(name)
    if restore is None or restore.op_type != "DequantizeLinear":
        return None
    rounds = makers.get(restore.input[0])
    maker = makers.get(rounds.input[0]) if rounds is not None else None
    return maker if maker is not None and maker.op_type == "Conv" else None


def _depths(graph: onnx.GraphProto) -> dict[str, int]:
    depths: dict[str, int] = {}
    for node in graph.node:
        depth = 1 + max((depths.get(name, 0) for name in node.input), default=0)
        depths.update(dict.fromkeys(node.output, depth))
    return depths


def _drop_unused(graph: onnx.GraphProto) -> None:
    wanted = {end.name for end in graph.output}
    kept = []
    for node in reversed(graph.node):
        if wanted.intersection(node.output):
            wanted.update(node.input)
            kept.append(node)
    del graph.node[:]
    graph.node.extend(reversed(kept))
    # Scales of removed pairs stay: the runner on x86 reads them.
