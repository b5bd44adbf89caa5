import numpy as np
import pytest

from experiments.suspects.planted import Recovered, cells_of, plant, recover, smallest_margins
from train.evaluation.confident_learning import MAX_DIMENSIONS


@pytest.mark.parametrize("classes", [2, 7])
def test_a_fraction_of_the_labels_is_replaced_by_others(classes: int) -> None:
    truth = np.arange(200) % classes
    labels, is_planted = plant(truth, 0.05, seed=3)
    assert is_planted.sum() == 10
    assert np.array_equal(labels != truth, is_planted)
    assert set(labels) <= set(truth)
    assert np.array_equal(labels, plant(truth, 0.05, seed=3)[0])
    assert not np.array_equal(labels, plant(truth, 0.05, seed=4)[0])


@pytest.mark.parametrize("is_compressed", [True, False])
def test_planted_labels_in_separable_features_are_recovered(is_compressed: bool) -> None:
    truth = np.arange(160) % 2
    features = np.random.default_rng(0).normal(0, 1, (160, MAX_DIMENSIONS + 10)).astype(np.float32)
    features[:, :20] += truth[:, None] * 3
    groups = [str(index) for index in range(160)]
    result = recover(features, truth, groups, 0.05, 0, is_compressed)
    assert (result.planted, result.first) == (8, 8)
    assert 5 <= result.hits == result.listed
    assert result.seconds > 0


def test_the_smallest_margins_come_first() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.1, 0.5, 0.4], [0.3, 0.3, 0.4], [0, 0, 1]])
    assert list(smallest_margins(probabilities, np.array([0, 0, 2, 0]), 3)) == [3, 1, 2]


def test_a_row_adds_up_results() -> None:
    result = Recovered(planted=4, listed=5, hits=3, first=2, seconds=2.0)
    other = Recovered(planted=4, listed=0, hits=0, first=4, seconds=1.0)
    cells = ("name", "all", "8", "5", "3", "60.0 %", "37.5 %", "75.0 %", "1.50")
    assert cells_of("name", "all", [result, other]) == cells
    assert cells_of("name", "0", [other])[3:7] == ("0", "0", "0.0 %", "0.0 %")
