"""Which nodes of an ONNX graph read a tensor."""

from collections import defaultdict

import onnx

# The nodes that read a tensor, by its name.
Readers = dict[str, list[onnx.NodeProto]]


def readers_of(graph: onnx.GraphProto) -> Readers:
    """The readers of each tensor, a node once for each of its inputs; none for a tensor that nothing reads."""
    readers: Readers = defaultdict(list)
    for node in graph.node:
        for name in node.input:
            readers[name].append(node)
    return readers
