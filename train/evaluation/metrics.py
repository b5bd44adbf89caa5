"""How well a model answers pictures it was not trained on, and how far its confidence can be believed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.intervals import wilson
from train.evaluation.temperature_scaling import at_temperature, calibration_error

# Below the threshold lie this many of the validation pictures (Hendrycks and Gimpel, 2017: maximum probability).
UNKNOWN_SHARE = 0.05


@dataclass(frozen=True)
class Evaluation:
    """Answers on the test part: probabilities [n, classes] at the temperature, and label indices [n].

    temperature: what the logits were divided by. error_before, error_after: expected calibration error, in [0, 1].
    confidence_threshold: confidence under which an answer is better called unknown.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.int64]
    temperature: float = 1.0
    error_before: float = 0.0
    error_after: float = 0.0
    confidence_threshold: float = 0.0

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return len(self.targets)

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of each answer, [n]."""
        highest: NDArray[np.float64] = self.probabilities.max(axis=1)
        return highest

    @property
    def right(self) -> NDArray[np.bool_]:
        """Which answers are right, [n]."""
        same: NDArray[np.bool_] = self.probabilities.argmax(axis=1) == self.targets
        return same

    @property
    def accuracy(self) -> float:
        """Share of right answers, in [0, 1]."""
        return float(self.right.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy."""
        return wilson(int(self.right.sum()), self.pictures)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """confusion[i, j] pictures of label i were taken for label j."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.targets, self.probabilities.argmax(axis=1)), 1)
        return counts

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which answers are confident enough not to be called unknown, [n]."""
        enough: NDArray[np.bool_] = self.confidence >= self.confidence_threshold
        return enough

    def as_json(self) -> dict[str, Any]:
        """The figures that the card keeps."""
        return {
            "pictures": self.pictures,
            "accuracy": round(self.accuracy, 6),
            "accuracy_interval": [round(bound, 6) for bound in self.interval],
            "temperature": round(self.temperature, 6),
            "calibration_error_before": round(self.error_before, 6),
            "calibration_error": round(self.error_after, 6),
        }


def evaluate(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: tuple[str, ...],
    temperature: float = 1.0,
    confidence_threshold: float = 0.0,
) -> Evaluation:
    """Judge probabilities [n, classes] at temperature 1 against label indices [n]."""
    scaled = at_temperature(probabilities, temperature)
    before, after = calibration_error(probabilities, targets), calibration_error(scaled, targets)
    return Evaluation(labels, scaled, targets, temperature, before, after, confidence_threshold)


def unknown_threshold(probabilities: NDArray[np.float32], temperature: float) -> float:
    """The confidence that all but UNKNOWN_SHARE of the validation pictures' answers, [n, classes], reach."""
    return float(np.quantile(at_temperature(probabilities, temperature).max(axis=1), UNKNOWN_SHARE))
