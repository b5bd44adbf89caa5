"""fp32 ONNX → fp16 ONNX: weights and compute in half precision, the two ends in single.

ONNX Runtime's own converter sends what is to stay single through half precision on its way (probabilities too), so
the casts are set here: one where the precision changes, none elsewhere.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from temper.storage.atomic import atomic_write

# Softmax sums exponentials, which half precision rounds visibly.
SINGLE_OPERATORS = ("Softmax",)
PRODUCTS = ("Conv", "Gemm", "MatMul")
NAMES = {TensorProto.FLOAT: "single", TensorProto.FLOAT16: "half"}


def to_fp16(source: Path, target: Path, keep: frozenset[str] = frozenset()) -> None:
    """Convert an fp32 ONNX model to half precision; uint8 in, float32 out.

    keep: names of nodes that stay float32, because a number in them comes near 65504, the largest half. Pixels minus
    their mean stay float32 too: 8 bits minus a constant would lose their lowest.
    """
    model = onnx.load(source)
    first = next(i for i, node in enumerate(model.graph.node) if node.op_type in PRODUCTS)
    single = {node.name for node in list(model.graph.node)[:first]} | keep
    single |= {node.name for node in model.graph.node if node.op_type in SINGLE_OPERATORS}
    halve(model, single)
    onnx.checker.check_model(model, full_check=True)
    with atomic_write(target) as path:
        onnx.save(model, path)


def halve(model: onnx.ModelProto, single: set[str]) -> None:
    """Turn float32 to float16 in place, except in the nodes named; casts stand where the precision changes."""
    graph = model.graph
    floats = _float_tensors(model)
    constants = {each.name: each for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    held = dict.fromkeys(floats, TensorProto.FLOAT)
    added: dict[str, TensorProto] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        wanted = TensorProto.FLOAT if node.name in single else TensorProto.FLOAT16
        for i, name in enumerate(node.input):
            if name in constants:
                added[f"{name}_{NAMES[wanted]}"] = _typed(constants[name], f"{name}_{NAMES[wanted]}", wanted)
                node.input[i] = f"{name}_{NAMES[wanted]}"
            elif name in floats and held[name] != wanted:
                node.input[i] = f"{name}_{NAMES[wanted]}"
                if node.input[i] not in held:
                    nodes.append(helper.make_node("Cast", [name], [node.input[i]], node.input[i], to=wanted))
                    held[node.input[i]] = wanted
        if node.op_type != "Cast" or _target(node) == TensorProto.FLOAT:
            held.update({name: wanted for name in node.output if name in floats})
        nodes.append(node)
    _replace(graph, nodes, added, constants)
    del graph.value_info[:]


def _float_tensors(model: onnx.ModelProto) -> set[str]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = [*graph.value_info, *graph.output]
    return {each.name for each in known if each.type.tensor_type.elem_type == TensorProto.FLOAT}


def _typed(constant: TensorProto, name: str, wanted: int) -> TensorProto:
    kind = np.float32 if wanted == TensorProto.FLOAT else np.float16
    return numpy_helper.from_array(numpy_helper.to_array(constant).astype(kind), name)


def _target(cast: onnx.NodeProto) -> int:
    return next(int(each.i) for each in cast.attribute if each.name == "to")


def _replace(
    graph: onnx.GraphProto, nodes: list[onnx.NodeProto], added: dict[str, TensorProto], dropped: dict[str, TensorProto]
) -> None:
    kept = [each for each in graph.initializer if each.name not in dropped]
    # Protobuf frees a node with the list that holds it.
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    del graph.initializer[:]
    graph.initializer.extend([*kept, *added.values()])
