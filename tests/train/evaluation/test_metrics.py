import numpy as np

from train.evaluation.metrics import evaluate, unknown_threshold

PROBABILITIES = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0, 0, 1]], np.float32)
TARGETS = np.array([0, 1, 1, 2])


def test_rows_of_the_confusion_matrix_are_true_labels() -> None:
    evaluation = evaluate(PROBABILITIES, TARGETS, ("a", "b", "c"))
    assert evaluation.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert evaluation.n_images == 4
    assert evaluation.accuracy == 0.75
    assert evaluation.interval[0] < 0.75 < evaluation.interval[1]


def test_a_temperature_changes_confidence_but_no_predicted_label() -> None:
    original, scaled = (evaluate(PROBABILITIES, TARGETS, ("a", "b", "c"), t) for t in (1.0, 3.0))
    assert np.array_equal(original.confusion, scaled.confusion)
    assert (scaled.confidence <= original.confidence + 1e-9).all()


def test_all_but_one_in_twenty_predictions_reach_the_threshold() -> None:
    confidence = np.linspace(0.5, 0.99, 200)
    probabilities = np.stack([confidence, 1 - confidence], axis=1).astype(np.float32)
    threshold = unknown_threshold(probabilities, 1.0)
    evaluation = evaluate(probabilities, np.zeros(200, int), ("a", "b"), confidence_threshold=threshold)
    assert evaluation.is_known.sum() == 190
    assert not evaluation.is_known[:10].any()


def test_the_record_for_the_card_has_the_same_numbers() -> None:
    evaluation = evaluate(PROBABILITIES, TARGETS, ("a", "b", "c"), 2.0, confidence_threshold=0.7)
    result = evaluation.result(seconds=1.23456)
    assert (result.images, result.accuracy, result.temperature, result.seconds) == (4, 0.75, 2.0, 1.235)
    assert result.known == np.mean(evaluation.is_known)
    assert result.interval[0] < result.accuracy < result.interval[1]
