"""An ONNX graph without a card, executed as it is written: for trials inside this stage."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.runners.onnxruntime import open_session

BATCH = 16


class OrtModel:
    """Runs an ONNX file, or its bytes, on the CPU; Q/DQ pairs are computed as TensorRT reads them."""

    def __init__(self, model: Path | bytes) -> None:
        self._session = open_session(model if isinstance(model, bytes) else str(model), spins=False)
        self._input = self._session.get_inputs()[0].name

    def predict(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The output, such as probabilities [n, classes], of the input, such as images [n, size, size, 3]."""
        starts = range(0, len(values), BATCH)
        results = [self._session.run(None, {self._input: values[start : start + BATCH]})[0] for start in starts]
        return np.concatenate(results).astype(np.float32)
