"""The self-test: a loaded artifact predicts the golden images, and its probabilities are compared with Keras'."""

from dataclasses import dataclass

import numpy as np

from temper.reference import read_golden
from temper.runners.base import Runner

# Another machine's kernels round differently: half as much again as the verification measured, and never below this.
TOLERANCE_FACTOR = 1.5
MIN_TOLERANCE = 0.01


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The result of a self-test.

    images: how many were predicted. max_difference: the largest absolute difference of a probability from the Keras
    model's. tolerance: the largest one that passes. label_changes: images whose predicted label differs from Keras'.
    """

    images: int
    max_difference: float
    tolerance: float
    label_changes: int

    @property
    def passed(self) -> bool:
        """True when every probability lies within the tolerance."""
        return self.max_difference <= self.tolerance


def self_test(runner: Runner) -> SelfTest:
    """Compare a runner with the golden predictions. Raises ArtifactError when they are missing or changed."""
    images, expected = read_golden(runner.artifact)
    probabilities = runner.predict(images)
    agreement = runner.card.agreement
    return SelfTest(
        images=len(images),
        max_difference=float(np.abs(probabilities - expected).max()),
        tolerance=max(MIN_TOLERANCE, TOLERANCE_FACTOR * (agreement.max_difference if agreement else 0.0)),
        label_changes=int((probabilities.argmax(axis=1) != expected.argmax(axis=1)).sum()),
    )
