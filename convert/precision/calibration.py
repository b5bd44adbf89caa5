"""Activation ranges for int8 and fp16: the largest absolute values of each tensor, measured on training images.

One pass over the images gives the ranges of all methods. ONNX Runtime's calibrators take a pass for each, and count
every value into a histogram; for ResNet50 at 224 pixels that took most of a conversion.
"""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import onnx
from numpy.typing import NDArray

from temper.runners.base import Images
from temper.runners.onnx_metadata import INPUT
from temper.runners.onnxruntime import open_session

Method = Literal["max", "percentile-99.999", "percentile"]
METHODS: tuple[Method, ...] = get_args(Method)
# How it is shown while it runs.
RANGES_STEP = "measuring activation ranges"
# Which fraction of a tensor's values is beyond its range. 99.99 % and 99.999 % are percentiles of Wu et al. 2020
# (arXiv 2004.09602).
BEYOND: dict[Method, float] = {"max": 0, "percentile-99.999": 1e-5, "percentile": 1e-4}
# The largest absolute value that a tensor may have, by its name; ranges are symmetric about zero.
Ranges = dict[str, float]

# Tensors that these operators read or write may need a range.
CALIBRATED_OPERATORS = ("Conv", "Gemm", "MatMul", "Add", "MaxPool", "Relu", "Clip")
# All activations of one call are in memory at once; few of them stay in the processor's caches.
IMAGES_PER_CALL = 2
# Values beyond those that are needed, as a part of them: sorting out after each call would take, for many images, more
# time than the network.
SPARE = 0.25


def calibrate(model: Path, batches: Iterable[Images], images: int, tensors: Iterable[str]) -> dict[Method, Ranges]:
    """Ranges of tensors of an fp32 ONNX model, by each method.

    batches: uint8 [n, size, size, 3]. images: how many they have together. tensors: names; what is not in floating
    point gets no range.
    """
    names = list(dict.fromkeys(tensors))
    observed: dict[str, LargestValues] = {}
    session = open_session(_with_outputs(model, names), spins=False)
    for part in _parts(batches):
        for name, values in zip(names, session.run(names, {INPUT: part}), strict=True):
            if values.dtype != np.float32 or not values.size:
                continue
            if name not in observed:
                observed[name] = LargestValues(images * values.size // len(part), max(BEYOND.values()))
            observed[name].add(values)
    return {method: {name: each.limit(beyond) for name, each in observed.items()} for method, beyond in BEYOND.items()}


def activations(graph: onnx.GraphProto) -> list[str]:
    """Names of the tensors that CALIBRATED_OPERATORS read or write, without constants and the input."""
    others = {"", *(each.name for each in (*graph.initializer, *graph.input))}
    nodes = [node for node in graph.node if node.op_type in CALIBRATED_OPERATORS]
    return list(dict.fromkeys(name for node in nodes for name in (*node.input, *node.output) if name not in others))


class LargestValues:
    """The largest absolute values of all numbers that are added; the others are not stored.

    total: how many numbers there will be. beyond: the fraction of them that is stored; at least one is.
    """

    def __init__(self, total: int, beyond: float) -> None:
        self._total = total
        self._count = self._rank(beyond)
        # Arrays, and how many numbers they have together.
        self._parts: list[NDArray[np.float32]] = []
        self._stored = 0
        # What is not larger is none of them; NaN is larger than nothing.
        self._floor = np.float32(-1)

    def add(self, values: NDArray[Any]) -> None:
        """Add float32 numbers of any shape."""
        flat = values.ravel() if self._floor >= 0 else np.abs(values).ravel()
        self._store(flat[flat > self._floor])
        # Behind a ReLU there are none, and finding the smallest is faster than comparing all. It may be NaN.
        if self._floor >= 0 and not flat.min() >= -self._floor:
            self._store(-flat[flat < -self._floor])
        if self._stored > (1 + SPARE) * self._count:
            values = np.concatenate(self._parts)
            self._parts = [np.partition(values, -self._count)[-self._count :]]
            self._stored, self._floor = self._count, self._parts[0][0]

    def limit(self, beyond: float) -> float:
        """The largest value when a fraction of all numbers, `beyond`, is left out; 0 leaves out none."""
        rank = min(self._rank(beyond), self._stored)
        return float(np.partition(np.concatenate(self._parts), -rank)[-rank]) if rank else 0.0

    def _store(self, values: NDArray[np.float32]) -> None:
        if len(values):
            self._parts.append(values)
            self._stored += len(values)

    def _rank(self, beyond: float) -> int:
        return max(1, math.ceil(beyond * self._total))


def _with_outputs(model: Path, names: list[str]) -> bytes:
    """A serialized copy of a model that gives these tensors too."""
    loaded = onnx.load(model)
    given = {each.name for each in loaded.graph.output}
    loaded.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names if name not in given)
    return bytes(loaded.SerializeToString())


def _parts(batches: Iterable[Images]) -> Iterator[Images]:
    for batch in batches:
        for start in range(0, len(batch), IMAGES_PER_CALL):
            yield batch[start : start + IMAGES_PER_CALL]
