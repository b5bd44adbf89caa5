import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.calibration import METHODS, Method, abs_max, calibrate
from convert.precision.qdq import quantize
from temper.artifact import Artifact
from temper.dataset.split import read_split
from temper.images import load_images
from temper.runners.base import Images
from temper.runners.onnx_metadata import X86_SCALES
from tests.tiny import SIZE


@pytest.fixture
def fp32(made_bundle: Path) -> Path:
    return made_bundle.with_name("model.fp32.onnx")


@pytest.fixture
def batches(made_bundle: Path) -> list[Images]:
    examples = read_split(Artifact.at(made_bundle), "train")
    return [np.stack(list(load_images([e.path for e in examples], SIZE)))]


@pytest.fixture
def int8(fp32: Path, batches: list[Images]) -> onnx.ModelProto:
    return quantize(onnx.load(fp32), calibrate(fp32, batches, "max"))


def producers(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    return {name: node for node in graph.node for name in node.output}


def test_every_convolution_reads_dequantized_tensors(int8: onnx.ModelProto) -> None:
    sources = producers(int8.graph)
    for node in int8.graph.node:
        if node.op_type == "Conv":
            assert [sources[name].op_type for name in node.input[:2]] == ["DequantizeLinear"] * 2


def test_nothing_stands_between_a_convolution_and_what_it_is_fused_with(int8: onnx.ModelProto) -> None:
    followers = [node.op_type for node in int8.graph.node for name in node.input if name in ("c0", "c1", "c2")]
    assert followers == ["Relu", "Relu", "Add"]


def test_only_the_skip_input_of_an_addition_is_quantized(int8: onnx.ModelProto) -> None:
    sources = producers(int8.graph)
    addition = next(node for node in int8.graph.node if node.name == "block_add")
    assert [sources[name].op_type for name in addition.input] == ["DequantizeLinear", "Conv"]


def test_the_metadata_names_the_scales_of_an_addition_and_of_what_is_pooled(int8: onnx.ModelProto) -> None:
    scales = json.loads({each.key: each.value for each in int8.metadata_props}[X86_SCALES])
    assert scales == {"r0": "p0_scale", "c2": "c2_scale"}
    assert "c2_scale" in {each.name for each in int8.graph.initializer}


def test_zero_points_are_zero_and_weights_have_a_scale_for_each_channel(int8: onnx.ModelProto) -> None:
    stored = {each.name: onnx.numpy_helper.to_array(each) for each in int8.graph.initializer}
    zeros = [values for name, values in stored.items() if name.endswith("_zero_point")]
    assert zeros
    assert all((values == 0).all() for values in zeros)
    assert stored["w1_scale"].shape == (8,)
    assert stored["w1_quantized"].dtype == np.int8


def test_an_excluded_layer_stays_in_floating_point(fp32: Path, batches: list[Images]) -> None:
    graph = quantize(onnx.load(fp32), calibrate(fp32, batches, "max"), frozenset({"block_1"})).graph
    kinds = {each.name: each.data_type for each in graph.initializer}
    assert kinds["w1"] == onnx.TensorProto.FLOAT
    assert kinds["w2_quantized"] == onnx.TensorProto.INT8


@pytest.mark.parametrize("method", METHODS)
def test_every_calibration_method_covers_most_of_the_measured_values(
    fp32: Path, batches: list[Images], method: Method
) -> None:
    largest = abs_max(calibrate(fp32, batches, "max"), "r0")
    assert 0.3 * largest < abs_max(calibrate(fp32, batches, method), "r0") <= 1.01 * largest
