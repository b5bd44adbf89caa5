import numpy as np
import pytest

from train.evaluation.metrics import evaluate, unknown_threshold

pytestmark = pytest.mark.tensorflow
ANSWERS = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0, 0, 1]], np.float32)


def test_the_confusion_matrix_counts_truth_by_rows() -> None:
    found = evaluate(ANSWERS, np.array([0, 1, 1, 2]), ("a", "b", "c"))
    assert found.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.pictures == 4
    assert found.accuracy == 0.75
    assert found.interval[0] < 0.75 < found.interval[1]


def test_a_temperature_changes_confidence_and_no_answer() -> None:
    cool, warm = (evaluate(ANSWERS, np.array([0, 1, 1, 2]), ("a", "b", "c"), t) for t in (1.0, 3.0))
    assert np.array_equal(cool.confusion, warm.confusion)
    assert (warm.confidence <= cool.confidence + 1e-9).all()


def test_all_but_one_in_twenty_answers_reach_the_threshold() -> None:
    confidence = np.linspace(0.5, 0.99, 200)
    answers = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    threshold = unknown_threshold(answers, 1.0)
    found = evaluate(answers, np.zeros(200, int), ("a", "b"), confidence_threshold=threshold)
    assert found.known.sum() == 190
    assert not found.known[:10].any()
