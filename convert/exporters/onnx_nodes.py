"""Nodes of an ONNX graph: who writes and reads their tensors, and their attributes."""

from collections.abc import Iterator

import onnx
from onnx import helper

from temper.runners.ort.graph import readers_of


class Tensors:
    """Which nodes write and read the tensors of a graph."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.producers = {name: node for node in graph.node for name in node.output}
        self.readers = readers_of(graph)
        self._elsewhere = {each.name for each in graph.output}
        self._elsewhere.update(name for node in graph.node for name in _read_inside(node))

    def is_read_elsewhere(self, tensor: str) -> bool:
        """True for a result of the graph, and for what a branch or the body of a loop reads."""
        return tensor in self._elsewhere

    def is_read_once(self, tensor: str) -> bool:
        """True where one node alone reads it."""
        return len(self.readers[tensor]) == 1 and not self.is_read_elsewhere(tensor)


def has_no_pads(node: onnx.NodeProto) -> bool:
    """True for a convolution or pooling without padding."""
    return is_padded_alike(node) and not any(integers(node, "pads"))


def is_padded_alike(node: onnx.NodeProto) -> bool:
    """True where padding does not depend on the strides."""
    return all(each.name != "auto_pad" or each.s in (b"NOTSET", b"VALID") for each in node.attribute)


def integers(node: onnx.NodeProto, name: str) -> list[int]:
    """Integers of an attribute; none where it is left out."""
    return next((list(each.ints) for each in node.attribute if each.name == name), [])


def change(node: onnx.NodeProto, **values: list[int] | None) -> None:
    """Set attributes; None removes one."""
    others = [each for each in node.attribute if each.name not in values]
    del node.attribute[:]
    node.attribute.extend(others)
    node.attribute.extend(helper.make_attribute(name, each) for name, each in values.items() if each is not None)


def _read_inside(node: onnx.NodeProto) -> Iterator[str]:
    """Names that the graphs inside a node read, such as the branches of an If."""
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from inner.input
                yield from _read_inside(inner)
            yield from (each.name for each in graph.output)
