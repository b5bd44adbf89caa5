"""Trials of int8: which calibration answers best, which layers do the damage."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization.calibrate import TensorsData

from convert.precision.calibration import METHODS, Method, calibrate
from convert.precision.ort_session import Session
from convert.precision.qdq import quantize, to_int8
from temper.runners.base import Images, Probabilities

# Enough to tell layers apart: each of them costs a pass over these.
RANKED_PICTURES = 64


@dataclass(frozen=True)
class Attempt:
    """One quantisation: its layers left in float, and the mean probability difference from fp32."""

    method: Method
    kept: tuple[str, ...]
    mean_difference: float


@dataclass(frozen=True)
class LayerSensitivity:
    """The mean probability difference a layer makes when it alone is quantised."""

    layer: str
    damage: float


@dataclass
class Quantizer:
    """Quantises one fp32 ONNX model; ranges and rankings are measured once and kept.

    source: the fp32 model. calibration: batches of training pictures. judged: other training pictures
    [n, size, size, 3], on which methods and layers are compared. say: told what is being done.
    """

    source: Path
    calibration: Callable[[], Iterator[Images]]
    judged: Images
    say: Callable[[str], None]
    _ranges: dict[Method, TensorsData] = field(default_factory=dict)
    _expected: Probabilities | None = None

    def choose(self, methods: tuple[Method, ...] = METHODS) -> list[Attempt]:
        """Try calibration methods; the attempts, the one nearest to fp32 first."""
        attempts = [self.attempt(method) for method in methods]
        return sorted(attempts, key=lambda each: each.mean_difference)

    def attempt(self, method: Method, kept: tuple[str, ...] = ()) -> Attempt:
        """Quantise into a scratch file and compare with fp32."""
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / "attempt.onnx"
            self.write(path, method, kept)
            answers = Session(path).answers(self.judged)
        return Attempt(method, kept, float(np.abs(answers - self.expected()).mean()))

    def write(self, target: Path, method: Method, kept: tuple[str, ...] = ()) -> None:
        """Quantise to a file, with the named layers left in float."""
        to_int8(self.source, target, self.ranges(method), frozenset(kept))

    def damage(self, method: Method) -> list[LayerSensitivity]:
        """All layers, the one that does most damage first."""
        plain, judged = onnx.load(self.source), self.judged[:RANKED_PICTURES]
        quantized = quantize(onnx.load(self.source), self.ranges(method))
        expected = self.expected()[: len(judged)]
        layers = [node.name for node in plain.graph.node if node.op_type == "Conv"]
        found = []
        for number, layer in enumerate(layers, start=1):
            self.say(f"damage of each layer: {number} of {len(layers)}")
            answers = Session(_alone(layer, quantized, plain).SerializeToString()).answers(judged)
            found.append(LayerSensitivity(layer, float(np.abs(answers - expected).mean())))
        return sorted(found, key=lambda each: -each.damage)

    def ranges(self, method: Method) -> TensorsData:
        """Activation ranges by a method."""
        if method not in self._ranges:
            self.say(f"calibrating: {method}")
            self._ranges[method] = calibrate(self.source, self.calibration(), method)
        return self._ranges[method]

    def expected(self) -> Probabilities:
        """The fp32 answers to the judged pictures."""
        if self._expected is None:
            self._expected = Session(self.source).answers(self.judged)
        return self._expected


def _alone(layer: str, quantized: onnx.ModelProto, plain: onnx.ModelProto) -> onnx.ModelProto:
    """The quantised model with every convolution but one reading what it reads in the plain model."""
    inputs = {node.name: list(node.input) for node in plain.graph.node}
    model = onnx.ModelProto()
    model.CopyFrom(quantized)
    for node in model.graph.node:
        if node.op_type == "Conv" and node.name != layer:
            node.input[:] = inputs[node.name]
    there = {each.name for each in model.graph.initializer}
    model.graph.initializer.extend(each for each in plain.graph.initializer if each.name not in there)
    return model
