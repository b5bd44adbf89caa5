"""An ONNX model without a card, as its arithmetic is written: for trials that never leave this stage."""

from pathlib import Path

import numpy as np
import onnxruntime as ort

from temper.runners.base import Images, Probabilities

# The names that convert/exporters/onnx_export.py gives to both ends of a graph.
INPUT, OUTPUT = "images", "probabilities"
BATCH = 16


class Session:
    """Runs an ONNX file, or its bytes, on the CPU; Q/DQ pairs are computed as TensorRT reads them."""

    def __init__(self, model: Path | bytes) -> None:
        options = ort.SessionOptions()
        options.log_severity_level = 3
        self._session = ort.InferenceSession(
            model if isinstance(model, bytes) else str(model), options, providers=["CPUExecutionProvider"]
        )

    def answers(self, images: Images) -> Probabilities:
        """Probabilities [n, classes] of pictures [n, size, size, 3]."""
        parts = [
            self._session.run(None, {INPUT: images[start : start + BATCH]})[0] for start in range(0, len(images), BATCH)
        ]
        return np.concatenate(parts).astype(np.float32)
