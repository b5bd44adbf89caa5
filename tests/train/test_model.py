from pathlib import Path

import keras
import numpy as np
import pytest

from temper.errors import UserError
from train.model import build_model, computing_in, copy_backbone, load_backbone, spare_residuals

pytestmark = pytest.mark.tensorflow
SIZE = 32


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.applications.ResNet50(include_top=False, weights=None)


@pytest.fixture(scope="module")
def model(backbone: keras.Model) -> keras.Model:
    model = build_model(3, SIZE, dense=16)
    copy_backbone(backbone, model)
    return model


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)


def test_features_equal_those_of_keras_own_preprocessing_and_backbone(
    model: keras.Model, backbone: keras.Model, images: np.ndarray
) -> None:
    caffe = keras.applications.resnet50.preprocess_input(images.astype("float32"))
    expected = backbone(caffe, training=False).numpy().mean(axis=(1, 2))
    found = keras.Model(model.inputs, model.get_layer("features").output)(images, training=False).numpy()
    assert np.abs(found - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.abs(expected).max() > 1e-3


def test_a_saved_model_loads_in_safe_mode_and_is_one_flat_graph(
    model: keras.Model, images: np.ndarray, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert not any(isinstance(layer, (keras.Model, keras.layers.Lambda)) for layer in loaded.layers)
    assert loaded.input.dtype == "uint8"
    answers = loaded(images, training=False).numpy()
    assert answers.dtype == np.float32
    assert answers.shape == (4, 3)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(answers, model(images, training=False).numpy())


def test_a_model_computing_in_bfloat16_has_float32_weights_and_probabilities() -> None:
    before = keras.config.dtype_policy().name
    with computing_in("mixed_bfloat16"):
        model = build_model(2, SIZE)
    assert keras.config.dtype_policy().name == before
    assert model.get_layer("conv2_block1_1_conv").compute_dtype == "bfloat16"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"


def test_spared_residual_blocks_pass_their_input_on() -> None:
    model = build_model(2, 64)
    spare_residuals(model)
    block = keras.Model(model.get_layer("conv2_block1_out").output, model.get_layer("conv2_block2_out").output)
    x = np.abs(np.random.default_rng(0).normal(size=(1, 16, 16, 256))).astype("float32")
    assert np.array_equal(block(x, training=False).numpy(), x)


def test_weights_of_a_file_are_those_of_the_backbone(backbone: keras.Model, tmp_path: Path) -> None:
    backbone.save_weights(tmp_path / "backbone.weights.h5")
    loaded = load_backbone(tmp_path / "backbone.weights.h5")
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), backbone.get_weights(), strict=True))


def test_weights_of_another_network_or_no_weights_name_the_remedy(tmp_path: Path) -> None:
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    other.save_weights(tmp_path / "other.weights.h5")
    (tmp_path / "text.weights.h5").write_text("no weights")
    for name in ("other.weights.h5", "text.weights.h5"):
        with pytest.raises(UserError, match="does not hold the weights of a ResNet50"):
            load_backbone(tmp_path / name)
    with pytest.raises(UserError, match="does not exist"):
        load_backbone(tmp_path / "missing.weights.h5")
