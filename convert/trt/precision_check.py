"""Checks the data type in which a plan runs each convolution and matrix product of its graph.

TensorRT's engine inspector lists the layers of the engine as JSON; TensorRT-RTX, which needs no GPU to build, lists the
same in its verbose log. Each layer names the ONNX nodes it was made from.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

import onnx

from temper.errors import UserError

Layer = dict[str, Any]
Types = dict[str, str]
PRODUCTS = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
MIN_PERCENT = 90
UNKNOWN = "unknown"
# A layer of these kinds may have the name of a convolution whose weights it only moves or casts.
DATA_MOVEMENT_LAYERS = {"kgen", "Reformat", "NoOp", "Constant"}
TYPE_PATTERNS = (
    ("int8", "int8"),
    ("fp8|e4m3", "fp8"),
    ("bfloat16|bf16", "bf16"),
    ("half|fp16", "fp16"),
    ("float|fp32", "fp32"),
)
# Operand types in a kernel's name: sm80_xmma_fprop_implicit_gemm_interleaved_i8i8_i8i32_f32_...
KERNEL = re.compile(r"_(i8|e4m3|bf16|f16|tf32|f32)(?:i8|e4m3|bf16|f16|tf32|f32)_")
KERNEL_TYPES = {"i8": "int8", "e4m3": "fp8", "bf16": "bf16", "f16": "fp16", "tf32": "fp32", "f32": "fp32"}
LINE = re.compile(r"^Name: (?P<name>.*?), LayerType: (?P<kind>\w*), Inputs: (?P<inputs>.*?), Outputs: ")


def requested_types(model: onnx.ModelProto) -> Types:
    """Data type, by node, in which a graph stores its convolutions and matrix products."""
    producers = {output: node for node in model.graph.node for output in node.output}
    weights = {each.name: each.data_type for each in model.graph.initializer}
    return {node.name: _requested(node, producers, weights) for node in model.graph.node if node.op_type in PRODUCTS}


def executed_types(layers: Iterable[Layer], nodes: Iterable[str]) -> Types:
    """Data type, by node, in which an engine runs them; "unknown" where no layer names it."""
    runs: dict[str, Layer] = {}
    for layer in layers:
        for node in _nodes_of(layer):
            if node not in runs or runs[node].get("LayerType") in DATA_MOVEMENT_LAYERS:
                runs[node] = layer
    return {node: _executed(runs[node]) if node in runs else UNKNOWN for node in nodes}


def check_executed_precision(requested: Types, executed: Types, plan: str) -> str:
    """Counts such as "53 int8, 2 fp32".

    Raises UserError when less than 90 % of the nodes that the graph stores in int8 or fp16 run in that type.
    """
    counts = Counter(executed.values())
    summary = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    for low_precision in ("int8", "fp16"):
        wanted = [node for node, kind in requested.items() if kind == low_precision]
        other = [node for node in wanted if executed[node] != low_precision]
        if 100 * (len(wanted) - len(other)) < MIN_PERCENT * len(wanted):
            raise UserError(
                f"{plan} is refused: {len(other)} of the {len(wanted)} convolutions and matrix products that the graph "
                f"stores in {low_precision} would run in another type, or their type is not known (in all: {summary}), "
                f"such as {', '.join(other[:3])}. Expected {MIN_PERCENT} % in {low_precision}",
                fix="Build with another TensorRT, or in another precision.",
            )
    return summary


def layers_of_json(text: str) -> list[Layer]:
    """Layers of the engine inspector's JSON. Raises UserError for an engine built without detailed verbosity."""
    layers = json.loads(text)["Layers"]
    if any(isinstance(layer, str) for layer in layers):
        raise UserError(
            "the engine reports only the names of its layers",
            fix="Build it with detailed profiling verbosity, as `make convert` does, or with "
            "`trtexec --profilingVerbosity=detailed`.",
        )
    return list(layers)


def layers_of_log(message: str) -> list[Layer]:
    """Layers of the list that the builder logs, in the form of the inspector's JSON."""
    layers = []
    for line in message.splitlines():
        if match := LINE.match(line):
            types = re.findall(r"Datatype: (\w+)", match["inputs"].partition("Constants: ")[0])
            tactic = re.search(r"TacticName: ([^,]*),", line)
            layers.append(
                {
                    "Name": match["name"],
                    "LayerType": match["kind"],
                    "Inputs": [{"Datatype": each} for each in types],
                    "TacticName": tactic[1] if tactic else "",
                    "Metadata": line.rpartition("Metadata: ")[2],
                }
            )
    return layers


def _requested(node: onnx.NodeProto, producers: dict[str, onnx.NodeProto], weights: dict[str, int]) -> str:
    sources = [producers.get(name) for name in node.input[:2]]
    if all(source is not None and source.op_type == "DequantizeLinear" for source in sources):
        return "int8"
    return "fp16" if onnx.TensorProto.FLOAT16 in (weights.get(name) for name in node.input) else "fp32"


def _nodes_of(layer: Layer) -> list[str]:
    named = re.findall(r"\[ONNX Layer: ([^\]]+)\]", str(layer.get("Metadata", "")))
    return named or str(layer.get("Name", "")).split(" + ")


def _executed(layer: Layer) -> str:
    if kernel := KERNEL.search(str(layer.get("TacticName", ""))):
        return KERNEL_TYPES[kernel[1]]
    first = (layer.get("Inputs") or [{}])[0]
    # TensorRT 10 has Format/Datatype; 11 splits it, and spells the new field both ways.
    fields = {name.lower(): value for name, value in first.items()}
    types = [fields.get("datatype"), fields.get("format/datatype"), (layer.get("Weights") or {}).get("Type")]
    return next((name for text in types if text and (name := _type_in(text))), UNKNOWN)


def _type_in(text: str) -> str:
    return next((name for words, name in TYPE_PATTERNS if re.search(words, text, re.IGNORECASE)), "")
