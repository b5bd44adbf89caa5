"""Confidence that means what it says: temperature scaling and the expected calibration error (Guo et al., 2017)."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

BINS = 15
COLDEST, HOTTEST = 0.05, 20.0
# Keeps the logarithm of a probability that was rounded to zero finite.
TINY = 1e-12


def best_temperature(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature that makes validation answers [n, classes] likeliest, for label indices [n]."""

    def surprise(log_temperature: float) -> float:
        scaled = at_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(scaled[np.arange(len(targets)), targets] + TINY).mean())

    found = minimize_scalar(surprise, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def at_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """The probabilities [n, classes] that logits divided by the temperature would give."""
    logits = np.log(probabilities.astype(np.float64) + TINY)
    scaled: NDArray[np.float64] = softmax(logits / temperature, axis=1)
    return scaled


def calibration_error(probabilities: NDArray[Any], targets: NDArray[np.int64]) -> float:
    """Expected calibration error: confidence minus accuracy, over equal bins of confidence, weighted by pictures."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = np.zeros(BINS)
    np.add.at(gaps, bins, confidence - right)
    return float(np.abs(gaps).sum() / len(targets))


def build_in(model: keras.Model, temperature: float) -> None:
    """Divide the logits of the model's last layer by the temperature, in its weights: the graph stays the same."""
    last = model.get_layer("probabilities")
    last.set_weights([weights / temperature for weights in last.get_weights()])
