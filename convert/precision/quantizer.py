"""Quantizes one fp32 ONNX model, and compares the results on images that neither calibrate nor verify."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx

from convert.dataset import ModelDataset
from convert.precision.calibration import RANGES_STEP, Method, Ranges, calibrate
from convert.precision.ort_session import OrtModel
from convert.precision.qdq import quantize, ranged_tensors, with_equal_ranges, with_ranges
from convert.precision.sensitivity import sensitivities
from temper.card import LayerSensitivity
from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example
from temper.runners.base import Images, Probabilities
from temper.runners.onnx_x86 import rewrite_for_x86

# Enough to rank layers: each layer costs one pass over these images.
SENSITIVITY_IMAGES = 32


@dataclass(frozen=True, kw_only=True)
class Quantizer:
    """Quantizes one fp32 ONNX model; ranges are measured once, for all methods.

    sample: training images that calibrate. trial_images: other images [n, size, size, 3], on which methods and layers
    are compared.
    """

    source: Path
    dataset: ModelDataset
    sample: list[Example]
    trial_images: Images
    progress: ProgressCallback

    @cached_property
    def fp32_probabilities(self) -> Probabilities:
        """The fp32 model's probabilities for the trial images."""
        return OrtModel(self.source).predict(self.trial_images)

    @cached_property
    def ranges(self) -> dict[Method, Ranges]:
        """Activation ranges by each method."""
        graph = onnx.load(self.source).graph
        batches = self.dataset.batches(self.sample, self.progress, RANGES_STEP)
        measured = calibrate(self.source, batches, len(self.sample), ranged_tensors(graph))
        return {method: with_equal_ranges(graph, ranges) for method, ranges in measured.items()}

    @cached_property
    def _complete(self) -> onnx.ModelProto:
        return quantize(onnx.load(self.source), self.ranges["max"])

    def quantized(self, method: Method, excluded: tuple[str, ...] = ()) -> onnx.ModelProto:
        """The model in int8, with the named layers left in floating point."""
        if excluded:
            return quantize(onnx.load(self.source), self.ranges[method], frozenset(excluded))
        return with_ranges(self._complete, self.ranges[method])

    def compare_methods(self, methods: tuple[Method, ...]) -> dict[Method, float]:
        """The mean absolute difference of the probabilities from fp32, for each method, the smallest first.

        Predictions are those of the runner that verifies the result, which rewrites it for x86.
        """
        differences: dict[Method, float] = {}
        for number, method in enumerate(methods):
            self.progress("comparing calibration methods", number, len(methods))
            predicted = OrtModel(rewrite_for_x86(self.quantized(method).SerializeToString())).predict(self.trial_images)
            differences[method] = float(np.abs(predicted - self.fp32_probabilities).mean())
        self.progress("comparing calibration methods", len(methods), len(methods))
        return dict(sorted(differences.items(), key=lambda pair: pair[1]))

    def sensitivities(self, method: Method) -> list[LayerSensitivity]:
        """All quantized convolutions, the most sensitive first."""
        images = self.trial_images[:SENSITIVITY_IMAGES]
        expected = self.fp32_probabilities[: len(images)]
        return sensitivities(onnx.load(self.source), self.quantized(method), images, expected, self.progress)
