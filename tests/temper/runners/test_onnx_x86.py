from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest

from temper.artifact import Artifact
from temper.runners.base import Images
from temper.runners.onnx_metadata import BRANCH_SCALES, INPUT
from temper.runners.onnx_x86 import rewrite_for_x86
from tests import tiny


@pytest.fixture
def int8(bundle: Path) -> Path:
    pipeline = tiny.pipeline_of(bundle, calibration_method="max")
    return pipeline.build(Artifact.at(bundle).sibling("int8", ".onnx"), "int8").path


def test_the_rewrite_changes_no_value_except_on_residual_branches(int8: Path) -> None:
    images: Images = np.random.default_rng(1).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    model = onnx.load(int8)
    onnx.helper.set_model_props(model, {BRANCH_SCALES: "{}"})
    onnx.save(model, int8)
    original = ort.InferenceSession(str(int8)).run(None, {INPUT: images})[0]
    rewritten = ort.InferenceSession(rewrite_for_x86(int8.read_bytes())).run(None, {INPUT: images})[0]
    assert np.abs(original - rewritten).max() < 1e-6


def test_the_rewritten_model_is_valid_and_uses_uint8_activations(int8: Path) -> None:
    model = onnx.load_from_string(rewrite_for_x86(int8.read_bytes()))
    onnx.checker.check_model(model, full_check=True)
    types = {node.op_type for node in model.graph.node}
    assert "LeakyRelu" in types
    activations = [node for node in model.graph.node if node.op_type == "QuantizeLinear"]
    assert activations and {node.input[2] for node in activations} == {"uint8_zero_point"}


def test_each_residual_addition_reads_two_quantized_inputs(int8: Path) -> None:
    graph = onnx.load_from_string(rewrite_for_x86(int8.read_bytes())).graph
    producers = {name: node.op_type for node in graph.node for name in node.output}
    (addition,) = (node for node in graph.node if node.op_type == "Add")
    assert [producers[name] for name in addition.input] == ["DequantizeLinear", "DequantizeLinear"]
