"""Activation ranges for int8, measured on training images by ONNX Runtime's calibrators."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod
from onnxruntime.quantization.calibrate import TensorsData, create_calibrator

from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT

Method = Literal["max", "percentile", "entropy"]
METHODS: tuple[Method, ...] = get_args(Method)

# 99.99 % is the percentile of Wu et al. 2020 (arXiv 2004.09602); 128 levels are those of one half of symmetric int8.
SETTINGS: dict[Method, tuple[CalibrationMethod, dict[str, Any]]] = {
    "max": (CalibrationMethod.MinMax, {}),
    "percentile": (CalibrationMethod.Percentile, {"num_bins": 2048, "percentile": 99.99}),
    "entropy": (CalibrationMethod.Entropy, {"num_bins": 512, "num_quantized_bins": 128}),
}
# Tensors that these operators read or write get a range.
CALIBRATED_OPERATORS = ("Conv", "Gemm", "MatMul", "Add", "MaxPool", "Relu", "Clip")


def calibrate(model: Path, batches: Iterable[Images], method: Method) -> TensorsData:
    """Ranges, symmetric about zero, of the activations of an fp32 ONNX model over batches [n, size, size, 3]."""
    kind, options = SETTINGS[method]
    with tempfile.TemporaryDirectory() as scratch, _silent_stdout():
        # The calibrator writes beside the model.
        copied = shutil.copy(model, scratch)
        calibrator = create_calibrator(
            str(copied),
            list(CALIBRATED_OPERATORS),
            augmented_model_path=str(Path(scratch) / "augmented.onnx"),
            calibrate_method=kind,
            extra_options={"symmetric": True, **options},
        )
        for batch in batches:
            # One batch a call: the calibrator holds every activation of what it gets at once.
            calibrator.collect_data(_SingleBatch(batch))
        return calibrator.compute_data()


def abs_max(ranges: TensorsData, name: str) -> float:
    """The largest absolute value that a tensor had."""
    low, high = ranges[name].range_value
    return float(max(abs(np.asarray(low)).max(), abs(np.asarray(high)).max()))


class _SingleBatch(CalibrationDataReader):  # type: ignore[misc]
    """One batch, in the form that ONNX Runtime reads."""

    def __init__(self, batch: Images) -> None:
        self._rest = [{INPUT: batch}]

    def get_next(self) -> dict[str, Images] | None:
        """The batch, then None."""
        return self._rest.pop() if self._rest else None


@contextlib.contextmanager
def _silent_stdout() -> Iterator[None]:
    # The calibrators print a line for each batch.
    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
