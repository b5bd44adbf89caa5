"""What this processor can do at best, measured in the same run; and how much a network asks of it."""

import math
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from temper.card import Card
from temper.runners.base import Images, Probabilities, Runner

PeakPrecision = Literal["fp32", "int8"]
# Big enough to saturate two to sixteen cores, small enough for their caches.
SIDE = 1024
CHANNELS, PIXELS, PICTURES, KERNEL = 256, 28, 8, 3
OPERATIONS: dict[str, float] = {
    "fp32": 2 * PICTURES * CHANNELS * CHANNELS * KERNEL**2 * PIXELS**2,
    "int8": 2 * SIDE**3,
}


class PeakRunner(Runner):
    """One kernel of ONNX Runtime in the place of a network: a convolution in fp32, a matrix product in int8."""

    def __init__(self, precision: PeakPrecision) -> None:
        self._precision = precision
        super().__init__(Path(f"peak {precision}"), Card(("a", "b"), 1))

    def predict(self, images: Images) -> Probabilities:
        """Run the kernel once, whatever the pictures."""
        self._session.run(None, {"x": self._input})
        return np.zeros((len(images), 2), dtype=np.float32)

    def facts(self) -> Mapping[str, str]:
        """The kernel's precision."""
        return {"runtime": "ONNX Runtime", "device": "CPU", "executed": self._precision}

    def _load(self) -> None:
        import onnxruntime as ort

        model, self._input = _convolution() if self._precision == "fp32" else _product()
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def peak_openers() -> dict[str, partial[PeakRunner]]:
    """What opens the kernel of each precision, in a worker's process."""
    return {"fp32": partial(PeakRunner, "fp32"), "int8": partial(PeakRunner, "int8")}


def operations_of(onnx_file: Path) -> float:
    """Multiplications and additions for one picture, in the convolutions and matrix products of an ONNX file."""
    import onnx

    model = onnx.load(onnx_file)
    # With one picture fixed every shape follows.
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {each.name: list(each.dims) for each in graph.initializer}
    for each in [*graph.value_info, *graph.output]:
        shapes[each.name] = [axis.dim_value for axis in each.type.tensor_type.shape.dim]
    return sum(_operations(node, shapes) for node in graph.node)


def _operations(node: Any, shapes: dict[str, list[int]]) -> float:
    if node.op_type not in ("Conv", "Gemm", "MatMul"):
        return 0.0
    weights, result = shapes.get(node.input[1], []), shapes.get(node.output[0], [])
    if node.op_type == "Conv":
        return 2.0 * math.prod(weights[1:]) * math.prod(result)
    transposed = any(a.name == "transB" and a.i for a in node.attribute)
    return 2.0 * (weights[-1] if transposed else weights[-2]) * math.prod(result)


def _convolution() -> tuple[bytes, NDArray[Any]]:
    random = np.random.default_rng(0)
    weights = random.normal(size=(CHANNELS, CHANNELS, KERNEL, KERNEL)).astype(np.float32)
    images = random.normal(size=(PICTURES, CHANNELS, PIXELS, PIXELS)).astype(np.float32)
    return _one_node("Conv", weights, images, np.float32, images.shape, pads=[1, 1, 1, 1]), images


def _product() -> tuple[bytes, NDArray[Any]]:
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (SIDE, SIDE)).astype(np.int8)
    rows = random.integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    return _one_node("MatMulInteger", weights, rows, np.int32, rows.shape), rows


def _one_node(
    kind: str, weights: NDArray[Any], x: NDArray[Any], result: Any, shape: tuple[int, ...], **attributes: Any
) -> bytes:
    from onnx import helper, numpy_helper

    def describe(name: str, dtype: Any, dims: tuple[int, ...]) -> Any:
        return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(dtype)), dims)

    graph = helper.make_graph(
        [helper.make_node(kind, ["x", "w"], ["y"], **attributes)],
        "peak",
        [describe("x", x.dtype, x.shape)],
        [describe("y", result, shape)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    return bytes(model.SerializeToString())
