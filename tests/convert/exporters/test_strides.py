"""Strides move where that saves work and changes no result."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import openvino as ov
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.exporters.onnx_nodes import change
from convert.exporters.strides import stride_early
from temper.runners.onnx_x86 import rewrite_for_x86, use_uint8
from tests.residual import CHANNELS, pixels, quantized, residual_blocks, run


def strides(model: onnx.ModelProto) -> dict[str, int]:
    """The nodes with a stride above 1."""
    found = {n.name: each.ints[0] for n in model.graph.node for each in n.attribute if each.name == "strides"}
    return {name: stride for name, stride in found.items() if stride > 1}


@pytest.mark.parametrize("size", [16, 15])
def test_strides_after_a_block_move_into_it_with_equal_results(size: int) -> None:
    model = residual_blocks(size)
    before = run(model, pixels(size))
    stride_early(model)
    onnx.checker.check_model(model, full_check=True)
    # The 3x3 convolution computes a quarter of the places.
    assert strides(model) == {"b2": 2, "a_out_strided_2x2": 2}
    np.testing.assert_allclose(run(model, pixels(size)), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tensor", ["b_out", "b_add"])
def test_strides_stay_where_a_complete_result_is_read_elsewhere(tensor: str) -> None:
    model = residual_blocks()
    model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, ["n", CHANNELS, 16, 16]))
    stride_early(model)
    assert strides(model) == {"c0": 2, "c1": 2}


def test_strides_move_no_further_than_to_what_is_read_once() -> None:
    model = residual_blocks()
    model.graph.output.append(helper.make_tensor_value_info("b2_relu", TensorProto.FLOAT, ["n", CHANNELS, 16, 16]))
    before = run(model, pixels(16))
    stride_early(model)
    assert strides(model) == {"b3": 2, "a_out_strided_2x2": 2}
    np.testing.assert_allclose(run(model, pixels(16)), before, rtol=1e-5, atol=1e-5)


def test_strides_stay_where_another_reader_has_none() -> None:
    model = residual_blocks()
    (reader,) = [node for node in model.graph.node if node.name == "c1"]
    next(each for each in reader.attribute if each.name == "strides").ints[:] = [1, 1]
    stride_early(model)
    assert strides(model) == {"c0": 2}


@pytest.mark.parametrize(
    "attributes",
    [{"dilations": [2, 2], "pads": [2, 2, 2, 2]}, {"pads": [0, 1, 2, 1]}, {"pads": [2, 2, 0, 0]}],
    ids=["dilation", "uneven padding", "padding at one side"],
)
@pytest.mark.parametrize("size", [16, 15])
def test_the_convolution_that_gets_the_strides_may_be_any(size: int, attributes: dict[str, list[int]]) -> None:
    model = residual_blocks(size)
    (convolution,) = [node for node in model.graph.node if node.name == "b2"]
    change(convolution, **attributes)
    before = run(model, pixels(size))
    stride_early(model)
    assert strides(model) == {"b2": 2, "a_out_strided_2x2": 2}
    np.testing.assert_allclose(run(model, pixels(size)), before, rtol=1e-5, atol=1e-5)


def test_both_inputs_of_an_addition_may_be_convolutions() -> None:
    model = residual_blocks()
    (addition,) = [node for node in model.graph.node if node.name == "b_add"]
    projection = helper.make_node("Conv", ["a_out", "a3_w"], ["projected"], "projection", kernel_shape=[1, 1])
    addition.input[1] = "projected"
    model.graph.node.insert(list(model.graph.node).index(addition), projection)
    before = run(model, pixels(16))
    stride_early(model)
    assert strides(model) == {"b2": 2, "projection": 2}
    np.testing.assert_allclose(run(model, pixels(16)), before, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(), (CHANNELS, 16, 16), (1, CHANNELS, 16, 16)], ids=str)
def test_strides_stay_where_a_constant_is_added(shape: tuple[int, ...]) -> None:
    model = residual_blocks()
    (addition,) = [node for node in model.graph.node if node.name == "b_add"]
    addition.input[1] = "constant"
    model.graph.initializer.append(numpy_helper.from_array(np.full(shape, 0.5, np.float32), "constant"))
    before = run(model, pixels(16))
    stride_early(model)
    assert strides(model) == {"c0": 2, "c1": 2}
    np.testing.assert_array_equal(run(model, pixels(16)), before)


def test_additions_of_one_tensor_share_its_pooling() -> None:
    model = residual_blocks()
    copies = []
    for node in model.graph.node:
        if node.name in ("b1", "b1_relu", "b2", "b2_relu", "b3", "b_add", "b_out", "c0", "c1"):
            copy = onnx.NodeProto.FromString(node.SerializeToString())
            copy.name = f"{node.name}_again"
            inner = {name for name in node.input if name.startswith(("b", "c")) and "_w" not in name}
            copy.input[:] = [f"{name}_again" if name in inner else name for name in node.input]
            copy.output[:] = [copy.name]
            copies.append(copy)
    (features,) = [node for node in model.graph.node if node.name == "features"]
    at = list(model.graph.node).index(features)
    for copy in reversed(copies):
        model.graph.node.insert(at, copy)
    (features,) = [node for node in model.graph.node if node.name == "features"]
    features.input[:] = ["c0", "c1_again"]
    before = run(model, pixels(16))
    # What nothing reads would not be checked.
    stride_early(model)
    onnx.checker.check_model(model, full_check=True)
    assert strides(model) == {"b2": 2, "b2_again": 2, "a_out_strided_2x2": 2}
    np.testing.assert_allclose(run(model, pixels(16)), before, rtol=1e-5, atol=1e-5)


def test_strides_stay_where_a_branch_of_a_condition_reads_the_tensor() -> None:
    model = residual_blocks()
    result = helper.make_tensor_value_info("chosen", TensorProto.FLOAT, None)
    branches = [
        helper.make_graph([helper.make_node(operator, ["b_out"], ["chosen"])], operator, [], [result])
        for operator in ("Identity", "Neg")
    ]
    model.graph.initializer.append(numpy_helper.from_array(np.array(True), "condition"))
    (features,) = [node for node in model.graph.node if node.name == "features"]
    branch = helper.make_node("If", ["condition"], ["complete"], then_branch=branches[0], else_branch=branches[1])
    model.graph.node.insert(list(model.graph.node).index(features), branch)
    model.graph.output.append(helper.make_tensor_value_info("complete", TensorProto.FLOAT, None))
    stride_early(model)
    assert strides(model) == {"c0": 2, "c1": 2}


def test_strides_stay_where_padding_depends_on_them() -> None:
    model = residual_blocks(15)
    for node in model.graph.node:
        if node.name in ("b2", "b3"):
            kept = [each for each in node.attribute if each.name != "pads"]
            del node.attribute[:]
            node.attribute.extend([*kept, helper.make_attribute("auto_pad", "SAME_UPPER")])
    before = run(model, pixels(15))
    stride_early(model)
    assert strides(model) == {"c0": 2, "c1": 2}
    np.testing.assert_allclose(run(model, pixels(15)), before, rtol=1e-5, atol=1e-5)


def test_int8_is_pooled_in_int8_by_onnx_runtime(tmp_path: Path) -> None:
    model = residual_blocks()
    stride_early(model)
    options = ort.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    options.log_severity_level = 3
    ort.InferenceSession(rewrite_for_x86(quantized(model, pixels(16), tmp_path).SerializeToString()), options)
    operators = [node.op_type for node in onnx.load(options.optimized_model_filepath).graph.node]
    assert "NhwcMaxPool" in operators
    assert "MaxPool" not in operators
    assert operators.count("QLinearConv") == 9


def test_openvino_executes_every_convolution_in_int8(tmp_path: Path) -> None:
    """With strides after the addition it inserts poolings of its own, and two convolutions are not in int8."""
    model = residual_blocks()
    stride_early(model)
    int8 = quantized(model, pixels(16), tmp_path)
    use_uint8(int8.graph)
    compiled = ov.Core().compile_model(ov.Core().read_model(int8.SerializeToString()), "CPU")
    kinds = [each.get_rt_info() for each in compiled.get_runtime_model().get_ops()]
    executed = [
        str(each["primitiveType"].astype(str)) for each in kinds if each["layerType"].astype(str) == "Convolution"
    ]
    assert len(executed) == 9
    assert all(each.endswith(("I8", "i8")) for each in executed), executed
