"""Zero padding before a max-pooling becomes part of the pooling."""

import onnx
from onnx import numpy_helper

from convert.exporters.onnx_nodes import Tensors, change, has_no_pads, integers


def pad_in_pooling(graph: onnx.GraphProto) -> None:
    """Move zero padding between a ReLU and a max-pool into the pool: after a ReLU, zero is as good as -infinity."""
    tensors = Tensors(graph)
    constants = {each.name: each for each in graph.initializer}
    for pool in [node for node in graph.node if node.op_type == "MaxPool"]:
        pad = tensors.producers.get(pool.input[0])
        before = tensors.producers.get(pad.input[0]) if pad else None
        if pad is None or before is None or before.op_type != "Relu" or not tensors.is_read_once(pool.input[0]):
            continue
        if not _pads_zeros(pad) or pad.input[1] not in constants:
            continue
        widths = numpy_helper.to_array(constants[pad.input[1]]).tolist()
        rank = len(widths) // 2
        inner = widths[2:rank] + widths[rank + 2 :]
        is_inner = not any(widths[:2] + widths[rank : rank + 2])
        # A window without any number of the input would give -infinity.
        is_narrow = all(0 <= each < min(integers(pool, "kernel_shape")) for each in inner)
        if is_inner and is_narrow and has_no_pads(pool) and _rounds_down(pool):
            change(pool, pads=inner, auto_pad=None)
            pool.input[0] = pad.input[0]
            graph.node.remove(pad)


def _pads_zeros(node: onnx.NodeProto) -> bool:
    is_constant = all(each.name != "mode" or each.s == b"constant" for each in node.attribute)
    return node.op_type == "Pad" and len(node.input) == 2 and is_constant


def _rounds_down(pool: onnx.NodeProto) -> bool:
    return not any(each.name == "ceil_mode" and each.i for each in pool.attribute)
