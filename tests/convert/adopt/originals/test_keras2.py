import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from convert.adopt.originals.base import Wanted
from convert.adopt.originals.keras2 import translate_h5, translated
from temper.errors import ArtifactError
from tests import tiny

INITIALIZER: dict[str, Any] = {
    "module": "keras.initializers",
    "class_name": "Zeros",
    "config": {},
    "registered_name": None,
}


def layer(kind: str, name: str, *before: str, **config: object) -> dict[str, Any]:
    nodes = [[[each, 0, 0, {}] for each in before]] if before else []
    fields = {"name": name, "trainable": True, "dtype": "float32", **config}
    return {"class_name": kind, "config": fields, "name": name, "inbound_nodes": nodes}


def configuration() -> dict[str, Any]:
    """A model in a model as tf-keras 2.21 writes it, with what Keras 3 does not read."""
    shape = [None, tiny.SIZE, tiny.SIZE, 3]
    source = layer("InputLayer", "in", batch_input_shape=shape, sparse=False, ragged=False)
    source["config"].pop("trainable")
    inside = {
        "name": "inside", "trainable": True, "input_layers": [["in", 0, 0]], "output_layers": [["last/relu", 0, 0]],
        "layers": [
            source,
            layer("DepthwiseConv2D", "dw", "in", kernel_size=[3, 3], groups=1, depth_multiplier=1, use_bias=False),
            layer("BatchNormalization", "dw/bn", "dw", axis=[3], epsilon=0.001, moving_mean_initializer=INITIALIZER),
            layer("ReLU", "last/relu", "dw/bn", max_value=6.0),
        ],
    }  # fmt: skip
    layers = [
        {"class_name": "InputLayer", "config": {"batch_input_shape": shape, "dtype": "float32", "name": "image"}},
        {"module": "tf_keras.src.engine.functional", "class_name": "Functional", "config": inside,
         "registered_name": "Functional", "name": "inside"},
        layer("GlobalAveragePooling2D", "pool", data_format="channels_last", keepdims=False),
        layer("Dense", "head", units=2, activation="softmax", batch_input_shape=[None, 3]),
    ]  # fmt: skip
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": layers}}


def write_h5(path: Path, config: dict[str, Any], version: str = "2.21.0") -> dict[str, Any]:
    """A file with this configuration; returns its weights by layer."""
    import h5py

    random = np.random.default_rng(0)
    weights = {
        "inside": {"dw/kernel:0": (3, 3, 3, 1), **{f"dw/bn/{each}:0": (3,) for each in ("g", "b", "m", "v")}},
        "head": {"head/kernel:0": (3, 2), "head/bias:0": (2,)},
    }
    values: dict[str, Any] = {
        name: {key: random.uniform(0.5, 1, shape).astype(np.float32) for key, shape in each.items()}
        for name, each in weights.items()
    }
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = version
        file.attrs["backend"] = "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        group = file.create_group("model_weights")
        group.attrs["layer_names"] = [b"inside", b"pool", b"head"]
        for name in ("inside", "pool", "head"):
            below = group.create_group(name)
            below.attrs["weight_names"] = [each.encode() for each in values.get(name, {})]
            for key, array in values.get(name, {}).items():
                below[key] = array
    return values


def test_arguments_that_keras_3_lacks_are_translated() -> None:
    made = translated(configuration(), frozenset({"dw/bn", "last/relu"}))
    source, inside, _, head = made["config"]["layers"]
    assert source["config"]["batch_input_shape"] == [None, tiny.SIZE, tiny.SIZE, 3]
    assert "batch_input_shape" not in head["config"]
    assert inside["module"] == "keras.src.models.functional"
    assert inside["config"]["output_layers"] == ["last_relu", 0, 0]
    depthwise, normalization, relu = inside["config"]["layers"][1:]
    assert "groups" not in depthwise["config"]
    assert normalization["config"]["axis"] == 3
    assert relu["inbound_nodes"] == [[["dw_bn", 0, 0, {}]]]


