import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from convert.exporters.onnx_nodes import change
from convert.exporters.padding import pad_in_pooling
from tests.residual import padded_pool, run


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
