import numpy as np
import onnx
import onnxruntime as ort
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from convert.exporters.onnx_nodes import change
from convert.exporters.padding import pad_in_pooling


def padded_pool(operator: str) -> onnx.ModelProto:
    """An operator, zero padding of one pixel on each side, and a max-pool: the start of a Keras ResNet."""
    nodes = [
        helper.make_node(operator, ["x"], ["r"], "activation"),
        helper.make_node("Pad", ["r", "widths"], ["p"], "pad"),
        helper.make_node("MaxPool", ["p"], ["y"], "pool", kernel_shape=[3, 3], strides=[2, 2]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "padded",
        [value("x", TensorProto.FLOAT, ["n", 2, 8, 8])],
        [value("y", TensorProto.FLOAT, ["n", 2, 4, 4])],
        [numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "widths")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=9)


def run(model: onnx.ModelProto, values: NDArray[np.generic]) -> NDArray[np.float32]:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def test_padding_after_a_relu_moves_into_the_pool_with_equal_results() -> None:
    values = np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32)
    model = padded_pool("Relu")
    before = run(model, values)
    pad_in_pooling(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Relu", "MaxPool"]
    np.testing.assert_array_equal(run(model, values), before)


def test_padding_stays_where_negative_values_are_possible() -> None:
    model = padded_pool("Tanh")
    pad_in_pooling(model.graph)
    assert [node.op_type for node in model.graph.node] == ["Tanh", "Pad", "MaxPool"]


def stays(model: onnx.ModelProto) -> bool:
    """Whether padding and results are what they were."""
    values = np.random.default_rng(0).normal(size=(3, 2, 8, 8)).astype(np.float32)
    before = run(model, values)
    pad_in_pooling(model.graph)
    np.testing.assert_array_equal(run(model, values), before)
    return "Pad" in [node.op_type for node in model.graph.node]


def test_padding_stays_where_the_pool_pads_too() -> None:
    model = padded_pool("Relu")
    change(model.graph.node[2], pads=[1, 1, 1, 1])
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    assert stays(model)


def test_padding_stays_where_another_node_reads_it() -> None:
    model = padded_pool("Relu")
    model.graph.node.append(helper.make_node("Neg", ["p"], ["negative"], "negative"))
    model.graph.output.append(helper.make_tensor_value_info("negative", TensorProto.FLOAT, None))
    assert stays(model)


@pytest.mark.parametrize("mode", ["reflect", "edge"])
def test_padding_with_other_values_than_zero_stays(mode: str) -> None:
    model = padded_pool("Relu")
    model.graph.node[1].attribute.append(helper.make_attribute("mode", mode))
    assert stays(model)


def test_padding_stays_where_the_pool_rounds_its_size_up() -> None:
    model = padded_pool("Relu")
    model.graph.node[2].attribute.append(helper.make_attribute("ceil_mode", 1))
    del model.graph.output[0].type.tensor_type.shape.dim[:]
    assert stays(model)
