"""An ONNX graph without a card, executed as it is written: for trials inside this stage."""

from pathlib import Path

import numpy as np

from temper.runners.base import Images, Probabilities
from temper.runners.onnx_metadata import INPUT
from temper.runners.onnxruntime import open_session

BATCH = 16


class OrtModel:
    """Runs an ONNX file, or its bytes, on the CPU; Q/DQ pairs are computed as TensorRT reads them."""

    def __init__(self, model: Path | bytes) -> None:
        self._session = open_session(model if isinstance(model, bytes) else str(model))

    def predict(self, images: Images) -> Probabilities:
        """Probabilities [n, classes] of images [n, size, size, 3]."""
        starts = range(0, len(images), BATCH)
        results = [self._session.run(None, {INPUT: images[start : start + BATCH]})[0] for start in starts]
        return np.concatenate(results).astype(np.float32)
