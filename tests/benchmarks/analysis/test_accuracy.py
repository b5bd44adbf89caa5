from pathlib import Path

import numpy as np

from benchmarks.analysis.accuracy import measure_accuracy
from benchmarks.evaluation_set import EvaluationSet
from temper.dataset.split import Example
from temper.runners.base import Probabilities

TRUTH = ("cat", "cat", "dog", "dog")
EVALUATION = EvaluationSet(
    title="pets",
    labels=("cat", "dog"),
    size=2,
    examples=[
        Example(path=Path(f"{label}{i}.jpg"), label=label, subset="test", sha256="") for i, label in enumerate(TRUTH)
    ],
)


def probabilities(*labels: int) -> Probabilities:
    return np.eye(2, dtype=np.float32)[list(labels)]


def test_top1_agreement_and_flips_are_counted_by_image() -> None:
    accuracy = measure_accuracy(probabilities(0, 1, 1, 1), probabilities(0, 0, 1, 0), EVALUATION)
    assert accuracy.agreement is not None
    assert (accuracy.top1.value, accuracy.agreement.value, accuracy.max_difference) == (0.75, 0.5, 1.0)
    assert [(flip.file, flip.truth, flip.keras, flip.predicted) for flip in accuracy.flips] == [
        ("cat/cat1.jpg", "cat", "cat", "dog"),
        ("dog/dog3.jpg", "dog", "cat", "dog"),
    ]


def test_a_drop_is_paired_so_one_regression_and_one_improvement_cancel() -> None:
    accuracy = measure_accuracy(probabilities(0, 1, 1, 1), probabilities(0, 0, 1, 0), EVALUATION)
    assert accuracy.drop is not None
    assert accuracy.drop.value == 0
    assert accuracy.drop.low < 0 < accuracy.drop.high


def test_without_keras_there_is_only_top1() -> None:
    accuracy = measure_accuracy(probabilities(0, 0, 1, 1), None, EVALUATION)
    assert (accuracy.top1.value, accuracy.agreement, accuracy.drop, accuracy.flips) == (1.0, None, None, ())
