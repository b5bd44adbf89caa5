import json
from pathlib import Path

import numpy as np
import onnx
import pytest

from convert.precision.calibration import calibrate
from convert.precision.qdq import quantize, ranged_tensors, with_ranges
from temper.artifact import Artifact
from temper.dataset.split import read_split
from temper.images import load_images
from temper.runners.base import Images
from temper.runners.onnx_metadata import X86_SCALES
from tests import tiny


@pytest.fixture
def fp32(made_bundle: Path) -> Path:
    return made_bundle.with_name("model.fp32.onnx")


@pytest.fixture
def batches(made_bundle: Path) -> list[Images]:
    examples = read_split(Artifact.at(made_bundle), "train")
    return [np.stack(list(load_images([e.path for e in examples], tiny.SIZE)))]


@pytest.fixture
def int8(fp32: Path, batches: list[Images]) -> onnx.ModelProto:
    return quantize(onnx.load(fp32), tiny.max_ranges(fp32, *batches))


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
    graph = quantize(onnx.load(fp32), tiny.max_ranges(fp32, *batches), frozenset({"block_1"})).graph
    kinds = {each.name: each.data_type for each in graph.initializer}
    assert kinds["w1"] == onnx.TensorProto.FLOAT
    assert kinds["w2_quantized"] == onnx.TensorProto.INT8


@pytest.mark.parametrize("excluded", [frozenset(), frozenset({"block_1"})])
def test_ranges_of_the_measured_tensors_are_all_that_is_used(
    fp32: Path, batches: list[Images], excluded: frozenset[str]
) -> None:
    ranges = tiny.max_ranges(fp32, *batches)
    measured = ranged_tensors(onnx.load(fp32).graph)
    assert set(measured) < set(ranges)
    needed = {name: ranges[name] for name in measured}
    assert quantize(onnx.load(fp32), needed, excluded) == quantize(onnx.load(fp32), ranges, excluded)


def test_other_ranges_give_what_quantizing_with_them_gives(fp32: Path, batches: list[Images]) -> None:
    measured = calibrate(fp32, batches, sum(map(len, batches)), ranged_tensors(onnx.load(fp32).graph))
    wide, narrow = ({name: factor * limit for name, limit in measured["max"].items()} for factor in (1, 0.7))
    narrow["r1"] = 0
    quantized = quantize(onnx.load(fp32), wide)
    before = quantized.SerializeToString(deterministic=True)
    assert with_ranges(quantized, narrow) == quantize(onnx.load(fp32), narrow) != quantized
    assert quantized.SerializeToString(deterministic=True) == before
