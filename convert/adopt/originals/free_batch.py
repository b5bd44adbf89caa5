"""A graph that was exported for one batch size, for any."""

import numpy as np
import onnx
from onnx import numpy_helper

from temper.errors import ArtifactError


def free_batch(model: onnx.ModelProto, batch: int) -> None:
    """Make the first length of the input and of what is computed from it free, in place.

    Shapes that a reshape has as constants begin with the batch size, which is then the one that is left. Raises
    ArtifactError where the output keeps a fixed batch size: its graph computes with it.
    """
    graph = model.graph
    for end in (graph.input[0], graph.output[0]):
        # The shape of an output need not be declared.
        for first in end.type.tensor_type.shape.dim[:1]:
            first.Clear()
            first.dim_param = "batch"
    constants = {each.name: each for each in graph.initializer}
    constants |= {
        node.output[0]: attribute.t
        for node in graph.node
        if node.op_type == "Constant"
        for attribute in node.attribute
        if attribute.name == "value"
    }
    # Weights, too, may be brought into a shape that begins with 1: they stay as they are.
    reshapes = [each for each in graph.node if each.op_type == "Reshape" and each.input[0] not in constants]
    for node in [each for each in reshapes if each.input[1] in constants]:
        _free_reshape(node, constants[node.input[1]], batch, graph)
    del graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(model, data_prop=True)
    fixed = [
        node.name or node.op_type
        for node in reshapes
        if not _first(inferred.graph, node.input[0]) and _first(inferred.graph, node.output[0]) == batch
    ]
    if fixed:
        raise ArtifactError(
            f"the graph takes batches of {batch} only, and {fixed[0]} computes with this number",
            fix="Export it with a free batch size, from two images or more:\n"
            "    torch.onnx.export(model, images, 'model.onnx', dynamic_shapes=({0: torch.export.Dim('batch')},))",
        )


def _free_reshape(node: onnx.NodeProto, shape: onnx.TensorProto, batch: int, graph: onnx.GraphProto) -> None:
    lengths = numpy_helper.to_array(shape).copy()
    if lengths.size < 2 or lengths[0] != batch:
        return
    if -1 in lengths[1:]:
        # 0 stands for the length of the input, unless the attribute says otherwise.
        others = [each for each in node.attribute if each.name != "allowzero"]
        del node.attribute[:]
        node.attribute.extend(others)
        lengths[0] = 0
    else:
        lengths[0] = -1
    name = f"{node.name or node.output[0]}_free"
    graph.initializer.append(numpy_helper.from_array(np.asarray(lengths), name))
    node.input[1] = name


def _first(graph: onnx.GraphProto, name: str) -> int:
    """The first length of a tensor; 0 where it is free or not known."""
    for each in [*graph.value_info, *graph.output]:
        if each.name == name and each.type.tensor_type.shape.dim:
            return int(each.type.tensor_type.shape.dim[0].dim_value)
    return 0
