from typing import Any

import keras
import numpy as np
import pytest

from temper.errors import DataError
from tests.train.network.lite_arrays import random_arrays
from train.network.efficientnet_lite import EfficientNetLite0
from train.network.torch_weights import set_torch_weights

pytestmark = pytest.mark.tensorflow


@pytest.fixture(scope="module")
def model() -> keras.Model:
    return EfficientNetLite0(include_top=False, weights=None)


def test_kernels_are_turned_into_the_order_of_keras(model: keras.Model) -> None:
    arrays = random_arrays("EfficientNetLite0")
    set_torch_weights(model, arrays)
    stem = model.get_layer("stem_conv").get_weights()[0]
    assert stem[1, 2, 0, 5] == arrays["_conv_stem.weight"][5, 0, 1, 2]
    # The second stage has two blocks: block3a is the fourth of all.
    depthwise = model.get_layer("block3a_depthwise_conv").get_weights()[0]
    assert depthwise[4, 1, 7, 0] == arrays["_blocks.3._depthwise_conv.weight"][7, 0, 4, 1]
    norm = model.get_layer("block3a_project_bn")
    assert np.array_equal(norm.moving_variance, arrays["_blocks.3._bn2.running_var"])
    assert np.array_equal(norm.gamma, arrays["_blocks.3._bn2.weight"])


def without(arrays: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: array for name, array in arrays.items() if name != key}


def test_arrays_that_do_not_fit_are_refused_and_change_nothing(model: keras.Model) -> None:
    before = model.get_weights()
    arrays = random_arrays("EfficientNetLite0", seed=1)
    key = "_blocks.3._bn2.running_var"
    for wrong, named in (
        (without(arrays, key), key),
        ({**arrays, "_blocks.16._expand_conv.weight": arrays[key]}, "_blocks.16._expand_conv.weight"),
        ({**arrays, key: arrays[key][:-1]}, "block3a_project_bn"),
        ({**arrays, "_conv_stem.weight": arrays["_conv_stem.weight"][..., :2]}, "stem_conv"),
        (random_arrays("EfficientNetLite1"), "_blocks.16."),
        ({}, "_blocks.0."),
    ):
        with pytest.raises(DataError, match="do not belong to efficientnetlite0") as error:
            set_torch_weights(model, wrong)
        assert named in error.value.what
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
