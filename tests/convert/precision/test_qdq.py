from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.calibration import METHODS, calibrate
from convert.precision.qdq import to_int8
from temper.card import read_card
from temper.dataset.split import read_split
from temper.images import load_images
from temper.runners.base import Images
from tests.tiny import SIZE


@pytest.fixture
def batches(made_bundle: Path) -> list[Images]:
    examples = read_split(made_bundle, read_card(made_bundle), "train")
    return [np.stack(list(load_images([e.path for e in examples], SIZE)))]


@pytest.fixture
def quantized(made_bundle: Path, batches: list[Images], tmp_path: Path) -> onnx.GraphProto:
    fp32 = made_bundle.with_name("model.fp32.onnx")
    to_int8(fp32, tmp_path / "int8.onnx", calibrate(fp32, batches, "max"))
    return onnx.load(tmp_path / "int8.onnx").graph


def makers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def test_every_convolution_reads_restored_int8(quantized: onnx.GraphProto) -> None:
    made = makers(quantized)
    for node in quantized.node:
        if node.op_type == "Conv":
            assert [made[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2


def test_nothing_stands_between_a_convolution_and_what_it_fuses_with(quantized: onnx.GraphProto) -> None:
    followers = [node.op_type for node in quantized.node for name in node.input if name in ("c0", "c1", "c2")]
    assert followers == ["Relu", "Relu", "Add"]


def test_only_the_skip_input_of_the_addition_is_quantised(quantized: onnx.GraphProto) -> None:
    made = makers(quantized)
    addition = next(node for node in quantized.node if node.name == "block_add")
    assert [made[name].op_type for name in addition.input] == ["DequantizeLinear", "Conv"]


def test_zero_points_are_zero_and_weights_have_a_scale_for_each_channel(quantized: onnx.GraphProto) -> None:
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in quantized.initializer}
    zeros = [values for name, values in stored.items() if name.endswith("_zero_point")]
    assert zeros
    assert all((values == 0).all() for values in zeros)
    assert stored["w1_scale"].shape == (8,)
    assert stored["w1_quantized"].dtype == np.int8


def test_a_kept_layer_stays_in_float(made_bundle: Path, batches: list[Images], tmp_path: Path) -> None:
    fp32 = made_bundle.with_name("model.fp32.onnx")
    to_int8(fp32, tmp_path / "int8.onnx", calibrate(fp32, batches, "max"), frozenset({"block_1"}))
    graph = onnx.load(tmp_path / "int8.onnx").graph
    kinds = {each.name: each.data_type for each in graph.initializer}
    assert kinds["w1"] == onnx.TensorProto.FLOAT
    assert kinds["w2_quantized"] == onnx.TensorProto.INT8


@pytest.mark.parametrize("method", METHODS)
def test_every_calibration_covers_most_of_what_was_seen(made_bundle: Path, batches: list[Images], method: str) -> None:
    ranges = calibrate(made_bundle.with_name("model.fp32.onnx"), batches, method)  # type: ignore[arg-type]
    seen = calibrate(made_bundle.with_name("model.fp32.onnx"), batches, "max")
    high = float(np.asarray(ranges["r0"].range_value[1]).item())
    most = float(np.asarray(seen["r0"].range_value[1]).item())
    assert 0.3 * most < high <= 1.01 * most
