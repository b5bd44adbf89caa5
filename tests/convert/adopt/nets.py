"""Models from elsewhere, made of the tiny classifier: what they expect of their pixels is caffe's preprocessing."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from tests import tiny


def onnx_net(bundle: Path, layout: str = "NCHW", output: str = "logits", batch: int | None = None) -> onnx.ModelProto:
    """A network with float input. output: "logits", "probabilities", "logit" or "probability"."""
    model = onnx.load(bundle.with_name("model.fp32.onnx"))
    graph = model.graph
    weights = {each.name: each for each in graph.initializer}
    # From pixels minus their mean in RGB to BGR.
    _set(weights["w0"], numpy_helper.to_array(weights["w0"])[:, ::-1])
    nodes = [node for node in graph.node if node.op_type not in ("Cast", "Sub")]
    if layout == "NCHW":
        nodes = [node for node in nodes if node.op_type != "Transpose"]
    source, shape = ("planes", [3, tiny.SIZE, tiny.SIZE]) if layout == "NCHW" else ("centered", [tiny.SIZE] * 2 + [3])
    last, width = "probabilities", len(tiny.LABELS)
    if output != "probabilities":
        nodes = [node for node in nodes if node.op_type != "Softmax"]
        last = "logits"
    if output in ("logit", "probability"):
        for name in ("head_w", "head_b"):
            values = numpy_helper.to_array(weights[name])
            _set(weights[name], values[..., 1:] - values[..., :1])
        width = 1
    if output == "probability":
        nodes.append(helper.make_node("Sigmoid", [last], ["single"], "sigmoid"))
        last = "single"
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(source, TensorProto.FLOAT, [batch or "n", *shape])],
        [helper.make_tensor_value_info(last, TensorProto.FLOAT, [batch or "n", width])],
        [each for each in graph.initializer if each.name != "mean"],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 19)], ir_version=9)


def keras_net(keras: Any, bundle: Path, activation: str = "softmax", classes: int = 2) -> Any:
    """A model in a model, with the weights of the tiny classifier and batch normalization."""
    layers = keras.layers
    weights = {each.name: numpy_helper.to_array(each) for each in onnx_net(bundle).graph.initializer}
    inputs = keras.Input((tiny.SIZE, tiny.SIZE, 3))
    x = layers.Conv2D(tiny.CHANNELS, 3, padding="same", name="stem")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = layers.MaxPooling2D(name="pool")(layers.ReLU(6.0, name="relu")(x))
    x = layers.DepthwiseConv2D(3, padding="same", depthwise_initializer="ones", name="depthwise")(x)
    inside = keras.Model(inputs, x, name="inside")
    inside.get_layer("stem").set_weights([weights["w0"].transpose(2, 3, 1, 0), weights["b0"]])
    head = layers.Dense(classes, activation=activation or None, name="head")
    model = keras.Sequential([inside, layers.GlobalAveragePooling2D(), layers.Dropout(0.2), head])
    model.build((None, tiny.SIZE, tiny.SIZE, 3))
    return model


def fit_head(model: Any, images: NDArray[np.float32], truth: NDArray[np.int64]) -> None:
    """Fit the head of a Keras model by least squares; truth: 0 or 1 for each image."""
    head = model.layers[-1]
    activation, head.activation = head.activation, lambda x: x
    classes = head.units
    head.set_weights([np.eye(tiny.CHANNELS, classes, dtype=np.float32), np.zeros(classes, np.float32)])
    features = np.asarray(model.layers[1](model.layers[0](images)))
    known = np.c_[features, np.ones(len(features))]
    targets = np.where(truth[:, None] == (np.arange(classes) if classes > 1 else 1), 3.0, -3.0)
    solved = np.linalg.lstsq(known, targets, rcond=None)[0].astype(np.float32)
    head.set_weights([solved[:-1], solved[-1]])
    head.activation = activation


def _set(tensor: onnx.TensorProto, values: NDArray[np.float32]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))
