"""Networks that are made to harm: weights elsewhere, other outputs, sizes that nothing has; their checksums fit."""

import os
import re
from pathlib import Path

import numpy as np

from experiments.chaos.artifacts.hostile_files import Attack, replace


def external_weights(path: Path) -> None:
    """All weights of an ONNX file in another one."""
    _external(path, "side.bin")


def external_weights_outside(path: Path) -> None:
    """The weights in the folder above."""
    _external(path, f"../{path.parent.name}.bin")


def external_weights_hard_link(path: Path) -> None:
    """The weights in a file that is another one by a hard link."""
    _external(path, "side.bin")
    os.link(path.with_name("side.bin"), path.with_name("other.bin"))


def external_weights_in_a_branch(path: Path) -> None:
    """The weights in a graph inside a node."""
    import onnx

    model = onnx.load(path)
    tensor = onnx.TensorProto(name="w", data_type=1, dims=[2], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="side.bin")
    branch = onnx.helper.make_graph([], "branch", [], [], [tensor])
    model.graph.node.append(onnx.helper.make_node("If", ["c"], ["x"], then_branch=branch, else_branch=branch))
    replace(path, model.SerializeToString())


def huge_constant(path: Path) -> None:
    """A tensor of terabytes that is filled by the network itself."""
    import onnx

    model = onnx.load(path)
    shape = onnx.numpy_helper.from_array(np.array([1 << 20, 1 << 22], np.int64), "huge_shape")
    model.graph.initializer.append(shape)
    model.graph.node.insert(0, onnx.helper.make_node("ConstantOfShape", ["huge_shape"], ["huge"]))
    model.graph.output.append(onnx.helper.make_tensor_value_info("huge", 1, [1 << 20, 1 << 22]))
    replace(path, model.SerializeToString())


def unknown_operator(path: Path) -> None:
    """An operator of a library that is not there."""
    import onnx

    model = onnx.load(path)
    model.graph.node[-1].domain = "com.example"
    replace(path, model.SerializeToString())


def logits(path: Path) -> None:
    """A network without its softmax."""
    import onnx

    model = onnx.load(path)
    model.graph.node[-1].op_type = "Identity"
    replace(path, model.SerializeToString())


def not_a_number(path: Path) -> None:
    """A network that gives NaN."""
    import onnx

    model = onnx.load(path)
    bias = next(each for each in model.graph.initializer if each.name == "head_b")
    bias.CopyFrom(onnx.numpy_helper.from_array(np.full(2, np.nan, np.float32), "head_b"))
    replace(path, model.SerializeToString())


def no_weights(path: Path) -> None:
    """An OpenVINO network with an empty file of weights."""
    replace(path.with_suffix(".bin"), b"")


def weights_beyond_the_end(path: Path) -> None:
    """A constant that starts beyond the end of the weights."""
    _edit(path, r'offset="\d+"', f'offset="{1 << 40}"')


def weights_of_terabytes(path: Path) -> None:
    """A constant of terabytes."""
    _edit(path, r'size="\d+"', f'size="{1 << 42}"')


def negative_weights(path: Path) -> None:
    """A constant that starts before the file."""
    _edit(path, r'offset="\d+"', 'offset="-4096"')


def unknown_layer(path: Path) -> None:
    """A layer of a type that does not exist."""
    _edit(path, r'type="SoftMax"|type="Softmax"', 'type="LoadLibrary"')


def nested_elements(path: Path) -> None:
    """XML that is nested a hundred thousand times."""
    replace(path, b"<net>" + b"<layers>" * 100_000)


ONNX: tuple[Attack, ...] = (
    external_weights, external_weights_outside, external_weights_hard_link, external_weights_in_a_branch,
    huge_constant, unknown_operator,
)  # fmt: skip
# They change tensors by their names, which quantization changes.
ONNX_FP32: tuple[Attack, ...] = (logits, not_a_number)
OPENVINO: tuple[Attack, ...] = (
    no_weights, weights_beyond_the_end, weights_of_terabytes, negative_weights, unknown_layer, nested_elements,
)  # fmt: skip


def _external(path: Path, location: str) -> None:
    import onnx

    model = onnx.load(path)
    weights = bytearray()
    for tensor in model.graph.initializer:
        content = onnx.numpy_helper.to_array(tensor).tobytes()
        fields = {"location": location, "offset": str(len(weights)), "length": str(len(content))}
        weights += content
        tensor.ClearField("raw_data")
        tensor.data_location = onnx.TensorProto.EXTERNAL
        for key, value in fields.items():
            tensor.external_data.add(key=key, value=value)
    (path.parent / location).write_bytes(weights)
    replace(path, model.SerializeToString())


def _edit(path: Path, pattern: str, text: str) -> None:
    changed, count = re.subn(pattern, text, path.read_text(), count=1)
    if not count:
        raise RuntimeError(f"{path} does not contain {pattern}")
    replace(path, changed.encode())
