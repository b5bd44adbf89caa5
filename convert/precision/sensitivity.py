"""Which layers are the most sensitive: each convolution alone in int8, compared with the fp32 model.

What is before a layer gives what it gives in fp32. It is computed once, up to the last point before the layer that one
tensor alone passes, such as the end of a residual block; for each layer only the rest of the network is run.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx.utils import Extractor

from convert.precision.ort_session import OrtModel
from temper.card import LayerSensitivity
from temper.cli.progress import ProgressCallback
from temper.runners.base import Images, Probabilities
from temper.runners.onnx_metadata import INPUT, OUTPUT


def sensitivities(
    original: onnx.ModelProto,
    quantized: onnx.ModelProto,
    images: Images,
    expected: Probabilities,
    progress: ProgressCallback,
) -> list[LayerSensitivity]:
    """All quantized convolutions, the most sensitive first.

    quantized: the fp32 model `original` in int8. images: [n, size, size, 3]. expected: the fp32 model's probabilities
    for them, [n, classes].
    """
    parts = _Parts(original, quantized)
    layers = _quantized_layers(original, quantized)
    results: list[LayerSensitivity] = []
    tensor: str = INPUT
    values: NDArray[Any] = images
    for start, inside in segments(original.graph, layers):
        if start != tensor:
            values = parts.floating(tensor, start).predict(values)
            tensor = start
        for layer in inside:
            predicted = parts.with_int8(layer, start).predict(values)
            results.append(LayerSensitivity(layer, float(np.abs(predicted - expected).mean())))
            progress("sensitivity of each layer", len(results), len(layers))
    return sorted(results, key=lambda each: -each.mean_abs_diff)


def segments(graph: onnx.GraphProto, layers: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Layers in groups, in the order of the graph, each with the tensor that alone leads to them."""
    last_reader = {name: number for number, node in enumerate(graph.node) for name in node.input}
    # Tensors that a later node reads.
    live, start, inside = {INPUT}, INPUT, list[str]()
    for number, node in enumerate(graph.node):
        if len(live) == 1:
            if inside:
                yield start, inside
            (start,), inside = live, []
        if node.name in layers:
            inside.append(node.name)
        live = {name for name in (*live, *node.output) if last_reader.get(name, -1) > number}
    if inside:
        yield start, inside


class _Parts:
    """Parts of a network between two tensors, in floating point but for one layer."""

    def __init__(self, original: onnx.ModelProto, quantized: onnx.ModelProto) -> None:
        inputs = {node.name: list(node.input) for node in original.graph.node}
        model = onnx.ModelProto()
        model.CopyFrom(quantized)
        self._nodes = {node.name: node for node in model.graph.node}
        self._quantized = {name: list(node.input) for name, node in self._nodes.items()}
        # Quantizing has added nodes, and has removed those whose result nothing reads.
        for name, node in self._nodes.items():
            node.input[:] = inputs.get(name, node.input)
        present = {each.name for each in model.graph.initializer}
        model.graph.initializer.extend(each for each in original.graph.initializer if each.name not in present)
        # The types of the tensors that parts begin with.
        del model.graph.value_info[:]
        model.graph.value_info.extend(onnx.shape_inference.infer_shapes(original).graph.value_info)
        self._extractor = Extractor(model)

    def floating(self, start: str, end: str) -> OrtModel:
        """From one tensor to another, in floating point."""
        return OrtModel(self._extractor.extract_model([start], [end]).SerializeToString())

    def with_int8(self, layer: str, start: str) -> OrtModel:
        """From a tensor to the probabilities, with one layer in int8."""
        node = self._nodes[layer]
        floating = list(node.input)
        node.input[:] = self._quantized[layer]
        try:
            return self.floating(start, OUTPUT)
        finally:
            node.input[:] = floating


def _quantized_layers(original: onnx.ModelProto, quantized: onnx.ModelProto) -> list[str]:
    inputs = {node.name: list(node.input) for node in original.graph.node}
    return [n.name for n in quantized.graph.node if n.op_type == "Conv" and list(n.input) != inputs[n.name]]
