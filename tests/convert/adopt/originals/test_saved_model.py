from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from convert.adopt.normalization import KNOWN
from convert.adopt.originals.base import Wanted
from convert.adopt.originals.saved_model import SavedModelOriginal
from convert.adopt.outputs import to_probabilities
from temper.errors import ArtifactError, UserError
from temper.runners.onnxruntime import open_session
from tests import tiny

pytestmark = pytest.mark.tensorflow
PIXELS = np.random.default_rng(0).integers(0, 256, (3, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)


class Network(tf.Module):  # type: ignore[misc]
    """A convolution and a matrix product."""

    def __init__(self) -> None:
        super().__init__()
        random = np.random.default_rng(0)
        self.kernel = tf.Variable(random.normal(0, 0.1, (3, 3, 3, 8)).astype(np.float32))
        self.head = tf.Variable(random.normal(0, 0.1, (8, 2)).astype(np.float32))

    def __call__(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        features = tf.reduce_mean(tf.nn.relu(tf.nn.conv2d(images, self.kernel, 1, "SAME")), axis=[1, 2])
        return {"logits": features @ self.head}


def save(folder: Path, batch: int | None = None, names: tuple[str, ...] = ("serving_default",)) -> Network:
    network = Network()
    spec = tf.TensorSpec((batch, tiny.SIZE, tiny.SIZE, 3), tf.float32, name="images")
    function = tf.function(network.__call__, input_signature=[spec])
    tf.saved_model.save(network, str(folder), signatures=dict.fromkeys(names, function))
    return network


@pytest.mark.parametrize("batch", [None, 1])
def test_a_signature_becomes_an_onnx_file_with_its_probabilities(tmp_path: Path, batch: int | None) -> None:
    network = save(tmp_path / "net", batch)
    original = SavedModelOriginal(tmp_path / "net", Path("net"), Wanted())
    raw = original.raw(PIXELS, KNOWN["caffe"])
    assert np.abs(raw - network(KNOWN["caffe"].apply(PIXELS))["logits"]).max() < 1e-3
    original.save_wrapped(tmp_path / "model.onnx", KNOWN["caffe"], "logits")
    predicted = open_session(str(tmp_path / "model.onnx")).run(None, {"images": PIXELS})[0]
    assert np.abs(predicted - to_probabilities(raw, "logits")).max() < 1e-5


def test_of_several_signatures_one_is_named(tmp_path: Path) -> None:
    save(tmp_path / "net", names=("first", "second"))
    with pytest.raises(UserError, match=r"has the signatures first, second.*--signature NAME"):
        SavedModelOriginal(tmp_path / "net", Path("net"), Wanted())
    assert SavedModelOriginal(tmp_path / "net", Path("net"), Wanted(signature="second")).outputs == 2


def test_a_folder_that_tensorflow_does_not_open_is_refused(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pb").write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match=r"^net cannot be opened by TensorFlow") as caught:
        SavedModelOriginal(tmp_path, Path("net"), Wanted())
    assert str(tmp_path) not in str(caught.value)
