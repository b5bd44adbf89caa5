import numpy as np
import pytest

from temper.predictions import Prediction, top_k


def test_the_most_probable_labels_come_first_and_ties_keep_the_order_of_the_labels() -> None:
    probabilities = np.array([0.25, 0.5, 0.25], np.float32)
    assert top_k(probabilities, ("a", "b", "c"), 3) == [
        Prediction("b", 0.5),
        Prediction("a", 0.25),
        Prediction("c", 0.25),
    ]


def test_more_than_there_are_gives_all() -> None:
    assert len(top_k(np.array([0.4, 0.6], np.float32), ("a", "b"), 9)) == 2


def test_the_values_are_plain_python() -> None:
    (prediction,) = top_k(np.array([0.25, 0.75], np.float32), ("a", "b"), 1)
    assert type(prediction.probability) is float


@pytest.mark.parametrize(("probability", "text"), [(1.0, "cat 100.0 %"), (0.0004, "cat 0.0 %"), (0.756, "cat 75.6 %")])
def test_a_prediction_as_text(probability: float, text: str) -> None:
    assert str(Prediction("cat", probability)) == text
