import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.adopt.originals.free_batch import free_batch
from temper.errors import ArtifactError


def net(batch: int, shape: list[int], is_computed: bool = False) -> onnx.ModelProto:
    """[batch, 2, 4] reshaped; the shape is a constant, or computed from two of them."""
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"], "flatten")]
    weights = [numpy_helper.from_array(np.array(shape), "shape")]
    if is_computed:
        parts = [numpy_helper.from_array(np.array([each]), f"part{i}") for i, each in enumerate(shape)]
        nodes.insert(0, helper.make_node("Concat", [each.name for each in parts], ["shape"], "join", axis=0))
        weights = parts
    ends = (("x", [batch, 2, 4]), ("y", [batch, 8]))
    infos = [helper.make_tensor_value_info(name, TensorProto.FLOAT, lengths) for name, lengths in ends]
    graph = helper.make_graph(nodes, "net", infos[:1], infos[1:], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


@pytest.mark.parametrize(("batch", "shape"), [(1, [1, 8]), (1, [1, -1]), (2, [2, 8])])
@pytest.mark.parametrize("allowzero", [0, 1])
def test_a_reshape_with_the_batch_size_in_a_constant_takes_any_batch(
    batch: int, shape: list[int], allowzero: int
) -> None:
    model = net(batch, shape)
    model.graph.node[0].attribute.append(helper.make_attribute("allowzero", allowzero))
    free_batch(model, batch)
    values = np.arange(40, dtype=np.float32).reshape(5, 2, 4)
    result = ort.InferenceSession(model.SerializeToString()).run(None, {"x": values})[0]
    assert np.array_equal(result, values.reshape(5, 8))


def test_a_batch_size_that_the_graph_computes_with_is_refused_with_the_export_that_works() -> None:
    with pytest.raises(ArtifactError, match=r"(?s)flatten computes with this number.*dynamic_shapes"):
        free_batch(net(3, [3, 8], is_computed=True), 3)


def test_weights_that_are_reshaped_keep_their_shape() -> None:
    model = net(1, [1, 8])
    bias = np.arange(8, dtype=np.float32)
    model.graph.initializer.extend(
        [numpy_helper.from_array(bias, "bias"), numpy_helper.from_array(np.array([1, -1]), "row")]
    )
    model.graph.node.append(helper.make_node("Reshape", ["bias", "row"], ["bias_row"], "bias_row"))
    model.graph.node.append(helper.make_node("Add", ["y", "bias_row"], ["z"], "add"))
    model.graph.output[0].name = "z"
    free_batch(model, 1)
    values = np.arange(40, dtype=np.float32).reshape(5, 2, 4)
    result = ort.InferenceSession(model.SerializeToString()).run(None, {"x": values})[0]
    assert np.array_equal(result, values.reshape(5, 8) + bias)
