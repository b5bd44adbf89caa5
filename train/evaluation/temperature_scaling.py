"""Temperature scaling and the expected calibration error (Guo et al., 2017)."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

if TYPE_CHECKING:
    import keras

BINS = 15
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.05, 20.0
# Near its limits the loss is so flat that the search ends before it reaches them.
LIMIT_MARGIN = 2.0
# The logarithm of a probability that was rounded to zero stays finite.
EPSILON = 1e-12


def best_temperature(probabilities: NDArray[np.float32], targets: NDArray[np.int64]) -> float:
    """The temperature with the lowest negative log-likelihood on validation probabilities [n, classes]."""

    def nll(log_temperature: float) -> float:
        scaled = at_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(scaled[np.arange(len(targets)), targets] + EPSILON).mean())

    bounds = (np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE))
    return float(np.exp(minimize_scalar(nll, bounds=bounds, method="bounded").x))


def is_at_limit(temperature: float) -> bool:
    """True where the search for the temperature ended at one of its limits: there is no best temperature."""
    return not MIN_TEMPERATURE * LIMIT_MARGIN < temperature < MAX_TEMPERATURE / LIMIT_MARGIN


def at_temperature(probabilities: NDArray[np.float32], temperature: float) -> NDArray[np.float64]:
    """The probabilities [n, classes] after dividing the logits by the temperature."""
    logits = np.log(probabilities.astype(np.float64) + EPSILON)
    scaled: NDArray[np.float64] = softmax(logits / temperature, axis=1)
    return scaled


def expected_calibration_error(probabilities: NDArray[Any], targets: NDArray[np.int64]) -> float:
    """Mean of |confidence - accuracy| over equal bins of confidence, weighted by the number of images."""
    confidence, is_correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
    differences = np.zeros(BINS)
    np.add.at(differences, bin_of(confidence), confidence - is_correct)
    return float(np.abs(differences).sum() / len(targets))


def bin_of(confidence: NDArray[Any]) -> NDArray[np.int64]:
    """Index of the bin that each confidence falls into, [n]."""
    indices: NDArray[np.int64] = np.minimum((confidence * BINS).astype(int), BINS - 1)
    return indices


def fold_into_weights(model: "keras.Model", temperature: float) -> None:
    """Divide the logits of the model by the temperature, in the weights of the last layer: the graph stays the same."""
    last = model.get_layer("probabilities")
    last.set_weights([weights / temperature for weights in last.get_weights()])
