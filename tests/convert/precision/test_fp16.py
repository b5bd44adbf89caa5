from pathlib import Path

import numpy as np
import onnx

from convert.precision.fp16 import fp16_overflow
from temper.artifact import Artifact
from tests import tiny


def test_ordinary_activations_leave_nothing_in_float32(bundle: Path) -> None:
    card = tiny.pipeline_of(bundle).build(Artifact.at(bundle.with_name("model.fp16.onnx")), "fp16").card
    assert card.precision == "fp16"
    assert card.calibration is not None
    assert card.calibration.excluded_nodes == ()
    assert card.calibration.max_activation is not None
    assert 1 < card.calibration.max_activation < 1000
    assert card.calibration.images == 48


def scale_weights(model: onnx.ModelProto, factors: dict[str, float]) -> None:
    """Multiply initializers, by name, in place."""
    for weights in model.graph.initializer:
        if factor := factors.get(weights.name):
            scaled = (onnx.numpy_helper.to_array(weights) * factor).astype(np.float32)
            weights.CopyFrom(onnx.numpy_helper.from_array(scaled, weights.name))


def test_a_layer_that_overflows_half_precision_is_excluded_with_its_neighbors(bundle: Path, tmp_path: Path) -> None:
    model = onnx.load(bundle.with_name("model.fp32.onnx"))
    scale_weights(model, {"w1": 1e5, "b1": 1e5, "w2": 1e-5})
    onnx.save(model, tmp_path / "large.onnx")
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    ranges = tiny.max_ranges(tmp_path / "large.onnx", images)
    assert fp16_overflow(model, ranges) == ["block_1", "block_1_relu", "block_2"]


def test_a_weight_that_overflows_half_precision_excludes_its_layer(bundle: Path) -> None:
    model = onnx.load(bundle.with_name("model.fp32.onnx"))
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    ranges = tiny.max_ranges(bundle.with_name("model.fp32.onnx"), images)
    scale_weights(model, {"w2": 1e7})
    assert fp16_overflow(model, ranges) == ["block_2"]
