"""EfficientNet-Lite0 as an ONNX graph, written down from PyTorch's names and TensorFlow's rule of padding alone."""

import math
from typing import Any

import numpy as np
import onnx
import onnxruntime as ort
from onnx import helper, numpy_helper

from train.network.torch_file import Arrays

# Blocks that halve the image, and those whose input has other channels: the first ones of the stages.
HALVING = (1, 3, 5, 11)
WITHOUT_ADDITION = (0, 1, 3, 5, 8, 11, 15)
NORM = ("weight", "bias", "running_mean", "running_var")
# A tensor's name, and the height and width of its image.
Tensor = tuple[str, int]


class Reference:
    """Takes pixels [n, 3, size, size] as (pixels − 127) / 128 and gives probabilities of ImageNet's classes."""

    def __init__(self, arrays: Arrays, size: int) -> None:
        self._arrays, self._nodes = arrays, list[onnx.NodeProto]()
        self._constants: list[onnx.TensorProto] = []
        result = self._network(size)
        floats = onnx.TensorProto.FLOAT
        graph = helper.make_graph(
            self._nodes,
            "reference",
            [helper.make_tensor_value_info("x", floats, ["n", 3, size, size])],
            [helper.make_tensor_value_info(result, floats, ["n", 1000])],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        self._session = ort.InferenceSession(model.SerializeToString())

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Probabilities of uint8 images [n, size, size, 3]."""
        pixels = (images.transpose(0, 3, 1, 2).astype(np.float32) - 127) / 128
        parts = [self._session.run(None, {"x": pixels[i : i + 20]})[0] for i in range(0, len(pixels), 20)]
        return np.concatenate(parts)

    def _network(self, size: int) -> str:
        self._constant("zero", 0.0)
        self._constant("six", 6.0)
        x = self._convolution(("x", size), "_conv_stem", "_bn0", stride=2)
        for number in range(16):
            start, block = x, f"_blocks.{number}."
            if number:
                x = self._convolution(x, f"{block}_expand_conv", f"{block}_bn0")
            stride = 2 if number in HALVING else 1
            x = self._convolution(x, f"{block}_depthwise_conv", f"{block}_bn1", stride)
            x = self._convolution(x, f"{block}_project_conv", f"{block}_bn2", is_active=False)
            if number not in WITHOUT_ADDITION:
                x = self._add("Add", [x[0], start[0]]), x[1]
        x = self._convolution(x, "_conv_head", "_bn1")
        flat = self._add("Flatten", [self._add("GlobalAveragePool", [x[0]])])
        weights = [self._constant(name, self._arrays[name]) for name in ("_fc.weight", "_fc.bias")]
        return self._add("Softmax", [self._add("Gemm", [flat, *weights], transB=1)])

    def _convolution(self, x: Tensor, name: str, norm: str, stride: int = 1, is_active: bool = True) -> Tensor:
        kernel = self._arrays[f"{name}.weight"]
        gamma, beta, mean, variance = (self._arrays[f"{norm}.{each}"] for each in NORM)
        scale, size, side = gamma / np.sqrt(variance + 1e-3), x[1], kernel.shape[-1]
        smaller = math.ceil(size / stride)
        padding = max((smaller - 1) * stride + side - size, 0)
        before, after = padding // 2, padding - padding // 2
        weights = self._constant(name, kernel * scale[:, None, None, None])
        inputs = [x[0], weights, self._constant(f"{name}.bias", beta - mean * scale)]
        groups = len(kernel) if "depthwise" in name else 1
        options = {"strides": [stride] * 2, "pads": [before, before, after, after], "group": groups}
        y = self._add("Conv", inputs, **options)
        return (self._add("Clip", [y, "zero", "six"]) if is_active else y), smaller

    def _constant(self, name: str, values: Any) -> str:
        self._constants.append(numpy_helper.from_array(np.asarray(values, dtype=np.float32), name))
        return name

    def _add(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        output = f"{kind}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output
