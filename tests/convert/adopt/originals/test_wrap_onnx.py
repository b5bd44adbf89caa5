from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import helper, numpy_helper

from convert.adopt.normalization import KNOWN, NONE, parse_normalization
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.onnx_file import OnnxOriginal
from convert.adopt.outputs import to_probabilities
from temper.card.adoption import OutputKind
from tests import tiny
from tests.convert.adopt.nets import onnx_net

IMAGES = np.random.default_rng(0).integers(0, 256, (5, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


def wrapped(model: onnx.ModelProto, target: Path, preprocessing: str, kind: OutputKind) -> onnx.ModelProto:
    """The wrapped graph, after its probabilities were compared with those of the original."""
    original = OnnxOriginal(model, Path("net.onnx"), Wanted())
    normalization = parse_normalization(preprocessing)
    expected = to_probabilities(original.raw(IMAGES, normalization), kind)
    original.save_wrapped(target, normalization, kind)
    session = ort.InferenceSession(target)
    assert [each.shape for each in session.get_inputs()] == [["batch", tiny.SIZE, tiny.SIZE, 3]]
    assert [each.name for each in (*session.get_inputs(), *session.get_outputs())] == ["images", "probabilities"]
    for n in (1, 5):
        assert np.abs(session.run(None, {"images": IMAGES[:n]})[0] - expected[:n]).max() < 1e-5
    return onnx.load(target)


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("output", ["logits", "probabilities", "logit", "probability"])
@pytest.mark.parametrize("batch", [None, 1, 2])
def test_every_layout_output_and_batch_gives_the_probabilities_of_the_original(
    bundle: Path, tmp_path: Path, layout: str, output: OutputKind, batch: int | None
) -> None:
    wrapped(onnx_net(bundle, layout, output, batch), tmp_path / "model.onnx", "caffe", output)


@pytest.mark.parametrize("preprocessing", [*KNOWN, "0.01, 1 2 3, 0.5 1 2, BGR"])
def test_every_preprocessing_is_inside_and_no_operator_swaps_channels(
    bundle: Path, tmp_path: Path, preprocessing: str
) -> None:
    model = wrapped(onnx_net(bundle), tmp_path / "model.onnx", preprocessing, "logits")
    assert "Gather" not in {node.op_type for node in model.graph.node}


def test_channels_are_swapped_by_an_operator_where_the_network_treats_them_differently(
    bundle: Path, tmp_path: Path
) -> None:
    model = onnx_net(bundle)
    scale = np.array([0.5, 1.0, 2.0], np.float32).reshape(1, 3, 1, 1)
    model.graph.initializer.append(numpy_helper.from_array(scale, "scale"))
    model.graph.node.insert(0, helper.make_node("Mul", ["planes", "scale"], ["scaled"], "scale_channels"))
    model.graph.node[1].input[0] = "scaled"
    assert "Gather" in {node.op_type for node in wrapped(model, tmp_path / "m.onnx", "caffe", "logits").graph.node}


def test_a_network_that_takes_uint8_is_only_renamed(bundle: Path, tmp_path: Path) -> None:
    before = onnx.load(bundle.with_name("model.fp32.onnx"))
    after = wrapped(before, tmp_path / "model.onnx", NONE.name, "probabilities")
    assert len(after.graph.node) <= len(before.graph.node)


def test_nodes_get_names_of_their_own_and_notes_of_the_exporter_are_removed(bundle: Path, tmp_path: Path) -> None:
    model = onnx_net(bundle)
    for node in model.graph.node:
        node.name = ""
        node.doc_string = "/home/somebody/net.py"
        helper.set_model_props(model, {"path": "/home/somebody"})
    made = wrapped(model, tmp_path / "model.onnx", "torch", "logits")
    names = [node.name for node in made.graph.node]
    assert all(names) and len(set(names)) == len(names)
    assert b"somebody" not in (tmp_path / "model.onnx").read_bytes()


@pytest.mark.parametrize("batch", [None, 2])
@pytest.mark.parametrize("output", ["logits", "probability"])
def test_an_output_whose_shape_is_not_declared_has_the_classes_that_it_gives(
    bundle: Path, tmp_path: Path, output: OutputKind, batch: int | None
) -> None:
    model = onnx_net(bundle, output=output, batch=batch)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    made = wrapped(model, tmp_path / "model.onnx", "caffe", output)
    assert [each.dim_value for each in made.graph.output[0].type.tensor_type.shape.dim] == [0, 2]


def test_an_output_of_more_dimensions_is_flattened_and_an_older_opset_is_brought_up_to_date(
    bundle: Path, tmp_path: Path
) -> None:
    model = onnx_net(bundle)
    shape = numpy_helper.from_array(np.array([-1, 2, 1, 1]), "four")
    model.graph.initializer.append(shape)
    model.graph.node.append(helper.make_node("Reshape", ["logits", "four"], ["deep"], "deep"))
    model.graph.output[0].CopyFrom(helper.make_tensor_value_info("deep", onnx.TensorProto.FLOAT, ["n", 2, 1, 1]))
    model.opset_import[0].version = 13
    model.ir_version = 7
    made = wrapped(model, tmp_path / "model.onnx", "unit", "logits")
    assert made.opset_import[0].version == 19
