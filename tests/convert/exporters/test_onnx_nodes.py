import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from convert.exporters.onnx_nodes import Tensors, change, has_no_pads, integers, is_padded_alike


def graph() -> onnx.GraphProto:
    """x is negated; y is read by the branches of a condition alone."""
    value = helper.make_tensor_value_info
    result = value("chosen", TensorProto.FLOAT, [2])
    branches = {
        f"{name}_branch": helper.make_graph([helper.make_node("Identity", ["y"], ["chosen"])], name, [], [result])
        for name in ("then", "else")
    }
    nodes = [helper.make_node("Neg", ["x"], ["y"]), helper.make_node("If", ["condition"], ["z"], **branches)]
    ends = [value("x", TensorProto.FLOAT, [2])], [value("z", TensorProto.FLOAT, [2])]
    return helper.make_graph(nodes, "graph", *ends, [numpy_helper.from_array(np.array(True), "condition")])


def test_what_branches_of_a_condition_read_is_read_elsewhere() -> None:
    tensors = Tensors(graph())
    assert tensors.is_read_once("x")
    assert tensors.is_read_elsewhere("y")
    assert not tensors.is_read_once("y")


def test_a_result_of_the_graph_is_read_elsewhere() -> None:
    tensors = Tensors(graph())
    assert tensors.is_read_elsewhere("z")
    assert tensors.producers["z"].op_type == "If"


def test_attributes_are_set_and_removed_and_the_others_stay() -> None:
    node = helper.make_node("Conv", ["x", "w"], ["y"], kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[1, 1])
    assert not is_padded_alike(node)
    change(node, auto_pad=None, strides=[2, 2])
    assert (integers(node, "kernel_shape"), integers(node, "strides"), integers(node, "pads")) == ([3, 3], [2, 2], [])
    assert has_no_pads(node)
    change(node, pads=[0, 0, 1, 1])
    assert is_padded_alike(node)
    assert not has_no_pads(node)
