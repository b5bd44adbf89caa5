from pathlib import Path

import numpy as np
import pytest

from convert.precision.ort_session import BATCH, OrtModel


def test_a_file_and_its_bytes_predict_the_same_also_beyond_one_batch(made_bundle: Path) -> None:
    path = made_bundle.with_name("model.fp32.onnx")
    images = np.random.default_rng(0).integers(0, 256, (BATCH + 3, 16, 16, 3)).astype(np.uint8)
    together = OrtModel(path).predict(images)
    assert together.shape == (BATCH + 3, 2)
    assert together.dtype == np.float32
    assert (OrtModel(path.read_bytes()).predict(images) == together).all()
    assert together[-1] == pytest.approx(OrtModel(path).predict(images[-1:])[0], abs=1e-5)
