"""Turns fp32 in an ONNX graph into fp16: weights and computation in half precision, both ends in single precision.

ONNX Runtime's own converter casts what stays in single precision to half on its way (probabilities too), so the casts
are inserted here: one where the precision changes, none elsewhere.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Softmax sums exponentials, which half precision rounds visibly.
FP32_OPERATORS = ("Softmax",)
PRODUCTS = ("Conv", "Gemm", "MatMul")
SUFFIXES = {TensorProto.FLOAT: "single", TensorProto.FLOAT16: "half"}


def fp16_graph(model: onnx.ModelProto, fp32_nodes: frozenset[str] = frozenset()) -> onnx.ModelProto:
    """An fp32 model in half precision, converted in place; uint8 in, float32 out. In an int8 model, what is not int8.

    fp32_nodes: names of nodes that stay float32, because a value in them comes near 65504, the largest half. Pixels
    minus their mean stay float32 too: 8 bits minus a constant would lose their lowest bits.
    """
    first = next(i for i, node in enumerate(model.graph.node) if node.op_type in PRODUCTS)
    # What a product reads after a dequantization is in its own precision: a cast between them would prevent fusion.
    before = [node for node in list(model.graph.node)[:first] if node.op_type != "DequantizeLinear"]
    single = {node.name for node in before} | fp32_nodes
    ends = {end.name for end in model.graph.output}
    single |= {
        node.name for node in model.graph.node if node.op_type in FP32_OPERATORS or ends.intersection(node.output)
    }
    cast_to_fp16(model, single)
    onnx.checker.check_model(model, full_check=True)
    return model


def cast_to_fp16(model: onnx.ModelProto, fp32_nodes: set[str]) -> None:
    """Turn float32 into float16 in place, except in the nodes named; casts are inserted where the precision changes."""
    graph = model.graph
    floats = _float_tensors(model)
    constants = {each.name: each for each in graph.initializer if each.data_type == TensorProto.FLOAT}
    current = dict.fromkeys(floats, TensorProto.FLOAT)
    converted: dict[str, TensorProto] = {}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        wanted = TensorProto.FLOAT if node.name in fp32_nodes else TensorProto.FLOAT16
        for i, name in enumerate(node.input):
            if name in constants:
                converted[f"{name}_{SUFFIXES[wanted]}"] = _cast_constant(
                    constants[name], f"{name}_{SUFFIXES[wanted]}", wanted
                )
                node.input[i] = f"{name}_{SUFFIXES[wanted]}"
            elif name in floats and current[name] != wanted:
                node.input[i] = f"{name}_{SUFFIXES[wanted]}"
                if node.input[i] not in current:
                    nodes.append(helper.make_node("Cast", [name], [node.input[i]], node.input[i], to=wanted))
                    current[node.input[i]] = wanted
        if node.op_type != "Cast" or _cast_target(node) == TensorProto.FLOAT:
            current.update({name: wanted for name in node.output if name in floats})
        nodes.append(node)
    _replace(graph, nodes, converted, constants)
    del graph.value_info[:]


def _float_tensors(model: onnx.ModelProto) -> set[str]:
    graph = onnx.shape_inference.infer_shapes(model).graph
    known = [*graph.value_info, *graph.output]
    return {each.name for each in known if each.type.tensor_type.elem_type == TensorProto.FLOAT}


def _cast_constant(constant: TensorProto, name: str, wanted: int) -> TensorProto:
    kind = np.float32 if wanted == TensorProto.FLOAT else np.float16
    return numpy_helper.from_array(numpy_helper.to_array(constant).astype(kind), name)


def _cast_target(cast: onnx.NodeProto) -> int:
    return next(int(each.i) for each in cast.attribute if each.name == "to")


def _replace(
    graph: onnx.GraphProto,
    nodes: list[onnx.NodeProto],
    converted: dict[str, TensorProto],
    removed: dict[str, TensorProto],
) -> None:
    unchanged = [each for each in graph.initializer if each.name not in removed]
    # Protobuf frees a node with the list that holds it.
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del graph.node[:]
    graph.node.extend(copies)
    del graph.initializer[:]
    graph.initializer.extend([*unchanged, *converted.values()])
