from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from temper.artifact import Artifact
from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT, X86_SCALES
from temper.runners.onnx_x86 import INT8_PRODUCTS, rewrite_for_x86
from temper.runners.onnxruntime import open_session
from tests import tiny

IMAGES: Images = np.random.default_rng(1).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
# The range of every activation of `network`.
RANGE = 4.0


@pytest.fixture
def int8(bundle: Path) -> Path:
    pipeline = tiny.pipeline_of(bundle, calibration_method="max")
    return pipeline.build(Artifact.at(bundle).sibling("int8", ".onnx"), "int8").path


def run(model: bytes) -> np.ndarray:
    return np.asarray(open_session(model).run(None, {INPUT: IMAGES})[0])


def without_scales(path: Path) -> bytes:
    model = onnx.load(path)
    onnx.helper.set_model_props(model, {X86_SCALES: "{}"})
    return bytes(model.SerializeToString())


def test_without_inserted_pairs_a_rewritten_model_differs_by_less_than_int8_rounds(int8: Path) -> None:
    expected = run(int8.with_name("model.fp32.onnx").read_bytes())
    original, rewritten = run(int8.read_bytes()), run(rewrite_for_x86(without_scales(int8)))
    assert 0 < np.abs(original - rewritten).max() < 0.5 * np.abs(original - expected).max()


def test_the_rewritten_model_is_valid_and_uses_uint8_activations(int8: Path) -> None:
    model = onnx.load_from_string(rewrite_for_x86(int8.read_bytes()))
    onnx.checker.check_model(model, full_check=True)
    # The last one is read by the pooling before the head, in floating point.
    assert [node.op_type for node in model.graph.node].count("Relu") == 1
    activations = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert {node.input[2] for node in activations} == {"uint8_zero_point", "uint8_zero"}


def test_each_residual_addition_reads_two_quantized_inputs(int8: Path) -> None:
    graph = onnx.load_from_string(rewrite_for_x86(int8.read_bytes())).graph
    producers = {name: node.op_type for node in graph.node for name in node.output}
    (addition,) = (node for node in graph.node if node.op_type == "Add")
    assert [producers[name] for name in addition.input] == ["DequantizeLinear", "DequantizeLinear"]


def test_every_convolution_is_executed_in_int8(int8: Path, tmp_path: Path) -> None:
    optimized = tmp_path / "optimized.onnx"
    open_session(rewrite_for_x86(int8.read_bytes()), target=str(optimized))
    kinds = [node.op_type for node in onnx.load(optimized).graph.node]
    assert kinds.count("QLinearConv") == 3
    assert "Conv" not in kinds and "FusedConv" not in kinds
    assert "QLinearConv" in INT8_PRODUCTS


