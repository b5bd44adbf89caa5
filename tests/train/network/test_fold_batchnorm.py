import keras
import numpy as np
import pytest

from train.network.fold_batchnorm import fold_batch_norms

pytestmark = pytest.mark.tensorflow
IMAGES = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)


def randomized(model: keras.Model) -> keras.Model:
    """Give every BatchNorm random statistics, as after a training."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


def count_norms(model: keras.Model) -> int:
    return sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)


@pytest.mark.parametrize(
    ("application", "remaining"),
    [
        ("ResNet50", 0),
        ("MobileNetV3Small", 0),
        pytest.param("EfficientNetV2B0", 0, marks=pytest.mark.slow),
        pytest.param("ResNet50V2", 17, marks=pytest.mark.slow),
    ],
)
def test_a_folded_network_gives_the_same_features(application: str, remaining: int) -> None:
    build = getattr(keras.applications, application)
    model = randomized(build(include_top=False, weights=None, input_shape=(32, 32, 3)))
    folded = fold_batch_norms(model)
    assert count_norms(model) > 30 and count_norms(folded) == remaining
    expected, features = (each(IMAGES, training=False).numpy() for each in (model, folded))
    assert np.abs(expected - features).max() < 1e-3 * np.abs(expected).max()


def test_a_norm_stays_where_the_convolution_has_other_readers_or_an_activation() -> None:
    inputs = keras.Input((8, 8, 3))
    convolution = keras.layers.Conv2D(4, 1)(inputs)
    normed = keras.layers.BatchNormalization()(convolution)
    activated = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 1, activation="relu")(inputs))
    model = randomized(keras.Model(inputs, keras.layers.Add()([convolution, normed, activated])))
    folded = fold_batch_norms(model)
    assert count_norms(folded) == 2
    x = IMAGES[:, :8, :8]
    assert np.allclose(model(x), folded(x), rtol=1e-5)


def test_a_network_without_norms_is_copied_unchanged() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    x = IMAGES[:, :8, :8]
    assert np.array_equal(model(x), fold_batch_norms(model)(x))


def test_a_norm_stays_where_the_convolution_is_also_an_output() -> None:
    inputs = keras.Input((8, 8, 3))
    convolution = keras.layers.Conv2D(4, 1)(inputs)
    model = randomized(keras.Model(inputs, [convolution, keras.layers.BatchNormalization()(convolution)]))
    folded = fold_batch_norms(model)
    x = IMAGES[:, :8, :8]
    assert count_norms(folded) == 1
    assert all(np.array_equal(a, b) for a, b in zip(model(x), folded(x), strict=True))
