import numpy as np
import pytest
from scipy.special import softmax

from train.evaluation.temperature_scaling import (
    at_temperature,
    best_temperature,
    expected_calibration_error,
    fold_into_weights,
    is_at_limit,
)


def overconfident(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities whose logits are three times too large, and labels drawn from the true probabilities."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(count, 3)) * 1.5
    truth = softmax(logits, axis=1)
    labels = (random.random((count, 1)) > truth.cumsum(axis=1)).sum(axis=1)
    return softmax(3 * logits, axis=1).astype(np.float32), labels


def test_the_best_temperature_calibrates_overconfident_probabilities() -> None:
    temperature = best_temperature(*overconfident(4000, seed=0))
    assert 2.7 < temperature < 3.3
    probabilities, labels = overconfident(4000, seed=1)
    assert expected_calibration_error(probabilities, labels) > 0.1
    assert expected_calibration_error(at_temperature(probabilities, temperature), labels) < 0.03


def test_a_search_without_an_optimum_ends_at_a_limit() -> None:
    targets = np.array([0, 1] * 10)
    correct = np.eye(2, dtype=np.float32)[targets] * 0.2 + 0.4
    assert is_at_limit(best_temperature(correct, targets))
    assert is_at_limit(best_temperature(1 - correct, targets))
    assert not is_at_limit(best_temperature(*overconfident(4000, seed=0)))


def test_the_calibration_error_is_the_difference_of_confidence_and_accuracy() -> None:
    probabilities = np.array([[0.8, 0.2]] * 10)
    assert np.isclose(expected_calibration_error(probabilities, np.array([0] * 8 + [1] * 2)), 0)
    assert np.isclose(expected_calibration_error(probabilities, np.array([0] * 5 + [1] * 5)), 0.3)


@pytest.mark.tensorflow
def test_a_temperature_in_the_weights_gives_the_scaled_probabilities() -> None:
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((4,)), keras.layers.Dense(3, activation="softmax", name="probabilities")]
    model = keras.Sequential(layers)
    model.layers[-1].set_weights([np.random.default_rng(0).normal(size=(4, 3)), np.array([1.0, -1.0, 0.5])])
    x = np.random.default_rng(1).normal(size=(6, 4)).astype(np.float32)
    before = model(x).numpy()
    fold_into_weights(model, 2.5)
    assert np.allclose(model(x).numpy(), at_temperature(before, 2.5), atol=1e-5)
