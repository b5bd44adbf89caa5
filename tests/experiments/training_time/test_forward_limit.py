import keras
import pytest

from experiments.training_time.forward_limit import ForwardLimit, count_flop

pytestmark = pytest.mark.tensorflow


def test_resnet50_at_224_pixels_has_the_published_number_of_operations() -> None:
    """3.8 billion multiplications and additions: He et al. 2015, table 1."""
    network = keras.applications.ResNet50(weights=None, include_top=False, input_shape=(224, 224, 3))
    assert count_flop(network) == pytest.approx(2 * 3.8e9, rel=0.02)


def test_strides_and_channels_count() -> None:
    inputs = keras.Input((8, 8, 3))
    network = keras.Model(inputs, keras.layers.Conv2D(5, 3, strides=2, padding="same")(inputs))
    assert count_flop(network) == 2 * (4 * 4 * 5) * (3 * 3 * 3)


def test_the_shortest_time_follows_from_the_rate() -> None:
    assert ForwardLimit(flop=2e9, rate=1e12).min_seconds(1000) == pytest.approx(2.0)
