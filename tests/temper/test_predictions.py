import numpy as np

from temper.predictions import Prediction, top_k


def test_the_likeliest_labels_come_first_and_ties_keep_label_order() -> None:
    probabilities = np.array([0.25, 0.5, 0.25], np.float32)
    assert top_k(probabilities, ("a", "b", "c"), 3) == [
        Prediction("b", 0.5),
        Prediction("a", 0.25),
        Prediction("c", 0.25),
    ]


def test_more_than_there_are_gives_all() -> None:
    assert len(top_k(np.array([0.4, 0.6], np.float32), ("a", "b"), 9)) == 2
