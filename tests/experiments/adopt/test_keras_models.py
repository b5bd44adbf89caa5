from pathlib import Path

import numpy as np
import pytest

from experiments.adopt.keras_models import depthwise, load_train, parse, tutorial
from tests import tiny

pytestmark = pytest.mark.tensorflow


def test_the_small_network_learns_red_and_blue(tmp_path: Path) -> None:
    import keras

    tiny.draw(tmp_path / "train", 8)
    images, truth = load_train(tmp_path, 32)
    assert images.shape == (16, 32, 32, 3) and truth.tolist() == [0] * 8 + [1] * 8
    model = depthwise(keras, images, truth, outputs=1)
    assert model.output_shape == (None, 1)
    assert parse(["signature", "photos", "net"]).size == 64


@pytest.mark.slow
def test_the_tutorials_model_has_its_layers() -> None:
    images = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3)).astype(np.float32)
    model = tutorial(images, np.array([0, 1, 0, 1]), None)
    kinds = [type(layer).__name__ for layer in model.layers[-5:]]
    assert kinds == ["AveragePooling2D", "Flatten", "Dense", "Dropout", "Dense"]
