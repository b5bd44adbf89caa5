from pathlib import Path

import numpy as np

from benchmarks.analysis.accuracy import compare
from temper.dataset.split import Example
from temper.runners.base import Probabilities

LABELS = ("cat", "dog")
EXAMPLES = [Example(Path(f"{label}{i}.jpg"), label, "test", "") for i, label in enumerate(["cat", "cat", "dog", "dog"])]


def answers(*labels: int) -> Probabilities:
    return np.eye(2, dtype=np.float32)[list(labels)]


def test_top1_agreement_and_flips_are_counted_by_picture() -> None:
    found = compare(answers(0, 1, 1, 1), answers(0, 0, 1, 0), EXAMPLES, LABELS)
    assert found.agreement is not None
    assert (found.top1.value, found.agreement.value, found.max_difference) == (0.75, 0.5, 1.0)
    assert [(flip.file, flip.truth, flip.keras, flip.answer) for flip in found.flips] == [
        ("cat/cat1.jpg", "cat", "cat", "dog"),
        ("dog/dog3.jpg", "dog", "cat", "dog"),
    ]


def test_a_loss_is_paired_so_one_lost_and_one_won_cancel() -> None:
    found = compare(answers(0, 1, 1, 1), answers(0, 0, 1, 0), EXAMPLES, LABELS)
    assert found.loss is not None
    assert found.loss.value == 0
    assert found.loss.low < 0 < found.loss.high


def test_without_keras_only_top1_is_told() -> None:
    found = compare(answers(0, 0, 1, 1), None, EXAMPLES, LABELS)
    assert (found.top1.value, found.agreement, found.loss, found.flips) == (1.0, None, None, ())
