"""The network of Keras' layers is the one that the weights were trained with."""

import math
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from tests.train.network.lite_arrays import random_arrays
from tests.train.network.lite_reference import Reference
from train.network.efficientnet_lite import FACTORS, EfficientNetLite0, _rounded, blocks, build
from train.network.torch_weights import set_torch_weights
from train.network.weight_packages import read_package

pytestmark = pytest.mark.tensorflow
# Classes of ImageNet: domestic cats, breeds of dogs.
CLASSES = {"cat": range(281, 286), "dog": range(151, 269)}


def in_keras(model: keras.Model, images: np.ndarray) -> np.ndarray:
    parts = np.split((images.astype(np.float32) - 127) / 128, range(20, len(images), 20))
    return np.concatenate([model(part, training=False).numpy() for part in parts])


def test_it_is_the_network_that_was_written_down_independently() -> None:
    arrays = random_arrays("EfficientNetLite0")
    model = EfficientNetLite0(weights=None)
    set_torch_weights(model, arrays)
    # 65: what is halved is odd, so the padding is symmetric there.
    for size in (64, 65):
        images = np.random.default_rng(0).integers(0, 256, (3, size, size, 3), dtype=np.uint8)
        expected = Reference(arrays, size).predict(images)
        assert np.ptp(expected, axis=0).max() > 1e-3
        assert np.abs(in_keras(model, images) - expected).max() < 1e-5
    kinds = {type(layer).__name__ for layer in model.layers if type(layer).__module__.startswith("keras.")}
    built_in = {"InputLayer", "Conv2D", "DepthwiseConv2D", "BatchNormalization", "ReLU", "Add", "Dense"}
    assert kinds == built_in | {"GlobalAveragePooling2D"}


def test_the_variants_have_their_number_of_blocks_and_channels() -> None:
    assert [len(blocks(name)) for name in FACTORS] == [16, 21, 21]
    assert [list(blocks(name).values())[-2].channels for name in FACTORS] == [192, 192, 208]


@pytest.mark.parametrize(
    ("channels", "rounded"), [(3, 8), (8.8, 8), (9, 16), (10, 16), (12, 16), (26.4, 24), (35.2, 32)]
)
def test_rounding_takes_at_most_a_tenth_of_the_channels(channels: float, rounded: int) -> None:
    assert _rounded(channels) == rounded


@pytest.mark.slow
@pytest.mark.parametrize(("name", "millions"), list(zip(FACTORS, (4.7, 5.4, 6.1), strict=True)))
def test_a_variant_has_the_published_size_and_its_package_fits(name: str, millions: float) -> None:
    """Trainable parameters, with the classifier: README.md of efficientnet/lite."""
    model = build(name)
    assert round(sum(math.prod(each.shape) for each in model.trainable_weights) / 1e6, 1) == millions
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    assert np.ptp(in_keras(model, images), axis=1).min() > 1e-3


@pytest.mark.slow
def test_with_the_weights_of_imagenet_photos_are_of_their_species(shared: Path) -> None:
    """358 of 400 have their first class of 1,000 among the breeds of the species; the reference gives the same."""
    model, reference = EfficientNetLite0(), Reference(read_package("EfficientNetLite0"), 224)
    right = 0
    for species, classes in CLASSES.items():
        images = np.stack([center(path) for path in sorted((shared / "photos" / "test" / species).iterdir())])
        predicted = in_keras(model, images)
        assert np.abs(predicted[:20] - reference.predict(images[:20])).max() < 1e-5
        right += sum(each in classes for each in predicted.argmax(axis=1))
    assert right == 358


def center(path: Path) -> np.ndarray:
    """The shorter side at 256 pixels, and of that the 224 in the middle, as the weights were evaluated."""
    with Image.open(path) as file:
        image = file.convert("RGB")
    scale = 256 / min(image.size)
    width, height = (round(each * scale) for each in image.size)
    left, top = (width - 224) // 2, (height - 224) // 2
    resized = image.resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(resized.crop((left, top, left + 224, top + 224)))
