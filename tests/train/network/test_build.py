from pathlib import Path

import keras
import numpy as np
import pytest

from train.network.backbones import BACKBONES
from train.network.build import build_model, dtype_policy, freeze_below_top, zero_init_residual
from train.network.pretrained import copy_backbone

pytestmark = pytest.mark.tensorflow
SIZE = 32


@pytest.fixture(scope="module")
def backbone() -> keras.Model:
    keras.utils.set_random_seed(0)
    return keras.applications.ResNet50(include_top=False, weights=None)


@pytest.fixture(scope="module")
def model(backbone: keras.Model) -> keras.Model:
    model = build_model(3, SIZE, hidden_units=16)
    copy_backbone(backbone, model)
    return model


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (4, SIZE, SIZE, 3), dtype=np.uint8)


def test_features_equal_those_of_keras_preprocessing_and_backbone(
    model: keras.Model, backbone: keras.Model, images: np.ndarray
) -> None:
    caffe = keras.applications.resnet50.preprocess_input(images.astype("float32"))
    expected = backbone(caffe, training=False).numpy().mean(axis=(1, 2))
    features = keras.Model(model.inputs, model.get_layer("features").output)(images, training=False).numpy()
    assert np.abs(features - expected).max() < 1e-4 * np.abs(expected).max()
    assert np.abs(expected).max() > 1e-3


def test_a_saved_model_loads_in_safe_mode_and_is_one_flat_graph(
    model: keras.Model, images: np.ndarray, tmp_path: Path
) -> None:
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras", safe_mode=True)
    assert not any(isinstance(layer, (keras.Model, keras.layers.Lambda)) for layer in loaded.layers)
    assert loaded.input.dtype == "uint8"
    probabilities = loaded(images, training=False).numpy()
    assert probabilities.dtype == np.float32
    assert probabilities.shape == (4, 3)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert np.array_equal(probabilities, model(images, training=False).numpy())


def test_a_bfloat16_model_has_float32_weights_and_probabilities() -> None:
    before = keras.config.dtype_policy().name
    with dtype_policy("mixed_bfloat16"):
        model = build_model(2, SIZE)
    assert keras.config.dtype_policy().name == before
    assert model.get_layer("conv2_block1_1_conv").compute_dtype == "bfloat16"
    assert model.get_layer("normalize").compute_dtype == "float32"
    assert {weight.dtype for weight in model.weights} == {"float32"}
    assert model.output.dtype == "float32"


def test_a_zero_initialized_residual_block_is_the_identity() -> None:
    model = build_model(2, 64)
    zero_init_residual(model)
    block = keras.Model(model.get_layer("conv2_block1_out").output, model.get_layer("conv2_block2_out").output)
    x = np.abs(np.random.default_rng(0).normal(size=(1, 16, 16, 256))).astype("float32")
    assert np.array_equal(block(x, training=False).numpy(), x)


# Preprocessing inside Keras' backbone and in our own layer must give the same pixels.
@pytest.mark.parametrize("name", ["mobilenetv3small", pytest.param("efficientnetv2b0", marks=pytest.mark.slow)])
def test_preprocessing_equals_that_inside_the_backbone_of_keras(name: str, images: np.ndarray) -> None:
    build = getattr(keras.applications, BACKBONES[name].application)
    original = build(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3), include_preprocessing=True)
    model = build_model(2, SIZE, hidden_units=0, backbone=name)
    copy_backbone(original, model, name)
    randomize_statistics(original)
    for layer in original.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            model.get_layer(layer.name).set_weights(layer.get_weights())
    expected = original(images.astype("float32"), training=False).numpy().mean(axis=(1, 2))
    features = keras.Model(model.inputs, model.get_layer("features").output)(images, training=False).numpy()
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert np.abs(features - expected).max() < 1e-4 * np.abs(expected).max()


@pytest.mark.slow
def test_convnext_without_grouped_convolutions_and_gelu_is_the_same_function(images: np.ndarray) -> None:
    original = keras.applications.ConvNeXtTiny(include_top=False, weights=None, include_preprocessing=False)
    for layer in original.layers:
        if layer.name.endswith("layer_scale"):
            layer.set_weights([np.ones_like(weight) * 0.5 for weight in layer.get_weights()])
    model = build_model(2, SIZE, hidden_units=0, backbone="convnexttiny")
    copy_backbone(original, model, "convnexttiny")
    chosen = BACKBONES["convnexttiny"]
    pixels = (images.astype("float32") - np.array(chosen.mean)) / np.array(chosen.deviation)
    expected = original(pixels, training=False).numpy().mean(axis=(1, 2))
    features = keras.Model(model.inputs, model.get_layer("features").output)(images, training=False).numpy()
    assert not any(getattr(layer, "groups", 1) > 1 for layer in model.layers)
    assert np.ptp(expected, axis=0).max() > 1e-3
    assert np.abs(features - expected).max() < 1e-3 * np.abs(expected).max()


def test_only_top_blocks_and_head_stay_trainable_for_fine_tuning(model: keras.Model) -> None:
    freeze_below_top(model, "resnet50")
    trainable = {layer.name for layer in model.layers if layer.trainable_weights}
    assert {name.partition("_")[0] for name in trainable} == {"conv5", "dense", "probabilities"}
    assert "conv5_block1_1_conv" in trainable
    assert "conv5_block1_1_bn" not in trainable


@pytest.mark.parametrize("name", ["mobilenetv3small", "mobilenetv2"])
def test_the_top_of_a_backbone_is_a_part_of_it(name: str) -> None:
    model = build_model(2, SIZE, backbone=name)
    everything = sum(weight.shape.num_elements() for weight in model.trainable_weights)
    freeze_below_top(model, name)
    assert sum(isinstance(each, keras.layers.DepthwiseConv2D) and each.trainable for each in model.layers) > 2
    assert sum(weight.shape.num_elements() for weight in model.trainable_weights) < everything


def randomize_statistics(model: keras.Model) -> None:
    """Give BatchNorms other statistics: with the initial ones, activations vanish in deep layers."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            gamma, beta, mean, variance = layer.get_weights()
            layer.set_weights([gamma, beta + 0.3, mean, variance * 0.05])
