import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from temper.errors import ArtifactError
from temper.runners.checks.onnx_file import DATA_LOCATION, EXTERNAL_DATA, MESSAGES, check_onnx
from tests.source import ROOT

PATH = Path("model.onnx")
# Our names of the messages, and those of the format.
NAMES = {
    "ModelProto": "model", "TrainingInfoProto": "training", "GraphProto": "graph", "FunctionProto": "function",
    "NodeProto": "node", "AttributeProto": "attribute", "SparseTensorProto": "sparse tensor", "TensorProto": "tensor",
}  # fmt: skip


@pytest.fixture
def model(made_bundle: Path) -> onnx.ModelProto:
    return onnx.load(made_bundle.with_name("model.fp32.onnx"))


def external(location: str = "side.bin") -> TensorProto:
    tensor = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[2], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return tensor


def refused(content: bytes, reason: str) -> None:
    with pytest.raises(ArtifactError, match=reason):
        check_onnx(content, PATH)


def test_a_file_with_all_its_weights_passes(model: onnx.ModelProto) -> None:
    check_onnx(model.SerializeToString(), PATH)
    model.graph.initializer[0].data_location = TensorProto.DEFAULT
    check_onnx(model.SerializeToString(), PATH)


def test_every_path_of_the_format_to_a_tensor_is_walked() -> None:
    """The table is compared with the descriptors of the installed onnx: a new one may add a path."""

    def leads_to_tensor(message: object, above: tuple[str, ...] = ()) -> bool:
        name = message.name  # type: ignore[attr-defined]
        if name == "TensorProto":
            return True
        inside = [each.message_type for each in message.fields if each.message_type]  # type: ignore[attr-defined]
        return name not in above and any(leads_to_tensor(each, (*above, name)) for each in inside)

    waiting, found = [onnx.ModelProto.DESCRIPTOR], {}
    while waiting:
        message = waiting.pop()
        fields = (
            {}
            if message.name == "TensorProto"
            else {
                each.number: each.message_type
                for each in message.fields
                if each.message_type and leads_to_tensor(each.message_type)
            }
        )
        found[NAMES[message.name]] = {number: NAMES[each.name] for number, each in fields.items()}
        waiting += [each for each in fields.values() if NAMES[each.name] not in found]
    assert found == MESSAGES
    numbers = {each.name: each.number for each in TensorProto.DESCRIPTOR.fields}
    assert (numbers["external_data"], numbers["data_location"]) == (EXTERNAL_DATA, DATA_LOCATION)


def in_graph(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(external())


def in_sparse(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add().indices.CopyFrom(external())


def in_attribute(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("value", external()))


def in_list(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("values", [external()]))


def in_subgraph(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([], "inner", [], [], [external()])
    inner = helper.make_node("If", ["c"], ["x"], then_branch=graph)
    outer = helper.make_graph([inner], "outer", [], [])
    model.graph.node.append(helper.make_node("If", ["n"], ["y"], then_branch=outer))


def in_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["x"], value=external())
    model.functions.append(helper.make_function("own", "f", [], ["x"], [node], [helper.make_opsetid("", 19)]))


def in_training(model: onnx.ModelProto) -> None:
    model.training_info.add().algorithm.initializer.append(external())


def only_named(model: onnx.ModelProto) -> None:
    model.graph.initializer[0].external_data.add(key="location", value="side.bin")


@pytest.mark.parametrize(
    "add", [in_graph, in_sparse, in_attribute, in_list, in_subgraph, in_function, in_training, only_named]
)
def test_weights_in_another_file_are_refused_wherever_they_are(
    model: onnx.ModelProto, add: Callable[[onnx.ModelProto], None]
) -> None:
    add(model)
    refused(model.SerializeToString(), "keeps weights in other files")


@pytest.mark.parametrize("operator", ["Loop", "Scan"])
@pytest.mark.parametrize("place", ["graph", "subgraph", "function"])
def test_a_graph_that_can_repeat_for_ever_is_refused(model: onnx.ModelProto, operator: str, place: str) -> None:
    node = helper.make_node(operator, ["n"], ["y"], body=helper.make_graph([], "body", [], []))
    if place == "function":
        model.functions.append(helper.make_function("own", "f", [], ["y"], [node], [helper.make_opsetid("", 19)]))
    elif place == "subgraph":
        model.graph.node.append(
            helper.make_node("If", ["c"], ["x"], then_branch=helper.make_graph([node], "inner", [], []))
        )
    else:
        model.graph.node.append(node)
    refused(model.SerializeToString(), f"contains a {operator}, which can repeat for ever")


def test_an_operator_whose_name_begins_like_a_loop_is_not_one(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("LoopLess", ["n"], ["y"]))
    check_onnx(model.SerializeToString(), Path("model.onnx"))


def test_weights_in_another_file_are_refused_in_a_graph_that_is_divided(model: onnx.ModelProto) -> None:
    # A parser merges both parts of a field that occurs twice.
    part = onnx.ModelProto()
    part.graph.initializer.append(external())
    refused(model.SerializeToString() + part.SerializeToString(), "keeps weights in other files")


@pytest.mark.parametrize(
    "content",
    [
        b"\x3b", b"\x3b\x3c", b"\x3a\x05abc", b"\x3a", b"\x00\x01", b"\x38\x01", b"\x3d\0\0\0\0",
        b"\x3a\x02\x72\0\0", b"\xff" * 20, b"\x3a" + b"\xff" * 9 + b"\x01", b"not a model", b"\x09\0",
        b"\x80" * 10 + b"\x01",
    ],
)  # fmt: skip
def test_what_is_no_protobuf_message_is_refused(content: bytes) -> None:
    refused(content, "is not an ONNX file")


def test_graphs_in_graphs_without_end_are_refused() -> None:
    content = b""
    for _ in range(60):
        for field in (6, 5, 1):
            key = bytes([field << 3 | 2])
            size = len(content)
            varint = b""
            while size >= 0x80:
                varint += bytes([size & 0x7F | 0x80])
                size >>= 7
            content = key + varint + bytes([size]) + content
    refused(b"\x3a" + bytes([len(content) & 0x7F | 0x80, len(content) >> 7]) + content, "is not an ONNX file")


def test_flipped_bits_in_the_structure_never_hide_other_files(model: onnx.ModelProto) -> None:
    """Whenever onnx still reads the mutant and finds weights elsewhere, so does the check."""
    model.graph.initializer.append(numpy_helper.from_array(np.zeros(3, np.float32), "last"))
    model.graph.initializer.append(external())
    content = bytearray(model.SerializeToString())
    random = np.random.default_rng(0)
    for position in random.integers(0, len(content), 300).tolist():
        mutant = (
            bytes(content[:position]) + bytes([content[position] ^ 1 << position % 8]) + bytes(content[position + 1 :])
        )
        try:
            parsed = onnx.load_from_string(mutant)
        except Exception:
            continue
        if any(each.data_location == TensorProto.EXTERNAL for each in parsed.graph.initializer):
            with pytest.raises(ArtifactError):
                check_onnx(mutant, PATH)


def test_the_check_does_not_import_onnx() -> None:
    code = "import sys, temper.runners.checks.onnx_file; print('onnx' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
