"""The highest arithmetic rate of this processor, measured in the same run, and the operations of a network."""

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from benchmarks.measurement.timing import time_calls, wait_until_idle
from temper.errors import MissingRuntime
from temper.runners.base import Images

PeakPrecision = Literal["fp32", "int8"]
PEAK_PRECISIONS: tuple[PeakPrecision, ...] = get_args(PeakPrecision)
# Big enough to saturate two to sixteen cores, small enough for their caches.
MATRIX_SIDE = 1024
CHANNELS, FEATURE_MAP_SIDE, BATCH, KERNEL_SIDE = 256, 28, 8, 3
OPERATIONS: dict[PeakPrecision, float] = {
    "fp32": 2 * BATCH * CHANNELS * CHANNELS * KERNEL_SIDE**2 * FEATURE_MAP_SIDE**2,
    "int8": 2 * MATRIX_SIDE**3,
}
GIGA = 1e9
NO_IMAGES: Images = np.zeros((1, 1, 1, 3), np.uint8)


class PeakKernel:
    """One operator of ONNX Runtime: a convolution in fp32, a matrix product in int8.

    Raises MissingRuntime without ONNX Runtime.
    """

    def __init__(self, precision: PeakPrecision) -> None:
        try:
            import onnxruntime as ort
        except ModuleNotFoundError:
            raise MissingRuntime(
                "ONNX Runtime is not installed", fix="Install it:\n    pip install onnxruntime onnx"
            ) from None
        model, self._input = _convolution() if precision == "fp32" else _matrix_product()
        self._session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])

    def run(self, images: Images = NO_IMAGES) -> None:
        """Run the operator once, whatever the images."""
        self._session.run(None, {"x": self._input})


@contextlib.contextmanager
def load_kernel(precision: PeakPrecision) -> Iterator[PeakKernel]:
    """Open a kernel in a worker's process, and warm it up."""
    kernel = PeakKernel(precision)
    kernel.run()
    yield kernel


def fastest_call(kernel: PeakKernel, max_calls: int, seconds: float) -> float:
    """Wall seconds of the fastest of several calls."""
    calls = time_calls(kernel.run, NO_IMAGES, 1, max_calls, seconds)
    wait_until_idle()
    return min(calls.wall_seconds)


def gops(precision: PeakPrecision, seconds: float) -> float:
    """Billions of operations per second of a call that takes `seconds`."""
    return OPERATIONS[precision] / seconds / GIGA


def count_operations(onnx_file: Path) -> float:
    """Multiplications and additions for one image, in the convolutions and matrix products of an ONNX file."""
    import onnx

    model = onnx.load(onnx_file)
    # With a batch of one every shape can be inferred.
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
    weights = random.normal(size=(CHANNELS, CHANNELS, KERNEL_SIDE, KERNEL_SIDE)).astype(np.float32)
    x = random.normal(size=(BATCH, CHANNELS, FEATURE_MAP_SIDE, FEATURE_MAP_SIDE)).astype(np.float32)
    return _one_node("Conv", weights, x, np.float32, pads=[1, 1, 1, 1]), x


def _matrix_product() -> tuple[bytes, NDArray[Any]]:
    random = np.random.default_rng(0)
    weights = random.integers(-127, 128, (MATRIX_SIDE, MATRIX_SIDE)).astype(np.int8)
    x = random.integers(0, 256, (MATRIX_SIDE, MATRIX_SIDE)).astype(np.uint8)
    return _one_node("MatMulInteger", weights, x, np.int32), x


def _one_node(operator: str, weights: NDArray[Any], x: NDArray[Any], result: Any, **attributes: Any) -> bytes:
    from onnx import helper, numpy_helper

    # In both kernels the result has the shape of x.
    x_type, result_type = (helper.np_dtype_to_tensor_dtype(np.dtype(each)) for each in (x.dtype, result))
    graph = helper.make_graph(
        [helper.make_node(operator, ["x", "w"], ["y"], **attributes)],
        "peak",
        [helper.make_tensor_value_info("x", x_type, x.shape)],
        [helper.make_tensor_value_info("y", result_type, x.shape)],
        [numpy_helper.from_array(weights, "w")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)
    return bytes(model.SerializeToString())
