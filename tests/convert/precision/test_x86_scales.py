import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.precision.qdq import quantize, ranged_tensors, with_ranges
from convert.precision.x86_scales import add_x86_scales
from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT, X86_SCALES
from temper.runners.onnx_x86 import rewrite_for_x86
from temper.runners.onnxruntime import open_session
from tests.tiny import max_ranges

IMAGES: Images = np.random.default_rng(0).integers(0, 256, (16, 8, 8, 3), dtype=np.uint8)
CHANNELS = 8


def weights(random: np.random.Generator, *shape: int) -> np.ndarray:
    return random.normal(0, np.prod(shape[1:]) ** -0.5, shape).astype(np.float32)


@pytest.fixture(scope="module")
def fp32(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """ReLU6, a depthwise convolution, hard-swish, squeeze-and-excitation, a residual addition, a head."""
    node, random = helper.make_node, np.random.default_rng(1)
    constants = {
        "scale": np.float32(1 / 64), "zero": np.float32(0), "three": np.float32(3), "six": np.float32(6),
        "w0": weights(random, CHANNELS, 3, 3, 3), "w1": weights(random, CHANNELS, 1, 3, 3),
        "w2": weights(random, CHANNELS, CHANNELS, 1, 1), "w3": weights(random, CHANNELS, CHANNELS, 1, 1),
        "w4": weights(random, CHANNELS, CHANNELS, 1, 1), "head": weights(random, 2, CHANNELS).T,
    }  # fmt: skip
    nodes = [
        node("Cast", [INPUT], ["float"], "cast", to=TensorProto.FLOAT),
        node("Mul", ["float", "scale"], ["scaled"], "normalize"),
        node("Transpose", ["scaled"], ["planes"], "transpose", perm=[0, 3, 1, 2]),
        node("Conv", ["planes", "w0"], ["c0"], "stem", pads=[1, 1, 1, 1]),
        node("Clip", ["c0", "zero", "six"], ["r0"], "stem_relu6"),
        node("Conv", ["r0", "w1"], ["c1"], "depthwise", pads=[1, 1, 1, 1], group=CHANNELS),
        node("Add", ["c1", "three"], ["plus"], "plus_three"),
        node("Clip", ["plus", "zero", "six"], ["gate"], "hard_sigmoid"),
        node("Mul", ["c1", "gate"], ["swish"], "hard_swish"),
        node("GlobalAveragePool", ["swish"], ["squeezed"], "squeeze"),
        node("Conv", ["squeezed", "w2"], ["c2"], "excite"),
        node("Sigmoid", ["c2"], ["weight"], "sigmoid"),
        node("Mul", ["swish", "weight"], ["excited"], "weighted"),
        node("Conv", ["excited", "w3"], ["c3"], "project"),
        node("Add", ["r0", "c3"], ["sum"], "residual"),
        node("Conv", ["sum", "w4"], ["c4"], "top"),
        node("Clip", ["c4", "zero", "six"], ["r4"], "top_relu6"),
        node("ReduceMean", ["r4", "axes"], ["pooled"], "pool", keepdims=0),
        node("MatMul", ["pooled", "head"], ["logits"], "probabilities_layer"),
        node("Softmax", ["logits"], ["probabilities"], "softmax"),
    ]
    ends = [
        [helper.make_tensor_value_info(INPUT, TensorProto.UINT8, ["batch", 8, 8, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["batch", 2])],
    ]
    stored = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    stored.append(numpy_helper.from_array(np.array([2, 3]), "axes"))
    graph = helper.make_graph(nodes, "blocks", *ends, stored)
    path = tmp_path_factory.mktemp("blocks") / "fp32.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def int8(fp32: Path) -> onnx.ModelProto:
    return quantize(onnx.load(fp32), max_ranges(fp32, IMAGES))


def test_convolutions_of_vectors_stay_in_floating_point(int8: onnx.ModelProto) -> None:
    producers = {name: node.op_type for node in int8.graph.node for name in node.output}
    products = {
        node.name: producers.get(node.input[1]) for node in int8.graph.node if node.op_type in ("Conv", "MatMul")
    }
    in_float = {name for name, source in products.items() if source != "DequantizeLinear"}
    assert in_float == {"excite", "probabilities_layer"}


def test_nothing_stands_between_a_convolution_and_its_relu6(int8: onnx.ModelProto) -> None:
    readers = {name: node.op_type for node in int8.graph.node for name in node.input}
    assert readers["c0"] == readers["c4"] == "Clip"
    assert readers["c1"] in ("Add", "Mul")


def test_the_scales_are_those_of_results_that_nothing_quantizes(fp32: Path, int8: onnx.ModelProto) -> None:
    scales = add_x86_scales(int8.graph, max_ranges(fp32, IMAGES))
    # Before hard-swish, before the addition, and before the pooling.
    assert scales == {"c1": "c1_scale", "c3": "c3_scale", "r4": "r4_scale"}
    stored = [each.name for each in int8.graph.initializer]
    assert len(stored) == len(set(stored)) and set(scales.values()) <= set(stored)


def test_the_ranges_of_constants_vectors_and_gates_are_not_measured(fp32: Path, int8: onnx.ModelProto) -> None:
    measured, ranges = set(ranged_tensors(onnx.load(fp32).graph)), max_ranges(fp32, IMAGES)
    assert measured.isdisjoint({"three", "plus", "gate", "logits", "w0"})
    assert quantize(onnx.load(fp32), {name: ranges[name] for name in measured}) == int8
    narrow = {name: limit / 3 for name, limit in ranges.items()}
    assert with_ranges(int8, narrow) == quantize(onnx.load(fp32), narrow)


def test_every_convolution_of_an_image_runs_in_int8_on_x86(fp32: Path, int8: onnx.ModelProto, tmp_path: Path) -> None:
    content = rewrite_for_x86(int8.SerializeToString())
    optimized = tmp_path / "optimized.onnx"
    predicted = open_session(content, target=str(optimized)).run(None, {INPUT: IMAGES})[0]
    expected = open_session(fp32.read_bytes()).run(None, {INPUT: IMAGES})[0]
    kinds = [node.op_type for node in onnx.load(optimized).graph.node]
    assert kinds.count("QLinearConv") == 4
    # The convolution of squeeze-and-excitation, and the head.
    assert sum(kind in ("Conv", "FusedConv", "MatMul", "Gemm") for kind in kinds) == 2
    # The Clip of hard-swish alone is left.
    assert kinds.count("Clip") == 1
    assert np.ptp(expected, axis=0).max() > 0.01
    assert np.abs(predicted - expected).max() < 0.1 * np.ptp(expected, axis=0).max()


def test_a_layer_that_stays_in_floating_point_may_share_its_weights(fp32: Path, tmp_path: Path) -> None:
    model = onnx.load(fp32)
    layers = {node.name: node for node in model.graph.node}
    layers["top"].input[1] = "w3"
    onnx.save(model, tmp_path / "shared.onnx")
    ranges = max_ranges(tmp_path / "shared.onnx", IMAGES)
    quantized = quantize(onnx.load(tmp_path / "shared.onnx"), ranges, frozenset({"top"}))
    read = {node.name: node.input[1] for node in quantized.graph.node if node.op_type == "Conv"}
    assert read["top"] == "w3" != read["project"]
    expected, predicted = (
        open_session(each.SerializeToString()).run(None, {INPUT: IMAGES})[0] for each in (model, quantized)
    )
    assert np.abs(predicted - expected).max() < 0.1 * np.ptp(expected, axis=0).max()


def test_in_a_block_with_a_projection_the_shorter_path_is_quantized(fp32: Path, tmp_path: Path) -> None:
    model = onnx.load(fp32)
    position = next(i for i, node in enumerate(model.graph.node) if node.name == "residual")
    model.graph.node[position].input[0] = "projected"
    model.graph.node.insert(position, helper.make_node("Conv", ["r0", "w2"], ["projected"], "projection"))
    onnx.save(model, tmp_path / "projection.onnx")
    quantized = quantize(model, max_ranges(tmp_path / "projection.onnx", IMAGES)).graph
    producers = {name: node for node in quantized.node for name in node.output}
    addition = next(node for node in quantized.node if node.name == "residual")
    assert [producers[name].name.split("_")[0] for name in addition.input if name == "c3"] == ["project"]
    assert {producers[name].op_type for name in addition.input} == {"Conv", "DequantizeLinear"}


def test_what_a_layer_in_floating_point_reads_is_not_rounded_on_x86(fp32: Path) -> None:
    int8 = quantize(onnx.load(fp32), max_ranges(fp32, IMAGES), frozenset({"depthwise"}))
    scales = json.loads({each.key: each.value for each in int8.metadata_props}[X86_SCALES])
    # The stem's result is read by the depthwise convolution, and by an addition through a pair of its own.
    assert set(scales) == {"c3", "r4"}
    rewritten = onnx.load_from_string(rewrite_for_x86(int8.SerializeToString())).graph
    producers = {name: node.op_type for node in rewritten.node for name in node.output}
    read = {node.name: node.input[0] for node in rewritten.node}
    assert producers[read["depthwise"]] == "Clip"
    assert producers[read["project"]] == "DequantizeLinear"


def graph_of(*nodes: onnx.NodeProto, scales: dict[str, float]) -> onnx.GraphProto:
    stored = [numpy_helper.from_array(np.float32(value), name) for name, value in scales.items()]
    return helper.make_graph(list(nodes), "graph", [], [], stored)


def pair(tensor: str) -> list[onnx.NodeProto]:
    node, parameters = helper.make_node, [f"{tensor}_scale", "zero"]
    return [
        node("QuantizeLinear", [tensor, *parameters], [f"{tensor}_q"]),
        node("DequantizeLinear", [f"{tensor}_q", *parameters], [f"{tensor}_dq"]),
    ]


def test_a_result_that_is_quantized_for_one_reader_and_added_by_another_has_that_scale() -> None:
    node = helper.make_node
    nodes = [
        *pair("x"), node("Conv", ["x_dq", "w"], ["a"]), *pair("a"), node("Conv", ["a_dq", "w"], ["b"]),
        node("Add", ["a", "b"], ["sum"]),
    ]  # fmt: skip
    graph = graph_of(*nodes, scales={"x_scale": 1, "a_scale": 1})
    assert add_x86_scales(graph, {"a": 3, "b": 2}) == {"a": "a_scale", "b": "b_scale"}


def test_an_activation_is_part_of_a_convolution_only_where_nothing_else_reads_the_result() -> None:
    node = helper.make_node
    nodes = [
        *pair("x"), node("Conv", ["x_dq", "w"], ["a"]), node("Relu", ["a"], ["r"]), node("Add", ["a", "r"], ["sum"]),
    ]  # fmt: skip
    assert add_x86_scales(graph_of(*nodes, scales={"x_scale": 1}), {"a": 3, "r": 3}) == {"a": "a_scale"}


def test_a_result_that_was_always_zero_has_a_scale_that_can_be_divided_by() -> None:
    node = helper.make_node
    nodes = [*pair("x"), node("Conv", ["x_dq", "w"], ["a"]), node("GlobalAveragePool", ["a"], ["pooled"])]
    graph = graph_of(*nodes, scales={"x_scale": 1})
    assert add_x86_scales(graph, {"a": 0}) == {"a": "a_scale"}
    assert {each.name: float(numpy_helper.to_array(each)) for each in graph.initializer}["a_scale"] == 1
