import numpy as np
import pytest

from convert.adopt.normalization import KNOWN, Normalization, parse_normalization
from temper.errors import UsageError

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["caffe", "tf", "torch"])
def test_a_named_one_is_that_of_keras(name: str) -> None:
    import keras

    expected = keras.applications.imagenet_utils.preprocess_input(IMAGES.astype(np.float32), mode=name)
    assert np.abs(KNOWN[name].apply(IMAGES) - expected).max() < 1e-4


def test_factors_and_offsets_give_the_same_as_the_formula() -> None:
    for each in KNOWN.values():
        computed = each.ordered(IMAGES) * np.array(each.factors) + np.array(each.offsets)
        assert np.abs(each.apply(IMAGES) - computed).max() < 1e-4
    assert KNOWN["none"].is_identity and not KNOWN["unit"].is_identity


def test_numbers_are_one_for_all_channels_or_three_and_may_be_fractions() -> None:
    made = parse_normalization(" 1/255, 0.1 0.2 0.3, 0.5, bgr ")
    expected = Normalization(
        name="1/255, 0.1 0.2 0.3, 0.5, bgr", scale=1 / 255, mean=(0.1, 0.2, 0.3), std=(0.5, 0.5, 0.5), order="BGR"
    )
    assert made == expected


@pytest.mark.parametrize(
    "text",
    ["imagenet", "1, 0, 1", "1, 0 0, 1, RGB", "1, 0, 0, RGB", "0, 0, 1, RGB", "1/0, 0, 1, RGB", "1, 0, 1, GBR",
     "nan, 0, 1, RGB", "1, 0, inf, RGB", ""],
)  # fmt: skip
def test_another_text_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(UsageError, match="Expected caffe, tf, torch, unit or none"):
        parse_normalization(text)
