import keras
import numpy as np
import pytest

from train.network.fold_batchnorm import fold_batch_norms

pytestmark = pytest.mark.tensorflow
PICTURES = np.random.default_rng(0).uniform(0, 255, (3, 32, 32, 3)).astype(np.float32)


def restless(model: keras.Model) -> keras.Model:
    """Give every BatchNorm statistics that a training would leave behind."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


def norms(model: keras.Model) -> int:
    return sum(isinstance(layer, keras.layers.BatchNormalization) for layer in model.layers)


@pytest.mark.parametrize(
    ("application", "left"), [("ResNet50", 0), ("MobileNetV3Small", 0), ("EfficientNetV2B0", 0), ("ResNet50V2", 17)]
)
def test_a_folded_network_answers_the_same(application: str, left: int) -> None:
    build = getattr(keras.applications, application)
    model = restless(build(include_top=False, weights=None, input_shape=(32, 32, 3)))
    folded = fold_batch_norms(model)
    assert norms(model) > 30 and norms(folded) == left
    expected, found = (each(PICTURES, training=False).numpy() for each in (model, folded))
    assert np.abs(expected - found).max() < 1e-3 * np.abs(expected).max()


def test_a_norm_stays_where_the_convolution_is_read_by_others_or_bends_its_output() -> None:
    inputs = keras.Input((8, 8, 3))
    shared = keras.layers.Conv2D(4, 1)(inputs)
    normed = keras.layers.BatchNormalization()(shared)
    bent = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 1, activation="relu")(inputs))
    model = restless(keras.Model(inputs, keras.layers.Add()([shared, normed, bent])))
    folded = fold_batch_norms(model)
    assert norms(folded) == 2
    x = PICTURES[:, :8, :8]
    assert np.allclose(model(x), folded(x), rtol=1e-5)


def test_a_network_without_norms_is_copied_as_it_is() -> None:
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs)))
    x = PICTURES[:, :8, :8]
    assert np.array_equal(model(x), fold_batch_norms(model)(x))
