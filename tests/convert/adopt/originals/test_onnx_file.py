from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from convert.adopt.normalization import NONE
from convert.adopt.originals import onnx_file
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.onnx_file import OnnxOriginal, copy_with_weights, read_onnx, weight_files
from temper.errors import ArtifactError
from tests import tiny
from tests.convert.adopt.nets import onnx_net


def external(bundle: Path, location: str) -> Path:
    """A network whose weights are in the file data.bin, under the name `location`."""
    model, path = onnx_net(bundle), bundle.with_name("net.onnx")
    onnx.save(model, path, save_as_external_data=True, location="data.bin", size_threshold=0)
    if location != "data.bin":
        loaded = onnx.load(path, load_external_data=False)
        for tensor in loaded.graph.initializer:
            for entry in tensor.external_data:
                entry.value = location if entry.key == "location" else entry.value
        path.write_bytes(loaded.SerializeToString())
    return path


def test_weights_in_a_file_beside_it_are_read_as_pytorch_writes_them(bundle: Path, tmp_path: Path) -> None:
    path = external(bundle, "data.bin")
    assert weight_files(path) == [path.with_name("data.bin")]
    (tmp_path / "copies").mkdir()
    model = read_onnx(copy_with_weights(path, tmp_path / "copies"), path)
    inside = {each.name: numpy_helper.to_array(each) for each in onnx_net(bundle).graph.initializer}
    assert all(np.array_equal(numpy_helper.to_array(each), inside[each.name]) for each in model.graph.initializer)


@pytest.mark.parametrize("location", ["../data.bin", "/etc/passwd", "missing.bin", "..", "a/../data.bin"])
def test_weights_elsewhere_are_refused(bundle: Path, location: str) -> None:
    with pytest.raises(ArtifactError, match=r"(?s)keeps weights in .*external_data=False"):
        weight_files(external(bundle, location))


def test_weights_behind_a_link_are_refused(bundle: Path, tmp_path: Path) -> None:
    path = external(bundle, "data.bin")
    path.with_name("data.bin").rename(tmp_path / "elsewhere.bin")
    path.with_name("data.bin").symlink_to(tmp_path / "elsewhere.bin")
    with pytest.raises(ArtifactError, match="keeps weights in data"):
        weight_files(path)


def test_more_than_2_gb_are_refused_before_anything_is_copied(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert onnx_file.MAX_BYTES == 2**31 - 1
    path, folder = external(bundle, "data.bin"), _folder(tmp_path)
    monkeypatch.setattr(onnx_file, "MAX_BYTES", path.stat().st_size + 1)
    with pytest.raises(ArtifactError, match=r"net\.onnx has more than 2 GB"):
        copy_with_weights(path, folder)
    # Nor is it read.
    path.write_bytes(bytes(path.stat().st_size + 2))
    with pytest.raises(ArtifactError, match=r"net\.onnx has more than 2 GB"):
        copy_with_weights(path, folder)
    assert not list(folder.iterdir())


@pytest.mark.parametrize("content", [b"", b"no protobuf", b"\x08\x08"])
def test_what_is_no_onnx_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "net.onnx"
    path.write_bytes(content)
    with pytest.raises(ArtifactError):
        OnnxOriginal(read_onnx(copy_with_weights(path, _folder(tmp_path)), path), path, Wanted())


def changed(bundle: Path, change: str) -> onnx.ModelProto:
    model = onnx_net(bundle)
    graph = model.graph
    if change == "half":
        weights = graph.initializer[0]
        weights.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(weights).astype(np.float16), weights.name))
    if change == "domain":
        graph.node[0].domain = "com.microsoft"
    if change == "quantized":
        graph.node.append(helper.make_node("QuantizeLinear", ["logits", "s"], ["q"]))
    if change == "outputs":
        graph.output.append(helper.make_tensor_value_info("flat", TensorProto.FLOAT, ["n", 8]))
    if change == "operator":
        graph.node[0].op_type = "NoSuchOperator"
    return model


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("half", "not in single precision"),
        ("domain", "operators of com.microsoft"),
        ("quantized", "is quantized"),
        ("outputs", "1 input and 2 outputs"),
        ("operator", "cannot be run by ONNX Runtime"),
    ],
)
def test_what_could_not_be_converted_is_refused_with_the_reason(bundle: Path, change: str, words: str) -> None:
    with pytest.raises(ArtifactError, match=words):
        OnnxOriginal(changed(bundle, change), Path("net.onnx"), Wanted())


def test_weights_that_an_old_exporter_lists_as_inputs_are_no_inputs(bundle: Path) -> None:
    model = onnx_net(bundle)
    for each in model.graph.initializer:
        model.graph.input.append(helper.make_tensor_value_info(each.name, each.data_type, list(each.dims)))
    assert OnnxOriginal(model, Path("net.onnx"), Wanted()).outputs == 2


def test_a_last_batch_that_is_smaller_than_the_only_one_gives_the_same(bundle: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
    free, fixed = (OnnxOriginal(onnx_net(bundle, batch=batch), Path("net.onnx"), Wanted()) for batch in (None, 4))
    assert np.abs(fixed.raw(images, NONE) - free.raw(images, NONE)).max() < 1e-4
    assert len(np.unique(free.raw(images, NONE), axis=0)) == 6


def _folder(tmp_path: Path) -> Path:
    (tmp_path / "copies").mkdir()
    return tmp_path / "copies"
