from pathlib import Path

import numpy as np

from convert.precision.calibration import METHODS, abs_max, calibrate
from tests import tiny


def test_every_method_measures_ranges_and_writes_nothing_beside_the_model(bundle: Path) -> None:
    model = bundle.with_name("model.fp32.onnx")
    # The calibrator writes and removes a file of this name beside the model that it is given.
    thesis = bundle.with_name("model.fp32-inferred.onnx")
    thesis.write_text("five years")
    before = {path: path.stat().st_mtime_ns for path in [bundle.parent, *bundle.parent.iterdir()]}
    images = np.random.default_rng(0).integers(0, 255, (8, tiny.SIZE, tiny.SIZE, 3)).astype(np.uint8)
    for method in METHODS:
        assert abs_max(calibrate(model, [images], method), "r0") > 0
    assert {path: path.stat().st_mtime_ns for path in [bundle.parent, *bundle.parent.iterdir()]} == before
