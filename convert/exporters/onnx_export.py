"""Keras → fp32 ONNX, the graph every other format is made from."""

import logging
import re
import tempfile
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime as ort
from onnxruntime.quantization.onnx_model import ONNXModel

from convert.precision.ort_session import INPUT, OUTPUT
from temper.errors import UserError
from temper.storage.atomic import atomic_write
from temper.system.quiet import quiet_stderr

with quiet_stderr():
    import keras

# tf2onnx writes opset 15; Q/DQ with half-precision scales, which TensorRT wants, came with 19.
OPSET_OF_EXPORT, OPSET = 15, 19
# Keras 3 suffixes a layer's name with the number of the call when it traces the graph.
LAYER = re.compile(r"[^/]+/(?P<layer>[^/]+?)(_\d+)?/")


def to_onnx(source: Path, target: Path) -> None:
    """Export a Keras model to ONNX: uint8 `images` [n, h, w, 3] in, float32 `probabilities` [n, classes] out, any n.

    BatchNorm and constants are folded; convolutions and products bear the names of their Keras layers.
    Raises UserError when Keras cannot open or export the model.
    """
    try:
        model = keras.saving.load_model(source, compile=False, safe_mode=True)
    except (ValueError, OSError) as error:
        raise UserError(f"{source} cannot be opened by Keras: {error}. Train it again with `make train`.") from None
    # A model that was never called cannot be exported by Keras.
    model(np.zeros((1, *model.input_shape[1:]), np.uint8))
    with tempfile.TemporaryDirectory() as scratch, atomic_write(target) as path:
        raw = Path(scratch) / "raw.onnx"
        _export(model, raw)
        _name_layers(raw)
        _fold(raw, path)
        _tidy(path)


def _export(model: keras.Model, path: Path) -> None:
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        model.export(str(path), format="onnx", verbose=False)


def _name_layers(path: Path) -> None:
    model = onnx.load(path)
    for node in model.graph.node:
        if node.op_type in ("Conv", "MatMul", "Gemm") and (match := LAYER.match(node.input[1])):
            node.name = match["layer"]
    onnx.save(model, path)


def _fold(source: Path, target: Path) -> None:
    # The basic level keeps to standard operators: Conv + Mul + Add become one Conv, padding moves into it.
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(target)
    options.log_severity_level = 3
    ort.InferenceSession(str(source), options, providers=["CPUExecutionProvider"])


def _tidy(path: Path) -> None:
    model = onnx.load(path)
    _pad_in_pooling(model.graph)
    _name_ends(model.graph)
    ONNXModel(model).clean_initializers()
    del model.graph.value_info[:]
    del model.opset_import[:]
    model.opset_import.extend([onnx.helper.make_opsetid("", OPSET_OF_EXPORT)])
    model = onnx.version_converter.convert_version(model, OPSET)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _pad_in_pooling(graph: onnx.GraphProto) -> None:
    """Move zero padding between a ReLU and a max-pool into the pool: after a ReLU, zero is as good as -infinity."""
    makers = {name: node for node in graph.node for name in node.output}
    constants = {each.name: onnx.numpy_helper.to_array(each) for each in graph.initializer}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        pad = makers.get(pool.input[0])
        if pad is None or pad.op_type != "Pad" or makers[pad.input[0]].op_type != "Relu" or len(pad.input) > 2:
            continue
        widths = constants[pad.input[1]].tolist()
        rank = len(widths) // 2
        if any(widths[:2] + widths[rank : rank + 2]):
            continue
        attributes = [each for each in pool.attribute if each.name not in ("pads", "auto_pad")]
        del pool.attribute[:]
        pool.attribute.extend([*attributes, onnx.helper.make_attribute("pads", widths[2:rank] + widths[rank + 2 :])])
        pool.input[0] = pad.input[0]
        graph.node.remove(pad)


def _name_ends(graph: onnx.GraphProto) -> None:
    names = {graph.input[0].name: INPUT, graph.output[0].name: OUTPUT}
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
    for end in (graph.input[0], graph.output[0]):
        end.name = names[end.name]
        end.type.tensor_type.shape.dim[0].dim_param = "batch"
