from pathlib import Path

import numpy as np
import pytest

from convert.verification.parity import Flip, compare
from temper.dataset.split import Example

LABELS = ("cat", "dog")


def examples(*labels: str) -> list[Example]:
    return [Example(Path(f"{i}.jpg"), label, "test", f"{i:064x}") for i, label in enumerate(labels)]


def probabilities(*of_cat: float) -> np.ndarray:
    return np.array([[p, 1 - p] for p in of_cat], np.float32)


def test_equal_answers_agree_wholly() -> None:
    keras = probabilities(0.9, 0.2, 0.6)
    found = compare(keras, keras, examples("cat", "dog", "dog"), LABELS)
    assert (found.agreement, found.max_difference, found.flips) == (1.0, 0.0, ())
    assert found.top1 == found.keras_top1 == pytest.approx(2 / 3)
    assert found.cosine == pytest.approx(1)


def test_flips_are_named_and_counted_on_both_sides() -> None:
    keras, other = probabilities(0.9, 0.6, 0.2, 0.3), probabilities(0.4, 0.4, 0.1, 0.6)
    found = compare(keras, other, examples("cat", "dog", "dog", "cat"), LABELS)
    assert found.flips == (
        Flip("0.jpg", "cat", "cat", "dog"),
        Flip("1.jpg", "dog", "cat", "dog"),
        Flip("3.jpg", "cat", "dog", "cat"),
    )
    assert (found.lost, found.won) == (1, 2)
    assert found.max_difference == pytest.approx(0.5)


def test_the_worst_label_is_named() -> None:
    keras, other = probabilities(0.9, 0.9, 0.1, 0.1), probabilities(0.9, 0.9, 0.9, 0.1)
    found = compare(keras, other, examples("cat", "cat", "dog", "dog"), LABELS)
    assert (found.worst_class, found.class_drop) == ("dog", 0.5)