def network(
    activation: list[onnx.NodeProto], constants: dict[str, float], read: str = "z_dequantized"
) -> onnx.ModelProto:
    """A convolution x → y, an activation y → z, and z quantized for another convolution. read: the second output."""
    pair = ["z", "scale", "zero"], ["z_quantized", "scale", "zero"]
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["y"], "first"),
        *activation,
        helper.make_node("QuantizeLinear", pair[0], ["z_quantized"]),
        helper.make_node("DequantizeLinear", pair[1], ["z_dequantized"]),
        helper.make_node("Conv", ["z_dequantized", "w"], ["out"], "second"),
        helper.make_node("Identity", [read], ["other"], "reader"),
    ]
    values = {"scale": np.float32(RANGE / 127), "zero": np.int8(0), **{k: np.float32(v) for k, v in constants.items()}}
    values["w"] = np.eye(2, dtype=np.float32)[:, :, None, None]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2, "h", "w"]) for name in ("x", "out", "other")
    ]
    graph = helper.make_graph(
        nodes, "graph", ends[:1], ends[1:], [numpy_helper.from_array(np.asarray(v), k) for k, v in values.items()]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def clip(low: str, high: str) -> list[onnx.NodeProto]:
    return [helper.make_node("Clip", ["y", low, high], ["z"], "activation")]


def constant(name: str, value: float) -> onnx.NodeProto:
    return helper.make_node("Constant", [], [name], value=numpy_helper.from_array(np.float32(value)))


RELU = [helper.make_node("Relu", ["y"], ["z"], "activation")]
X = np.linspace(-RANGE, RANGE, 800, dtype=np.float32).reshape(1, 2, 20, 20)


@pytest.mark.parametrize(
    ("activation", "constants", "is_removed"),
    [
        (RELU, {}, True),
        (clip("low", "high"), {"low": 0, "high": RANGE}, True),
        (clip("low", "high"), {"low": 0, "high": RANGE + 1}, True),
        (clip("low", ""), {"low": 0}, True),
        # The pair reaches further than the activation.
        (clip("low", "high"), {"low": 0, "high": RANGE - 1}, False),
        # Values above zero alone, which no pair cuts off.
        (clip("low", "high"), {"low": 0.5, "high": RANGE}, False),
        (clip("low", "high"), {"low": -1, "high": RANGE}, False),
        (clip("", "high"), {"high": RANGE}, False),
        ([constant("high", RANGE - 1), *clip("low", "high")], {"low": 0}, False),
    ],
)
def test_an_activation_is_removed_only_where_the_pair_does_the_same(
    activation: list[onnx.NodeProto], constants: dict[str, float], is_removed: bool
) -> None:
    model = network(activation, constants)
    rewritten = onnx.load_from_string(rewrite_for_x86(model.SerializeToString()))
    onnx.checker.check_model(rewritten, full_check=True)
    assert ("activation" not in {node.name for node in rewritten.graph.node}) == is_removed
    for before, after in zip(outputs(model), outputs(rewritten), strict=True):
        # Half a step of int8 between the original and the exact value, half a step of uint8 after the rewrite.
        assert np.abs(before - after).max() <= RANGE / 127 * 0.76


@pytest.mark.parametrize("is_output", [False, True])
def test_an_activation_that_something_else_reads_stays_and_is_not_cut_off(is_output: bool) -> None:
    model = network(RELU, {}, "z_dequantized" if is_output else "z")
    if is_output:
        model.graph.output.append(helper.make_tensor_value_info("z", TensorProto.FLOAT, ["n", 2, "h", "w"]))
    (scale,) = (each for each in model.graph.initializer if each.name == "scale")
    scale.CopyFrom(numpy_helper.from_array(np.float32(RANGE / 4 / 127), "scale"))
    rewritten = onnx.load_from_string(rewrite_for_x86(model.SerializeToString()))
    onnx.checker.check_model(rewritten, full_check=True)
    before, after = outputs(model)[-1], outputs(rewritten)[-1]
    assert before.max() == pytest.approx(RANGE)
    assert np.array_equal(before, after)


def test_a_pair_without_zero_point_is_uint8_already_and_stays() -> None:
    model = network(RELU, {})
    for node in model.graph.node:
        if node.op_type.endswith("Linear"):
            del node.input[2]
    rewritten = onnx.load_from_string(rewrite_for_x86(model.SerializeToString()))
    assert [np.array_equal(*both) for both in zip(outputs(model), outputs(rewritten), strict=True)] == [True, True]


@pytest.mark.parametrize(
    "nodes",
    [
        [helper.make_node("Sigmoid", ["y"], ["z"])],
        [helper.make_node("HardSigmoid", ["y"], ["z"])],
        [
            helper.make_node("Relu", ["y"], ["positive"]),
            helper.make_node("MaxPool", ["positive"], ["z"], kernel_shape=[1, 1]),
        ],
    ],
    ids=["sigmoid", "hard sigmoid", "ReLU before max pooling"],
)
def test_what_no_pair_can_absorb_but_is_never_negative_gets_all_steps(nodes: list[onnx.NodeProto]) -> None:
    rewritten = onnx.load_from_string(rewrite_for_x86(network(nodes, {}).SerializeToString()))
    assert [node.op_type for node in rewritten.graph.node][1 : 1 + len(nodes)] == [node.op_type for node in nodes]
    assert {node.input[2] for node in rewritten.graph.node if node.op_type == "QuantizeLinear"} == {"uint8_zero"}


def outputs(model: onnx.ModelProto) -> list[np.ndarray]:
    return [np.asarray(each) for each in open_session(model.SerializeToString()).run(None, {"x": X})]


def test_what_is_never_negative_gets_twice_as_many_steps() -> None:
    rewritten = onnx.load_from_string(rewrite_for_x86(network(RELU, {}).SerializeToString()))
    exact = np.clip(X, 0, RANGE)
    before, after = (outputs(each)[0] for each in (network(RELU, {}), rewritten))
    assert len(np.unique(after)) > 1.9 * len(np.unique(before))
    assert np.abs(after - exact).max() <= RANGE / 255 / 2 + 1e-6 < np.abs(before - exact).max()
