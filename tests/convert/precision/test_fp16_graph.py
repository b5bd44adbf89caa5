from collections import Counter
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto

from convert.precision.fp16_graph import to_fp16


@pytest.fixture
def halved(made_bundle: Path, tmp_path: Path) -> onnx.ModelProto:
    to_fp16(made_bundle.with_name("model.fp32.onnx"), tmp_path / "half.onnx")
    return onnx.load(tmp_path / "half.onnx")


def test_weights_are_half_and_the_mean_is_single(halved: onnx.ModelProto) -> None:
    kinds = {each.name: each.data_type for each in halved.graph.initializer}
    assert kinds.pop("mean_single") == TensorProto.FLOAT
    assert set(kinds.values()) == {TensorProto.FLOAT16}


def test_two_casts_are_added_and_no_more(halved: onnx.ModelProto) -> None:
    assert Counter(node.op_type for node in halved.graph.node)["Cast"] == 1 + 2


def test_softmax_and_the_output_stay_single(halved: onnx.ModelProto) -> None:
    assert halved.graph.output[0].type.tensor_type.elem_type == TensorProto.FLOAT
    softmax = next(node for node in halved.graph.node if node.op_type == "Softmax")
    assert softmax.input[0].endswith("_single")


def test_a_node_that_is_kept_computes_in_single(made_bundle: Path, tmp_path: Path) -> None:
    to_fp16(made_bundle.with_name("model.fp32.onnx"), tmp_path / "half.onnx", frozenset({"block_1"}))
    kinds = {each.name: each.data_type for each in onnx.load(tmp_path / "half.onnx").graph.initializer}
    assert kinds["w1_single"] == TensorProto.FLOAT
    assert kinds["w2_half"] == TensorProto.FLOAT16


def test_answers_differ_by_less_than_a_hundredth(halved: onnx.ModelProto, made_bundle: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    one = ort.InferenceSession(str(made_bundle.with_name("model.fp32.onnx"))).run(None, {"images": images})[0]
    other = ort.InferenceSession(halved.SerializeToString()).run(None, {"images": images})[0]
    assert 0 < np.abs(one - other).max() < 1e-2
