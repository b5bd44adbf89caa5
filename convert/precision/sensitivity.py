"""Trials of int8: which calibration method is the most accurate, and which layers are the most sensitive."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import TensorsData

from convert.dataset import ModelDataset
from convert.precision.calibration import Method, calibrate
from convert.precision.ort_session import OrtModel
from convert.precision.qdq import quantize
from temper.card import LayerSensitivity
from temper.cli.progress import ProgressCallback
from temper.dataset.split import Example
from temper.runners.base import Images, Probabilities

# Enough to rank layers: each layer costs one pass over these images.
SENSITIVITY_IMAGES = 64


@dataclass(frozen=True, kw_only=True)
class Quantizer:
    """Quantizes one fp32 ONNX model; ranges are measured once for each method.

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
    def _ranges(self) -> dict[Method, TensorsData]:
        return {}

    def ranges(self, method: Method) -> TensorsData:
        """Activation ranges by a method."""
        if method not in self._ranges:
            self._ranges[method] = calibrate(self.source, self.dataset.batches(self.sample), method)
        return self._ranges[method]

    def quantized(self, method: Method, excluded: tuple[str, ...] = ()) -> onnx.ModelProto:
        """The model in int8, with the named layers left in floating point."""
        return quantize(onnx.load(self.source), self.ranges(method), frozenset(excluded))

    def compare_methods(self, methods: tuple[Method, ...]) -> dict[Method, float]:
        """The mean absolute difference of the probabilities from fp32, for each method, the smallest first."""
        differences: dict[Method, float] = {}
        for number, method in enumerate(methods):
            self.progress("comparing calibration methods", number, len(methods))
            predicted = OrtModel(self.quantized(method).SerializeToString()).predict(self.trial_images)
            differences[method] = float(np.abs(predicted - self.fp32_probabilities).mean())
        self.progress("comparing calibration methods", len(methods), len(methods))
        return dict(sorted(differences.items(), key=lambda pair: pair[1]))

    def sensitivities(self, method: Method) -> list[LayerSensitivity]:
        """All quantized convolutions, the most sensitive first."""
        original, images = onnx.load(self.source), self.trial_images[:SENSITIVITY_IMAGES]
        quantized = self.quantized(method)
        expected = self.fp32_probabilities[: len(images)]
        layers = _quantized_layers(quantized, original)
        results = []
        for number, layer in enumerate(layers, start=1):
            predicted = OrtModel(_quantize_only(layer, quantized, original).SerializeToString()).predict(images)
            results.append(LayerSensitivity(layer, float(np.abs(predicted - expected).mean())))
            self.progress("sensitivity of each layer", number, len(layers))
        return sorted(results, key=lambda each: -each.mean_abs_diff)


def _quantized_layers(quantized: onnx.ModelProto, original: onnx.ModelProto) -> list[str]:
    inputs = {node.name: list(node.input) for node in original.graph.node}
    return [n.name for n in quantized.graph.node if n.op_type == "Conv" and list(n.input) != inputs[n.name]]


def _quantize_only(layer: str, quantized: onnx.ModelProto, original: onnx.ModelProto) -> onnx.ModelProto:
    """The quantized model with every convolution but one reading what it reads in the original model."""
    inputs = {node.name: list(node.input) for node in original.graph.node}
    model = onnx.ModelProto()
    model.CopyFrom(quantized)
    for node in model.graph.node:
        if node.op_type == "Conv" and node.name != layer:
            node.input[:] = inputs[node.name]
    present = {each.name for each in model.graph.initializer}
    model.graph.initializer.extend(each for each in original.graph.initializer if each.name not in present)
    return model
