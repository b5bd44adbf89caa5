"""Every kind of backbone can be trained, converted, quantized and used for inference."""

import math
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from convert.exporters import onnx_export
from convert.job import Job
from convert.precision.qdq import quantize
from convert.settings import ConversionSettings
from temper.artifact import Artifact
from temper.runners.onnx_metadata import INPUT
from temper.runners.onnx_x86 import rewrite_for_x86
from temper.runners.onnxruntime import open_session
from tests import tiny
from train.network.backbones import BACKBONES

ROOT = Path(__file__).parents[3]
# Built in half a second each.
CHEAP = ("mobilenetv3small", "efficientnetlite0")


def test_every_backbone_has_a_pattern_of_its_top_that_compiles() -> None:
    for backbone in BACKBONES.values():
        assert re.compile(backbone.top)
        assert len(backbone.mean) == len(backbone.deviation) == 3


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "name", [name if name in CHEAP else pytest.param(name, marks=pytest.mark.slow) for name in BACKBONES]
)
def test_the_table_of_the_documentation_has_the_parameters_and_operations_of_a_backbone(name: str) -> None:
    import keras

    from train.network.build import build_backbone

    model = build_backbone(name, None, input_tensor=keras.Input((224, 224, 3)))
    # A kernel is multiplied at every position of its result.
    kernels = [(each.output.shape[1:-1], each.kernel.shape) for each in model.layers if hasattr(each, "kernel")]
    operations = sum(math.prod(positions) * math.prod(shape) for positions, shape in kernels)
    documentation = (ROOT / "docs" / "backbones.md").read_text(encoding="utf-8")
    row = re.search(rf"^\| `{name}`[^|]*\|([^|]+)\|([^|]+)\|", documentation, re.MULTILINE)
    assert row
    assert [each.strip() for each in row.groups()] == [f"{model.count_params() / 1e6:.1f}", f"{operations / 1e9:.2f}"]


@pytest.mark.tensorflow
def test_every_convolution_of_an_efficientnet_lite_runs_in_int8_on_x86(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first three stages: depthwise convolutions with both strides and kernel sizes, ReLU6, residual additions."""
    from tests.train.network.lite_arrays import random_arrays
    from train.network import efficientnet_lite
    from train.network.build import build_backbone, build_model
    from train.network.pretrained import copy_backbone
    from train.network.torch_weights import set_torch_weights

    monkeypatch.setattr(efficientnet_lite, "STAGES", efficientnet_lite.STAGES[:3])
    model = build_model(2, 32, hidden_units=0, backbone="efficientnetlite0")
    backbone = build_backbone("efficientnetlite0", None)
    set_torch_weights(backbone, random_arrays("EfficientNetLite0"))
    copy_backbone(backbone, model, "efficientnetlite0")
    model.save(tmp_path / "model.keras")
    fp32, optimized = export(tmp_path / "model.keras"), tmp_path / "optimized.onnx"
    images = np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8)
    int8 = quantize(onnx.load(fp32), tiny.max_ranges(fp32, images))
    convolutions = [node.name for node in int8.graph.node if node.op_type == "Conv"]
    assert "block2a_depthwise_conv" in convolutions
    session = open_session(rewrite_for_x86(int8.SerializeToString()), target=str(optimized))
    kinds = Counter(node.op_type for node in onnx.load(optimized).graph.node)
    assert kinds["QLinearConv"] == len(convolutions) == 16
    assert kinds["QLinearAdd"] == 2
    # The pixels are read as they are, and the features are dequantized; ReLU6 is a part of the rounding.
    assert (kinds["QuantizeLinear"], kinds["DequantizeLinear"], kinds["Clip"]) == (0, 1, 0)
    keras_probabilities = model(images, training=False).numpy()
    assert np.abs(open_session(fp32.read_bytes()).run(None, {INPUT: images})[0] - keras_probabilities).max() < 1e-4
    assert np.abs(session.run(None, {INPUT: images})[0] - keras_probabilities).max() < 0.05


def export(model: Path) -> Path:
    target = model.with_name("model.fp32.onnx")
    unused: Any = None
    job = Job(source=Artifact.at(model), target=target, precision="fp32", settings=ConversionSettings(), dataset=unused)
    assert list(onnx_export.convert(job))
    return target


def run(*words: object) -> str:
    done = subprocess.run(
        [sys.executable, *map(str, words)], cwd=ROOT, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.tensorflow
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["mobilenetv2", "mobilenetv3large", "efficientnetv2b0", "efficientnetlite0", "convnexttiny"]
)
def test_a_backbone_is_trained_converted_quantized_and_used(name: str, tmp_path: Path) -> None:
    images = [path for path, _ in tiny.draw(tmp_path / "images", 40)]
    model = Artifact.at(tmp_path / "model.keras")
    # From scratch and short: a few steps give BatchNorm statistics of real activations.
    options = ("--weights", "none", "--size", "32", "--epochs", "2", "--batch", "8")
    run("train/run.py", "--data", tmp_path / "images", "--backbone", name, *options, "--out", model.path)
    assert model.card.training is not None
    assert model.card.training.config["backbone"] == name
    # After such a short training the accuracy is low, and this test does not examine what int8 changes.
    lenient = ("--min-agreement", "0", "--max-drop", "100", "--max-class-drop", "100", "--calibration-images", "48")
    for precision in ("fp32", "int8"):
        target = Artifact.at(tmp_path / f"model.{precision}.onnx")
        run("convert/run.py", model.path, target.path, "--precision", precision, *lenient)
        assert target.card.agreement is not None
        assert np.isfinite(target.card.agreement.max_difference)
        assert precision == "int8" or target.card.agreement.max_difference < 1e-3
        assert run("infer/run.py", "--engine", target.path, *images[:2]).count("%") == 2
