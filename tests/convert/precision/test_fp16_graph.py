from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from convert.precision.fp16_graph import fp16_graph
from convert.precision.qdq import quantize
from tests import tiny


@pytest.fixture
def fp32(made_bundle: Path) -> onnx.ModelProto:
    return onnx.load(made_bundle.with_name("model.fp32.onnx"))


@pytest.fixture
def fp16(fp32: onnx.ModelProto) -> onnx.ModelProto:
    copy = onnx.ModelProto()
    copy.CopyFrom(fp32)
    return fp16_graph(copy)


def test_weights_are_half_precision_and_the_mean_is_single_precision(fp16: onnx.ModelProto) -> None:
    kinds = {each.name: each.data_type for each in fp16.graph.initializer}
    assert kinds.pop("mean_single") == TensorProto.FLOAT
    assert set(kinds.values()) == {TensorProto.FLOAT16}


def test_two_casts_are_added_and_no_more(fp16: onnx.ModelProto) -> None:
    assert Counter(node.op_type for node in fp16.graph.node)["Cast"] == 1 + 2


def test_softmax_and_the_output_stay_in_single_precision(fp16: onnx.ModelProto) -> None:
    assert fp16.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    softmax = next(node for node in fp16.graph.node if node.op_type == "Softmax")
    assert softmax.input[0].endswith("_single")


def test_an_excluded_node_computes_in_single_precision(fp32: onnx.ModelProto) -> None:
    kinds = {each.name: each.data_type for each in fp16_graph(fp32, frozenset({"block_1"})).graph.initializer}
    assert kinds["w1_single"] == TensorProto.FLOAT
    assert kinds["w2_half"] == TensorProto.FLOAT16


def test_probabilities_differ_by_less_than_a_hundredth(fp16: onnx.ModelProto, fp32: onnx.ModelProto) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    before, after = (
        ort.InferenceSession(model.SerializeToString()).run(None, {"images": images})[0] for model in (fp32, fp16)
    )
    assert 0 < np.abs(before - after).max() < 1e-2


def test_in_an_int8_graph_no_cast_stands_between_a_quantized_input_and_its_product(
    made_bundle: Path, fp32: onnx.ModelProto
) -> None:
    dataset = tiny.pipeline_of(made_bundle).dataset
    path = made_bundle.with_name("model.fp32.onnx")
    int8 = quantize(fp32, tiny.max_ranges(path, *dataset.batches(dataset.examples("train"))))
    before = int8.SerializeToString()
    half = fp16_graph(int8)
    kinds = {name: node.op_type for node in half.graph.node for name in node.output}
    products = [node for node in half.graph.node if node.op_type == "Conv"]
    assert products
    assert {kinds[name] for node in products for name in node.input[:2]} == {"DequantizeLinear"}
    scales = {name for node in half.graph.node if node.op_type == "DequantizeLinear" for name in node.input[1:2]}
    constants = {each.name: each.data_type for each in half.graph.initializer}
    assert {constants[name] for name in scales} == {TensorProto.FLOAT16}
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    results = [
        ort.InferenceSession(model).run(None, {"images": images})[0] for model in (before, half.SerializeToString())
    ]
    assert np.abs(results[0] - results[1]).max() < 1e-2
