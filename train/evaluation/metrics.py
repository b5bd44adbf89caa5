"""Accuracy of a model on held-out images, and how well its confidence is calibrated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from temper.card import TrainingResult
from temper.intervals import wilson
from train.evaluation.temperature_scaling import at_temperature, expected_calibration_error

# Fraction of the validation images with a confidence below the threshold, whose label is then treated as unknown
# (maximum softmax probability: Hendrycks and Gimpel, 2017).
UNKNOWN_FRACTION = 0.05


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Predictions for the test subset: probabilities [n, classes] at the temperature, and label indices [n].

    temperature: what the logits were divided by. ece_before, ece_after: expected calibration error before and after
    that, in [0, 1]. confidence_threshold: confidence below which a prediction is treated as unknown.
    """

    labels: tuple[str, ...]
    probabilities: NDArray[np.float64]
    targets: NDArray[np.int64]
    temperature: float = 1.0
    ece_before: float = 0.0
    ece_after: float = 0.0
    confidence_threshold: float = 0.0

    @property
    def n_images(self) -> int:
        """Number of images."""
        return len(self.targets)

    @property
    def predicted(self) -> NDArray[np.int64]:
        """Index of the predicted label, [n]."""
        indices: NDArray[np.int64] = self.probabilities.argmax(axis=1)
        return indices

    @property
    def confidence(self) -> NDArray[np.float64]:
        """Probability of the predicted label, [n]."""
        highest: NDArray[np.float64] = self.probabilities.max(axis=1)
        return highest

    @property
    def is_correct(self) -> NDArray[np.bool_]:
        """Which predictions are correct, [n]."""
        correct: NDArray[np.bool_] = self.predicted == self.targets
        return correct

    @property
    def mistakes(self) -> NDArray[np.int64]:
        """Indices of the wrong predictions, the most confident first."""
        wrong = np.flatnonzero(~self.is_correct)
        ordered: NDArray[np.int64] = wrong[np.argsort(-self.confidence[wrong], kind="stable")]
        return ordered

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which predictions reach the confidence threshold, [n]."""
        known: NDArray[np.bool_] = self.confidence >= self.confidence_threshold
        return known

    @property
    def accuracy(self) -> float:
        """Fraction of correct predictions, in [0, 1]."""
        return float(self.is_correct.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Wilson)."""
        return wilson(int(self.is_correct.sum()), self.n_images)

    @property
    def confusion(self) -> NDArray[np.int64]:
        """confusion[i, j]: number of images of label i that are predicted as label j."""
        counts = np.zeros((len(self.labels), len(self.labels)), np.int64)
        np.add.at(counts, (self.targets, self.predicted), 1)
        return counts

    def result(self, seconds: float) -> TrainingResult:
        """The record for the card; seconds: duration of the training."""
        low, high = self.interval
        return TrainingResult(
            images=self.n_images,
            accuracy=round(self.accuracy, 6),
            interval=(round(low, 6), round(high, 6)),
            temperature=round(self.temperature, 6),
            ece_before=round(self.ece_before, 6),
            ece_after=round(self.ece_after, 6),
            known=round(float(self.is_known.mean()), 6),
            seconds=round(seconds, 3),
        )


def evaluate(
    probabilities: NDArray[np.float32],
    targets: NDArray[np.int64],
    labels: tuple[str, ...],
    temperature: float = 1.0,
    confidence_threshold: float = 0.0,
) -> Evaluation:
    """Evaluate probabilities [n, classes] at temperature 1 against label indices [n]."""
    scaled = at_temperature(probabilities, temperature)
    return Evaluation(
        labels=labels,
        probabilities=scaled,
        targets=targets,
        temperature=temperature,
        ece_before=expected_calibration_error(probabilities, targets),
        ece_after=expected_calibration_error(scaled, targets),
        confidence_threshold=confidence_threshold,
    )


def unknown_threshold(probabilities: NDArray[np.float32], temperature: float) -> float:
    """The confidence that all but UNKNOWN_FRACTION of the validation predictions, [n, classes], reach."""
    return float(np.quantile(at_temperature(probabilities, temperature).max(axis=1), UNKNOWN_FRACTION))
