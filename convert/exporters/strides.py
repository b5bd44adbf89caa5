"""Strides after a residual addition move before it, where the results stay as they are."""

from functools import cached_property

import onnx
from onnx import helper

from convert.exporters.onnx_nodes import Tensors, change, has_no_pads, integers, is_padded_alike

POINTWISE = [1, 1]
# Of one input, and each number of their results depends on the same place of it.
ACTIVATIONS = ("Relu", "Clip")
# Images, channels, height, width.
MAP_DIMENSIONS = 4


def stride_early(model: onnx.ModelProto) -> None:
    """Let a residual block compute only those places that the strides after it leave.

    ResNet50 of Keras begins a stage with two pointwise convolutions of stride 2, so that three of four places of the
    block before are computed for nothing. Here that block's 3x3 convolution has the stride, a pooling of single places
    brings the other input of the addition to the same size, and what follows has no stride. At 224 pixels that saves
    10 % of the multiplications (benchmarks/results/nncf.md has the times). Besides, OpenVINO moves strides on its own,
    in a way that leaves six convolutions of an int8 model in floating point.
    """
    strides = _Strides(model)
    for relu in [node for node in model.graph.node if node.op_type == "Relu"]:
        strides.move(relu)


class _Strides:
    def __init__(self, model: onnx.ModelProto) -> None:
        self._model = model
        self._tensors = Tensors(model.graph)
        self._pooled: dict[tuple[str, tuple[int, ...]], str] = {}

    def move(self, relu: onnx.NodeProto) -> None:
        """Move the strides of all that reads a node before the addition whose result the node gets."""
        readers, addition = self._tensors.readers[relu.output[0]], self._tensors.producers.get(relu.input[0])
        strides = integers(readers[0], "strides") if readers else []
        if addition is None or addition.op_type != "Add" or not any(each > 1 for each in strides):
            return
        if not all(_is_pointwise(node) and integers(node, "strides") == strides for node in readers):
            return
        if self._tensors.is_read_elsewhere(relu.output[0]) or not self._tensors.is_read_once(relu.input[0]):
            return
        first = [self._first_convolution(name) for name in addition.input]
        # What is added may also be a constant, or have fewer dimensions.
        maps = [self._dimensions.get(name) == MAP_DIMENSIONS for name in addition.input]
        if not any(first) or not all(maps):
            return
        for position, convolution in enumerate(first):
            if convolution:
                change(convolution, strides=strides)
            else:
                addition.input[position] = self._pool(addition, addition.input[position], strides)
        for node in readers:
            change(node, strides=POINTWISE)

    def _first_convolution(self, tensor: str) -> onnx.NodeProto | None:
        """The first of the convolutions before a tensor that may have its strides, if there is one."""
        first = None
        while self._tensors.is_read_once(tensor) and (node := self._tensors.producers.get(tensor)):
            if node.op_type == "Conv" and integers(node, "strides") in ([], POINTWISE) and is_padded_alike(node):
                first = node
            if node is not first and node.op_type not in ACTIVATIONS:
                break
            if node is first and not _is_pointwise(node):
                break
            tensor = node.input[0]
        return first

    def _pool(self, before: onnx.NodeProto, tensor: str, strides: list[int]) -> str:
        """The name of every n-th place of a tensor: of a new pooling, or of one that another addition reads."""
        key = tensor, tuple(strides)
        if key not in self._pooled:
            name = self._pooled[key] = f"{tensor}_strided_{'x'.join(map(str, strides))}"
            pool = helper.make_node("MaxPool", [tensor], [name], name, kernel_shape=POINTWISE, strides=strides)
            nodes = self._model.graph.node
            nodes.insert(list(nodes).index(before), pool)
        return self._pooled[key]

    @cached_property
    def _dimensions(self) -> dict[str, int]:
        graph = onnx.shape_inference.infer_shapes(self._model).graph
        return {each.name: len(each.type.tensor_type.shape.dim) for each in (*graph.value_info, *graph.input)}


def _is_pointwise(node: onnx.NodeProto) -> bool:
    return node.op_type == "Conv" and integers(node, "kernel_shape") == POINTWISE and has_no_pads(node)
