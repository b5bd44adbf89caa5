"""The self-test: a loaded artifact predicts the golden images, and its probabilities are compared with Keras'."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from temper.card import Card
from temper.reference import Golden, read_golden
from temper.runners.base import Probabilities, Runner

# Another machine's kernels round differently: half as much again as the verification measured, and never below this.
TOLERANCE_FACTOR = 1.5
MIN_TOLERANCE = 0.01
# Whatever a card says: with a larger tolerance, an image of whose label Keras is certain (1 for it, 0 for the others)
# could get another label, and its probabilities would still be within the tolerance.
MAX_TOLERANCE = 0.5


@dataclass(frozen=True, kw_only=True)
class SelfTest:
    """The result of a self-test.

    images: how many were predicted. max_difference: the largest absolute difference of a probability from the Keras
    model's, without images whose label changes as the conversion recorded. tolerance: the largest one that passes.
    label_changes: images whose predicted label differs from Keras'. unexpected_changes: those of them that the
    conversion did not record, and for which Keras' probabilities of both labels are too far apart for rounding.
    """

    images: int
    max_difference: float
    tolerance: float
    label_changes: int
    unexpected_changes: int = 0

    @property
    def passed(self) -> bool:
        """True when every probability lies within the tolerance, and no label changes unexpectedly."""
        return self.max_difference <= self.tolerance and not self.unexpected_changes


def self_test(runner: Runner) -> SelfTest:
    """Compare a runner with the golden predictions. Raises ArtifactError when they are missing or changed."""
    golden, card = read_golden(runner.artifact), runner.card
    probabilities = runner.predict(golden.images)
    measured = card.agreement.max_difference if card.agreement else 0.0
    tolerance = min(MAX_TOLERANCE, max(MIN_TOLERANCE, TOLERANCE_FACTOR * measured))
    before, after = golden.probabilities.argmax(axis=1), probabilities.argmax(axis=1)
    changed, recorded = before != after, _recorded_changes(golden, card, after)
    differences = np.abs(probabilities - golden.probabilities).max(axis=1)
    # What rounding may add to the difference of either of both probabilities.
    rounding = max(MIN_TOLERANCE, tolerance - measured)
    unexpected = int((changed & ~recorded & (_gaps(golden.probabilities, after) > 2 * rounding)).sum())
    if not golden.files and card.agreement:
        # It is not known which images these are: as many may change as did at the conversion.
        unexpected = max(0, unexpected - len(card.agreement.flips))
    return SelfTest(
        images=len(golden.images),
        max_difference=float(differences[~recorded].max(initial=0.0)),
        tolerance=tolerance,
        label_changes=int(changed.sum()),
        unexpected_changes=unexpected,
    )


def _recorded_changes(golden: Golden, card: Card, after: NDArray[np.int64]) -> NDArray[np.bool_]:
    """For each golden image, whether the conversion recorded that its label changes to this one."""
    flips = card.agreement.flips if card.agreement else ()
    recorded = {(f"{each.truth}/{each.file}", each.predicted) for each in flips}
    names = golden.files or [""] * len(golden.images)
    return np.array([(name, card.labels[i]) in recorded for name, i in zip(names, after, strict=True)])


def _gaps(probabilities: Probabilities, labels: NDArray[np.int64]) -> Probabilities:
    """How far the largest probability of each row is above that of the label."""
    return np.asarray(probabilities.max(axis=1) - probabilities[np.arange(len(labels)), labels])
