"""Parts of a Keras ResNet as ONNX: its start, and residual blocks with strides after them."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from convert.precision.calibration import calibrate
from convert.precision.qdq import quantize, ranged_tensors, with_equal_ranges

CHANNELS = 8


def padded_pool(operator: str) -> onnx.ModelProto:
    """An operator, zero padding of one pixel on each side, and a max-pool: the start of a Keras ResNet."""
    nodes = [
        helper.make_node(operator, ["x"], ["r"], "activation"),
        helper.make_node("Pad", ["r", "widths"], ["p"], "pad"),
        helper.make_node("MaxPool", ["p"], ["y"], "pool", kernel_shape=[3, 3], strides=[2, 2]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "padded",
        [value("x", TensorProto.FLOAT, ["n", 2, 8, 8])],
        [value("y", TensorProto.FLOAT, ["n", 2, 4, 4])],
        [numpy_helper.from_array(np.array([0, 0, 1, 1, 0, 0, 1, 1], np.int64), "widths")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=9)


def residual_blocks(size: int = 16) -> onnx.ModelProto:
    """Two residual blocks, and the two pointwise convolutions of stride 2 that begin a stage of a Keras ResNet."""
    random = np.random.default_rng(0)
    constants, nodes = [], []

    def conv(name: str, source: str, channels: int = CHANNELS, kernel: int = 1, stride: int = 1) -> str:
        weights = random.normal(0, 0.3, (CHANNELS, channels, kernel, kernel)).astype(np.float32)
        constants.append(numpy_helper.from_array(weights, f"{name}_w"))
        pads = [kernel // 2] * 4
        shape = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": pads}
        nodes.append(helper.make_node("Conv", [source, f"{name}_w"], [name], name, **shape))
        return name

    def node(operator: str, name: str, *sources: str) -> str:
        nodes.append(helper.make_node(operator, list(sources), [name], name))
        return name

    nodes.append(helper.make_node("Cast", ["images"], ["pixels"], "pixels", to=TensorProto.FLOAT))
    x = node("Relu", "stem", conv("stem_conv", node("Transpose", "nchw", "pixels"), 3))
    nodes[-3].attribute.append(helper.make_attribute("perm", [0, 3, 1, 2]))
    for block in ("a", "b"):
        inner = node(
            "Relu", f"{block}2_relu", conv(f"{block}2", node("Relu", f"{block}1_relu", conv(f"{block}1", x)), kernel=3)
        )
        x = node("Relu", f"{block}_out", node("Add", f"{block}_add", conv(f"{block}3", inner), x))
    node("Add", "features", conv("c0", x, stride=2), conv("c1", x, stride=2))
    node("GlobalAveragePool", "pooled", "features")
    node("Flatten", "probabilities", "pooled")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes,
        "blocks",
        [value("images", TensorProto.UINT8, ["n", size, size, 3])],
        [value("probabilities", TensorProto.FLOAT, ["n", CHANNELS])],
        constants,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def pixels(size: int, images: int = 4) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, (images, size, size, 3)).astype(np.uint8)


def run(model: onnx.ModelProto, values: NDArray[np.generic]) -> NDArray[np.float32]:
    """The first result of a network with one input, in ONNX Runtime."""
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {session.get_inputs()[0].name: values})[0])


def quantized(model: onnx.ModelProto, images: NDArray[np.uint8], folder: Path) -> onnx.ModelProto:
    """The network in int8; what is measured is written into a folder."""
    path = folder / "fp32.onnx"
    onnx.save(model, path)
    ranges = calibrate(path, [images], len(images), ranged_tensors(model.graph))["max"]
    return quantize(model, with_equal_ranges(model.graph, ranges))
