"""Whether an ONNX file holds all of its weights, and ends; read without the onnx package, as slow as a runtime.

An ONNX file may name other files that hold weights. They would be outside of the checksum, and a runtime would look for
them in a folder that the file chooses. It may also repeat a part of its graph for ever. Message and field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
"""

from collections.abc import Iterator
from pathlib import Path

from temper.errors import ArtifactError

# Wire types of https://protobuf.dev/programming-guides/encoding.
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
FIXED_BYTES = {FIXED64: 8, FIXED32: 4}
MAX_VARINT_BYTES = 10
MAX_FIELD = (1 << 29) - 1
MAX_DEPTH = 100
# For each message, the fields that lead to tensors, and the messages in them.
MESSAGES = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse tensor"},
    "function": {7: "node", 11: "attribute"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse tensor", 23: "sparse tensor"},
    "sparse tensor": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
# Of a tensor: the name of another file, and whether the data is there (0 stands for "in this file").
EXTERNAL_DATA, DATA_LOCATION = 13, 14
# Of a node: the name of its operator. These repeat a graph as often as the file says; no image classifier needs them.
OPERATOR = 4
REPEATING = (b"Loop", b"Scan")


class _Damaged(Exception):
    """The bytes are no protobuf message."""


class _Refused(Exception):
    """What the file contains, as the end of a sentence that begins with the path, and the remedy."""


def check_onnx(content: bytes | memoryview, path: Path) -> None:
    """Raise ArtifactError for weights in other files and for loops, at any depth, and for what is no ONNX file.

    What protobuf would read in more than one way is refused, so that a runtime sees no field which this check does not.
    """
    try:
        _check_message(memoryview(content), "model")
    except _Damaged:
        raise ArtifactError(
            f"{path} cannot be opened by ONNX Runtime: it is not an ONNX file", fix="Convert it again."
        ) from None
    except _Refused as error:
        what, fix = error.args
        raise ArtifactError(f"{path} {what}", fix=fix) from None


def _check_message(message: memoryview, kind: str, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _Damaged
    inside = MESSAGES[kind]
    for field, value in _fields(message):
        if kind == "tensor" and (field == EXTERNAL_DATA or (field == DATA_LOCATION and value != 0)):
            raise _Refused(
                "keeps weights in other files, which its checksum does not cover",
                "Convert it again: Temper writes all weights into the file.",
            )
        if kind == "node" and field == OPERATOR and isinstance(value, memoryview) and bytes(value[:5]) in REPEATING:
            raise _Refused(
                f"contains a {bytes(value).decode()}, which can repeat for ever",
                "Export the model without loops: an image classifier needs none.",
            )
        if field in inside:
            if not isinstance(value, memoryview):
                raise _Damaged
            _check_message(value, inside[field], depth + 1)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field; fixed-size values are skipped. Groups are damage: ONNX has none."""
    position, end = 0, len(message)
    while position < end:
        key, position = _varint(message, position)
        field, wire_type = key >> 3, key & 7
        if not 0 < field <= MAX_FIELD:
            raise _Damaged
        if wire_type == VARINT:
            value, position = _varint(message, position)
            yield field, value
        elif wire_type == BYTES:
            size, position = _varint(message, position)
            if size > end - position:
                raise _Damaged
            yield field, message[position : position + size]
            position += size
        else:
            position += FIXED_BYTES.get(wire_type, end + 1)
            yield field, -1
    if position > end:
        raise _Damaged


def _varint(message: memoryview, position: int) -> tuple[int, int]:
    value = 0
    for index, byte in enumerate(message[position : position + MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, position + index + 1
    raise _Damaged
