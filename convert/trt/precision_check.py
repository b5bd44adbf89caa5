"""Proof of precision: the data type in which a plan runs each convolution and matrix product of its graph.

The compiler is asked, not believed: TensorRT's engine inspector lists the engine's layers as JSON; TensorRT-RTX, which
needs no GPU to build, lists the same in its verbose log. Each layer names the ONNX nodes it came from.
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
LEAST_PERCENT = 90
UNKNOWN = "unknown"
# A layer of these kinds may bear the name of a convolution whose weights it only moves or casts.
MOVES = {"kgen", "Reformat", "NoOp", "Constant"}
NAMES = (
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


def asked_types(model: onnx.ModelProto) -> Types:
    """Data type, by node, in which a graph asks for its convolutions and matrix products."""
    made_by = {output: node for node in model.graph.node for output in node.output}
    weights = {each.name: each.data_type for each in model.graph.initializer}
    return {node.name: _asked(node, made_by, weights) for node in model.graph.node if node.op_type in PRODUCTS}


def executed_types(layers: Iterable[Layer], nodes: Iterable[str]) -> Types:
    """Data type, by node, in which an engine runs them; "unknown" where no layer tells."""
    runs: dict[str, Layer] = {}
    for layer in layers:
        for node in _nodes_of(layer):
            if node not in runs or runs[node].get("LayerType") in MOVES:
                runs[node] = layer
    return {node: _executed(runs[node]) if node in runs else UNKNOWN for node in nodes}


def prove(asked: Types, executed: Types, plan: str) -> str:
    """Counts such as "53 int8, 2 fp32". Raises UserError when under 90 % of what was asked narrow runs narrow."""
    counts = Counter(executed.values())
    said = ", ".join(f"{count} {name}" for name, count in counts.most_common())
    for narrow in ("int8", "fp16"):
        wanted = [node for node, wish in asked.items() if wish == narrow]
        wide = [node for node in wanted if executed[node] != narrow]
        if 100 * (len(wanted) - len(wide)) < LEAST_PERCENT * len(wanted):
            raise UserError(
                f"{plan} was refused: {len(wide)} of the {len(wanted)} convolutions and matrix products that the graph "
                f"stores in {narrow} would run in another type, or do not tell theirs (in all: {said}), such as "
                f"{', '.join(wide[:3])}. "
                f"Expected {LEAST_PERCENT} % in {narrow}. Build with another TensorRT, or in another precision."
            )
    return said


def layers_of_json(text: str) -> list[Layer]:
    """Layers of the engine inspector's JSON. Raises UserError for an engine built without detailed verbosity."""
    layers = json.loads(text)["Layers"]
    if any(isinstance(layer, str) for layer in layers):
        raise UserError(
            "the engine tells only the names of its layers. Build it with detailed profiling verbosity, as "
            "`make convert` does, or with `trtexec --profilingVerbosity=detailed`."
        )
    return list(layers)


def layers_of_log(message: str) -> list[Layer]:
    """Layers of the list that the builder logs, in the words of the inspector's JSON."""
    found = []
    for line in message.splitlines():
        if match := LINE.match(line):
            types = re.findall(r"Datatype: (\w+)", match["inputs"].partition("Constants: ")[0])
            tactic = re.search(r"TacticName: ([^,]*),", line)
            found.append(
                {
                    "Name": match["name"],
                    "LayerType": match["kind"],
                    "Inputs": [{"Datatype": each} for each in types],
                    "TacticName": tactic[1] if tactic else "",
                    "Metadata": line.rpartition("Metadata: ")[2],
                }
            )
    return found


def _asked(node: onnx.NodeProto, made_by: dict[str, onnx.NodeProto], weights: dict[str, int]) -> str:
    sources = [made_by.get(name) for name in node.input[:2]]
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
    # TensorRT 10 says Format/Datatype; 11 splits it, and spells the new field both ways.
    fields = {name.lower(): value for name, value in first.items()}
    told = [fields.get("datatype"), fields.get("format/datatype"), (layer.get("Weights") or {}).get("Type")]
    return next((found for text in told if text and (found := _type_in(text))), UNKNOWN)


def _type_in(text: str) -> str:
    return next((name for words, name in NAMES if re.search(words, text, re.IGNORECASE)), "")
