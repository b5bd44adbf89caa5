"""Rewrites of an exported fp32 ONNX graph that leave its results as they are, and save work at inference."""

from dataclasses import dataclass

import onnx
from onnx import helper, numpy_helper

POINTWISE = [1, 1]
# Of one input, and each number of their results depends on the same place of it.
ACTIVATIONS = ("Relu", "Clip")


def pad_in_pooling(graph: onnx.GraphProto) -> None:
    """Move zero padding between a ReLU and a max-pool into the pool: after a ReLU, zero is as good as -infinity."""
    producers = {name: node for node in graph.node for name in node.output}
    constants = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        pad = producers.get(pool.input[0])
        before = producers.get(pad.input[0]) if pad and pad.op_type == "Pad" and len(pad.input) == 2 else None
        if pad is None or before is None or before.op_type != "Relu" or pad.input[1] not in constants:
            continue
        widths = constants[pad.input[1]].tolist()
        rank = len(widths) // 2
        if any(widths[:2] + widths[rank : rank + 2]):
            continue
        _change(pool, pads=widths[2:rank] + widths[rank + 2 :], auto_pad=None)
        pool.input[0] = pad.input[0]
        graph.node.remove(pad)


def stride_early(graph: onnx.GraphProto) -> None:
    """Let a residual block compute only those places that the strides after it leave.

    ResNet50 of Keras begins a stage with two pointwise convolutions of stride 2, so that three of four places of the
    block before are computed for nothing. Here that block's 3x3 convolution has the stride, a pooling of single places
    brings the other input of the addition to the same size, and what follows has no stride. At 224 pixels that saves
    10 % of the multiplications (benchmarks/results/nncf.md has the times). Besides, OpenVINO moves strides on its own,
    in a way that leaves six convolutions of an int8 model in floating point.
    """
    for relu in [node for node in graph.node if node.op_type == "Relu"]:
        _Strides(graph).move(relu)


@dataclass(frozen=True)
class _Strides:
    graph: onnx.GraphProto

    def move(self, relu: onnx.NodeProto) -> None:
        """Move the strides of all that reads a node before the addition whose result the node gets."""
        readers, addition = self._readers(relu.output[0]), self._producer(relu.input[0])
        strides = _attribute(readers[0], "strides") if readers else []
        if addition is None or addition.op_type != "Add" or not any(each > 1 for each in strides):
            return
        if self._is_output(relu.output[0]) or not self._is_read_once(relu.input[0]):
            return
        if not all(_is_pointwise(node) and _attribute(node, "strides") == strides for node in readers):
            return
        first = [self._first_convolution(name) for name in addition.input]
        if not any(first):
            return
        for position, convolution in enumerate(first):
            if convolution:
                _change(convolution, strides=strides)
            else:
                addition.input[position] = self._pooled(addition, addition.input[position], strides)
        for node in readers:
            _change(node, strides=POINTWISE)

    def _first_convolution(self, tensor: str) -> onnx.NodeProto | None:
        """The first of the convolutions before a tensor that may have its strides, if there is one."""
        first = None
        while self._is_read_once(tensor) and (node := self._producer(tensor)):
            if node.op_type == "Conv" and _attribute(node, "strides") in ([], POINTWISE) and _is_padded_alike(node):
                first = node
            if node is not first and node.op_type not in ACTIVATIONS:
                break
            if node is first and not _is_pointwise(node):
                break
            tensor = node.input[0]
        return first

    def _pooled(self, before: onnx.NodeProto, tensor: str, strides: list[int]) -> str:
        result = f"{tensor}_strided"
        pool = helper.make_node("MaxPool", [tensor], [result], result, kernel_shape=POINTWISE, strides=strides)
        self.graph.node.insert(list(self.graph.node).index(before), pool)
        return result

    def _producer(self, tensor: str) -> onnx.NodeProto | None:
        return next((node for node in self.graph.node if tensor in node.output), None)

    def _readers(self, tensor: str) -> list[onnx.NodeProto]:
        return [node for node in self.graph.node if tensor in node.input]

    def _is_output(self, tensor: str) -> bool:
        return any(tensor == each.name for each in self.graph.output)

    def _is_read_once(self, tensor: str) -> bool:
        return len(self._readers(tensor)) == 1 and not self._is_output(tensor)


def _is_pointwise(node: onnx.NodeProto) -> bool:
    unpadded = _is_padded_alike(node) and not any(_attribute(node, "pads"))
    return node.op_type == "Conv" and _attribute(node, "kernel_shape") == POINTWISE and unpadded


def _is_padded_alike(node: onnx.NodeProto) -> bool:
    """True where padding does not depend on the strides."""
    return all(each.name != "auto_pad" or each.s in (b"NOTSET", b"VALID") for each in node.attribute)


def _attribute(node: onnx.NodeProto, name: str) -> list[int]:
    """Integers of an attribute; none where it is left out."""
    return next((list(each.ints) for each in node.attribute if each.name == name), [])


def _change(node: onnx.NodeProto, **values: list[int] | None) -> None:
    """Set attributes; None removes one."""
    others = [each for each in node.attribute if each.name not in values]
    del node.attribute[:]
    node.attribute.extend(others)
    node.attribute.extend(helper.make_attribute(name, each) for name, each in values.items() if each is not None)
