"""An ONNX graph around another one: uint8 RGB pixels in, probabilities out, any batch size."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import CHANNELS, InputSpec
from convert.adopt.originals.channels import TO_BGR, reverse_channels
from convert.adopt.originals.free_batch import free_batch
from convert.exporters.onnx_export import finish, fold
from temper.card.adoption import OutputKind
from temper.errors import ArtifactError
from temper.runners.checks.failures import reason_of
from temper.runners.onnxruntime import open_session

PREFIX = "adopted_"


def write_wrapped(
    model: onnx.ModelProto,
    spec: InputSpec,
    normalization: Normalization,
    kind: OutputKind,
    outputs: int,
    target: Path,
) -> None:
    """Write the wrapped graph in the form of the exported ones: folded, opset 19 or later, ends named.

    outputs: numbers for each image; the graph need not declare them. Raises ArtifactError where the batch size cannot
    be made free, or the graph cannot be brought to the opset.
    """
    wrapped = onnx.ModelProto()
    wrapped.CopyFrom(model)
    _clean(wrapped)
    if spec.batch:
        free_batch(wrapped, spec.batch)
    _before(wrapped, spec, normalization)
    _after(wrapped.graph, kind, outputs)
    opset = next(each.version for each in wrapped.opset_import if each.domain in ("", "ai.onnx"))
    try:
        with tempfile.TemporaryDirectory() as scratch:
            raw = Path(scratch) / "raw.onnx"
            onnx.save(wrapped, raw)
            fold(raw, target)
        finish(target, opset)
    # The libraries raise what their C++ code raises.
    except Exception as error:
        if isinstance(error, (MemoryError, OSError)):
            raise
        raise ArtifactError(
            f"the graph cannot be wrapped: {reason_of(error)}", fix="Export it again with opset 19 or a later one."
        ) from error


def _clean(model: onnx.ModelProto) -> None:
    """Remove what exporters note about the machine and the code: it may name paths, and is part of the file."""
    graph = model.graph
    del graph.value_info[:], model.metadata_props[:], graph.metadata_props[:], model.functions[:]
    model.doc_string = graph.doc_string = ""
    for each in [*graph.node, *graph.input, *graph.output]:
        each.doc_string = ""
        del each.metadata_props[:]


def _before(model: onnx.ModelProto, spec: InputSpec, normalization: Normalization) -> None:
    """Put preprocessing and layout before the graph."""
    graph = model.graph
    old, name = graph.input[0].name, f"{PREFIX}images"
    is_bgr, factors, offsets = normalization.order == "BGR", normalization.factors, normalization.offsets
    nodes: list[onnx.NodeProto] = []

    def add(kind: str, *constants: NDArray[Any], **attributes: object) -> None:
        names = [f"{PREFIX}{kind.lower()}_{i}" for i, _ in enumerate(constants)]
        graph.initializer.extend(map(numpy_helper.from_array, constants, names))
        source = nodes[-1].output[0] if nodes else name
        nodes.append(helper.make_node(kind, [source, *names], [f"{PREFIX}{kind.lower()}"], PREFIX + kind, **attributes))

    if is_bgr and spec.dtype != "uint8" and _reverse_channels(model, spec, normalization):
        is_bgr, factors, offsets = False, factors[::-1], offsets[::-1]
    if is_bgr:
        add("Gather", np.array(TO_BGR), axis=3)
    if spec.dtype != "uint8":
        add("Cast", to=TensorProto.FLOAT)
        if set(factors) != {1.0}:
            add("Mul", np.array(factors, np.float32))
        if set(offsets) != {0.0}:
            add("Add", np.array(offsets, np.float32))
    if spec.layout == "NCHW":
        add("Transpose", perm=[0, 3, 1, 2])
    if not nodes:
        add("Identity")
    nodes[-1].output[0] = old
    inside = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend([*nodes, *inside])
    shape = ["batch", spec.size, spec.size, CHANNELS]
    graph.input.append(helper.make_tensor_value_info(name, TensorProto.UINT8, shape))


def _after(graph: onnx.GraphProto, kind: OutputKind, outputs: int) -> None:
    """Turn the output into probabilities [n, classes]."""
    output = graph.output[0]
    last, classes = output.name, 2 if kind in ("logit", "probability") else outputs
    if len(output.type.tensor_type.shape.dim) != 2:
        graph.node.append(helper.make_node("Flatten", [last], [f"{PREFIX}flat"], f"{PREFIX}Flatten", axis=1))
        last = f"{PREFIX}flat"
    if kind in ("logit", "probability"):
        last = _second_label(graph, last, kind)
    if kind in ("logits", "logit"):
        graph.node.append(helper.make_node("Softmax", [last], [f"{PREFIX}softmax"], f"{PREFIX}Softmax", axis=1))
        last = f"{PREFIX}softmax"
    del graph.output[:]
    graph.output.append(helper.make_tensor_value_info(last, TensorProto.FLOAT, ["batch", classes]))


def _second_label(graph: onnx.GraphProto, single: str, kind: OutputKind) -> str:
    """From one number to that of both labels, 1 - p and p, or the logits 0 and z; the name of the result."""
    sign, constant = (-1.0, 1.0) if kind == "probability" else (0.0, 0.0)
    for name, value in (("sign", sign), ("constant", constant)):
        graph.initializer.append(numpy_helper.from_array(np.array([value], np.float32), PREFIX + name))
    scaled, first, both = (PREFIX + name for name in ("scaled", "first", "both"))
    graph.node.extend(
        [
            helper.make_node("Mul", [single, f"{PREFIX}sign"], [scaled], f"{PREFIX}Scale"),
            helper.make_node("Add", [scaled, f"{PREFIX}constant"], [first], f"{PREFIX}First"),
            helper.make_node("Concat", [first, single], [both], f"{PREFIX}Both", axis=1),
        ]
    )
    return both


def _reverse_channels(model: onnx.ModelProto, spec: InputSpec, normalization: Normalization) -> bool:
    weights = {each.name: each for each in model.graph.initializer}
    kernel = next((weights.get(node.input[1]) for node in model.graph.node if node.op_type == "Conv"), None)
    if kernel is None or len(kernel.dims) != 4 or kernel.dims[1] != CHANNELS:
        return False

    def reverse() -> None:
        values = numpy_helper.to_array(kernel)
        kernel.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values[:, ::-1]), kernel.name))

    return reverse_channels(lambda inputs: _run(model, inputs, spec), reverse, spec, normalization)


def _run(model: onnx.ModelProto, inputs: NDArray[Any], spec: InputSpec) -> NDArray[Any]:
    values = np.ascontiguousarray(inputs.transpose(0, 3, 1, 2) if spec.layout == "NCHW" else inputs)
    session = open_session(model.SerializeToString())
    return np.asarray(session.run(None, {model.graph.input[0].name: values})[0])
