"""Activation ranges for int8, measured on training pictures by ONNX Runtime's calibrators."""

import contextlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator

from convert.precision.ort_session import INPUT

Method = Literal["max", "percentile", "entropy"]
METHODS: tuple[Method, ...] = get_args(Method)

# 99.99 % is the percentile of Wu et al. 2020 (arXiv 2004.09602); 128 levels are those of a symmetric int8 half.
SETTINGS: dict[Method, tuple[CalibrationMethod, dict[str, Any]]] = {
    "max": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {"num_bins": 2048, "percentile": 99.99}),
    "entropy": (CalibrationMethod.Entropy, {"num_bins": 512, "num_quantized_bins": 128}),
}
# Tensors that these operators read or write get a range.
MEASURED = ("Conv", "Gemm", "MatMul", "Add", "MaxPool")


def calibrate(model: Path, batches: Iterable[NDArray[np.uint8]], method: Method) -> TensorsData:
    """Ranges, symmetric about zero, of the activations of an fp32 ONNX model over batches [n, size, size, 3]."""
    kind, options = SETTINGS[method]
    with tempfile.TemporaryDirectory() as scratch, _silence():
        calibrator = create_calibrator(
            str(model),
            list(MEASURED),
            augmented_model_path=str(Path(scratch) / "watched.onnx"),
            calibrate_method=kind,
            extra_options={"symmetric": True, **options},
        )
        for batch in batches:
            # One batch a call: the calibrator holds every activation of what it is given at once.
            calibrator.collect_data(_Once(batch))
        return calibrator.compute_data()


class _Once(CalibrationDataReader):  # type: ignore[misc]
    """One batch, in the form ONNX Runtime asks for."""

    def __init__(self, batch: NDArray[np.uint8]) -> None:
        self._rest = [{INPUT: batch}]

    def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
        """The batch, then None."""
        return self._rest.pop() if self._rest else None


@contextlib.contextmanager
def _silence() -> Any:
    # The calibrators print their progress, a line for each batch.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
