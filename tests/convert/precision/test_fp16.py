from pathlib import Path

import numpy as np
import onnx

from convert.precision.calibration import calibrate
from convert.precision.fp16 import make_fp16, out_of_range
from temper.card import read_card
from tests import tiny


def test_ordinary_activations_leave_nothing_in_float32(bundle: Path) -> None:
    target = bundle.with_name("model.fp16.onnx")
    make_fp16(tiny.pipeline_of(bundle), bundle.with_name("model.fp32.onnx"), target)
    card = read_card(target)
    assert card.precision == "fp16"
    assert card.calibration["kept"] == []
    assert 1 < card.calibration["largest_activation"] < 1000
    assert card.calibration["pictures"] == 48


def test_a_layer_that_overflows_half_is_named_with_its_neighbours(bundle: Path, tmp_path: Path) -> None:
    model = onnx.load(bundle.with_name("model.fp32.onnx"))
    for weights in model.graph.initializer:
        factor = {"w1": 1e5, "b1": 1e5, "w2": 1e-5}.get(weights.name)
        if factor:
            scaled = (onnx.numpy_helper.to_array(weights) * factor).astype(np.float32)
            weights.CopyFrom(onnx.numpy_helper.from_array(scaled, weights.name))
    onnx.save(model, tmp_path / "large.onnx")
    images = np.random.default_rng(0).integers(0, 255, (20, 16, 16, 3), dtype=np.uint8)
    ranges = calibrate(tmp_path / "large.onnx", [images], "max")
    assert out_of_range(model, ranges) == ["block_1", "block_1_relu", "block_2"]
