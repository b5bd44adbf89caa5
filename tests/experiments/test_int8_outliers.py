import numpy as np
import pytest

from experiments.int8_outliers import FACTOR, scale_channel
from temper.system.quiet import quiet_stderr

pytestmark = pytest.mark.tensorflow


def test_the_answers_stay_and_the_range_of_one_channel_grows() -> None:
    with quiet_stderr():
        import keras
    keras.utils.set_random_seed(0)
    images = keras.Input((8, 8, 3))
    normalization, convolution = keras.layers.BatchNormalization(), keras.layers.Conv2D(5, 3)
    inside = keras.layers.ReLU()(normalization(keras.layers.Conv2D(4, 3)(images)))
    model = keras.Model(images, [inside, convolution(inside)])
    gamma, beta, *moving = normalization.get_weights()
    normalization.set_weights([gamma * [1, 3, 1, 1], beta, *moving])
    pictures = np.random.default_rng(0).normal(size=(2, 8, 8, 3)).astype(np.float32)
    inside_before, before = (np.asarray(each) for each in model(pictures))
    scale_channel(normalization, convolution)
    inside_after, after = (np.asarray(each) for each in model(pictures))
    assert np.allclose(before, after, atol=1e-4)
    assert np.allclose(inside_after[..., 1], FACTOR * inside_before[..., 1], rtol=1e-4)
    assert np.allclose(inside_after[..., 0], inside_before[..., 0])