def test_a_sequential_model_of_old_tensorflow_gets_its_input_layer() -> None:
    first = layer("Conv2D", "conv", filters=8, batch_input_shape=[None, 8, 8, 3])
    made = translated({"class_name": "Sequential", "config": {"name": "old", "layers": [first]}})
    assert [each["class_name"] for each in made["config"]["layers"]] == ["InputLayer", "Conv2D"]
    assert made["config"]["layers"][0]["config"]["batch_input_shape"] == [None, 8, 8, 3]


def test_a_mixed_precision_policy_becomes_its_name() -> None:
    policy = {"class_name": "Policy", "config": {"name": "mixed_float16"}}
    assert translated({"config": {"dtype": policy}}) == {"config": {"dtype": "mixed_float16"}}


def test_an_operation_outside_of_a_layer_is_refused_with_the_remedy(tmp_path: Path) -> None:
    config = configuration()
    config["config"]["layers"].insert(1, layer("TFOpLambda", "subtract", function="math.subtract"))
    write_h5(tmp_path / "net.h5", config)
    with pytest.raises(ArtifactError, match=r"(?s)TFOpLambda.*tf\.saved_model\.save"):
        translate_h5(tmp_path / "net.h5", Path("net.h5"))


def test_a_file_of_keras_3_is_not_changed(tmp_path: Path) -> None:
    write_h5(tmp_path / "net.h5", configuration(), version="3.15.1")
    before = (tmp_path / "net.h5").read_bytes()
    made = translate_h5(tmp_path / "net.h5", Path("net.h5"))
    assert (tmp_path / "net.h5").read_bytes() == before
    assert made == {**configuration(), "module": "keras.src.models.sequential", "registered_name": None}


def test_a_shape_in_the_words_of_tensorflow_is_read_as_its_numbers(tmp_path: Path) -> None:
    config = configuration()
    config["config"]["build_input_shape"] = {"class_name": "TensorShape", "items": [None, 8, 8, 3]}
    write_h5(tmp_path / "net.h5", config)
    made = translate_h5(tmp_path / "net.h5", Path("net.h5"))
    assert made["config"]["build_input_shape"] == [None, 8, 8, 3]


@pytest.mark.tensorflow
def test_a_model_in_a_model_of_keras_2_computes_what_its_weights_say(tmp_path: Path) -> None:
    from convert.adopt.normalization import NONE
    from convert.adopt.originals.keras_model import KerasOriginal

    weights = write_h5(tmp_path / "net.h5", configuration())
    original = KerasOriginal(tmp_path / "net.h5", Path("net.h5"), Wanted())
    pixels = np.random.default_rng(1).integers(0, 9, (2, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
    kernel, gamma, beta, mean, variance = weights["inside"].values()
    windows = np.lib.stride_tricks.sliding_window_view(pixels.astype(np.float32), (3, 3), axis=(1, 2))
    convolved = np.einsum("nhwcyx,yxc->nhwc", windows, kernel[..., 0])
    features = np.clip((convolved - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0, 6).mean(axis=(1, 2))
    logits = features @ weights["head"]["head/kernel:0"] + weights["head"]["head/bias:0"]
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert np.abs(original.raw(pixels, NONE) - expected).max() < 1e-5


@pytest.mark.tensorflow
def test_a_file_that_tf_keras_has_written_gives_its_predictions(bundle: Path, tmp_path: Path) -> None:
    keras = pytest.importorskip("tf_keras", reason="tf-keras is not installed: pip install tf-keras")
    from convert.adopt.normalization import NONE
    from convert.adopt.originals.keras_model import KerasOriginal
    from tests.convert.adopt.nets import keras_net

    model = keras_net(keras, bundle, activation="sigmoid", classes=1)
    model.save(tmp_path / "net.h5")
    pixels = np.random.default_rng(1).integers(0, 256, (2, tiny.SIZE, tiny.SIZE, 3), dtype=np.uint8)
    original = KerasOriginal(tmp_path / "net.h5", Path("net.h5"), Wanted())
    assert np.abs(original.raw(pixels, NONE) - model.predict(pixels.astype(np.float32), verbose=0)).max() < 1e-5
