import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest

from convert.adopt.normalization import Normalization, parse_normalization
from convert.adopt.originals.base import InputSpec
from convert.adopt.originals.wrap_keras import wrap
from convert.adopt.outputs import to_probabilities
from convert.exporters.keras_model import export
from temper.card.adoption import OutputKind
from tests import tiny
from tests.convert.adopt.nets import keras_net

pytestmark = pytest.mark.tensorflow
PIXELS = np.random.default_rng(0).integers(0, 256, (3, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
SPEC = InputSpec(size=tiny.SIZE, layout="NHWC", dtype="float32", batch=None)


def moderate(model: keras.Model, normalization: Normalization) -> None:
    """Scale the head so that it gives PIXELS probabilities from 0.2 to 0.8: there, a small change of an input shows."""
    head = model.layers[-1]
    activation, head.activation = head.activation, lambda x: x
    raw = np.asarray(model(normalization.apply(PIXELS)))
    mean, (kernel, bias) = raw.mean(axis=0), head.get_weights()
    factor = 0.6 / np.abs(raw - mean).max()
    head.set_weights([kernel * factor, (bias - mean) * factor])
    head.activation = activation


def check(model: keras.Model, normalization: Normalization, kind: OutputKind) -> list[str]:
    """Compare the wrapped model with the one inside, and return the names of its own operations."""
    raw = model.predict(normalization.apply(PIXELS), verbose=0)
    wrapped = wrap(model, SPEC, normalization, kind)
    assert wrapped.inputs[0].dtype == "uint8"
    predicted = wrapped.predict(PIXELS, verbose=0)
    assert np.abs(predicted - to_probabilities(raw.reshape(len(raw), -1), kind)).max() < 1e-5
    return [each.name for each in wrapped.operations]


@pytest.mark.parametrize(
    ("activation", "classes", "kind"),
    [("softmax", 2, "probabilities"), ("", 2, "logits"), ("sigmoid", 1, "probability"), ("", 1, "logit")],
)
def test_every_output_becomes_probabilities(bundle: Path, activation: str, classes: int, kind: OutputKind) -> None:
    model, caffe = keras_net(keras, bundle, activation, classes), parse_normalization("caffe")
    moderate(model, caffe)
    wrong = dataclasses.replace(caffe, mean=caffe.mean[::-1])
    expected, other = (to_probabilities(model.predict(n.apply(PIXELS), verbose=0), kind) for n in (caffe, wrong))
    assert expected.min() > 0.2 and np.abs(other - expected).max() > 1e-2
    names = check(model, caffe, kind)
    assert not [name for name in names if name.startswith("take")]


def test_channels_are_swapped_where_the_model_treats_them_differently_and_it_is_still_exported(tmp_path: Path) -> None:
    inputs = keras.Input((tiny.SIZE, tiny.SIZE, 3))
    x = keras.layers.Rescaling([0.5, 1.0, 2.0])(inputs)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(x))
    model = keras.Model(inputs, keras.layers.Dense(2)(x))
    normalization = parse_normalization("1/255, 0 0.5 1, 1, BGR")
    assert [name for name in check(model, normalization, "logits") if name.startswith("take")]
    wrapped = wrap(model, SPEC, normalization, "logits")
    wrapped.save(tmp_path / "model.keras")
    export(tmp_path / "model.keras", tmp_path / "model.onnx", "onnx")
    import onnxruntime as ort

    session = ort.InferenceSession(tmp_path / "model.onnx")
    exported = session.run(None, {session.get_inputs()[0].name: PIXELS})[0]
    assert np.abs(exported - wrapped.predict(PIXELS, verbose=0)).max() < 1e-5
