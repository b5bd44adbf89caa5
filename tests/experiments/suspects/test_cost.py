import numpy as np

from experiments.suspects.cost import CHANNELS, HEADINGS, cost_rows, draw_features


def test_drawn_features_have_the_labels_in_equal_numbers() -> None:
    features, labels = draw_features(40, 4, seed=0)
    assert features.shape == (40, CHANNELS)
    assert features.dtype == np.float32
    assert features.min() == 0
    assert list(np.bincount(labels)) == [10] * 4


def test_a_row_for_each_number_of_images_and_labels() -> None:
    (row,) = cost_rows([800], [2], 0.05)
    cells = dict(zip(HEADINGS, row, strict=True))
    assert (cells["images"], cells["labels"]) == ("800", "2")
    assert float(cells["recall"].removesuffix(" %")) >= 80
    assert float(cells["processor seconds"]) > 0
