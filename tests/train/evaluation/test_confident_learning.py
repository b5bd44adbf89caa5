import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from train.evaluation import confident_learning
from train.evaluation.confident_learning import (
    FOLDS,
    MAX_DIMENSIONS,
    Errors,
    Features,
    Indices,
    assign_folds,
    compress,
    confident_errors,
    examined_images,
    out_of_sample,
)
from train.fitting import logistic_regression


def clusters(counts: list[int], dimensions: int = 16) -> tuple[Features, Indices]:
    """Features of separable classes with so many images, and their labels."""
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(len(counts)), counts)
    centers = random.normal(0, 2, (len(counts), dimensions))
    features = centers[labels] + random.normal(0, 1, (len(labels), dimensions))
    return features.astype(np.float32), labels


def errors_of(features: Features, labels: Indices, groups: list[str] | None = None) -> Errors:
    groups = groups or [str(index) for index in range(len(labels))]
    probabilities = out_of_sample(features, labels, assign_folds(labels, groups, seed=0))
    return confident_errors(probabilities, labels, examined_images(labels, groups))


@pytest.mark.parametrize(("classes", "each"), [(2, 60), (20, 20)])
def test_planted_wrong_labels_come_first_with_their_true_label(classes: int, each: int) -> None:
    features, truth = clusters([each] * classes, dimensions=64)
    planted = np.random.default_rng(1).choice(len(truth), len(truth) // 20, replace=False)
    labels = truth.copy()
    labels[planted] = (truth[planted] + 1) % classes
    errors = errors_of(features, labels)
    first = errors.images[: len(planted)]
    assert set(first) <= set(planted)
    assert len(first) >= 0.8 * len(planted)
    assert np.array_equal(errors.looks_like[: len(first)], truth[first])
    assert len(errors.images) <= len(planted) + 1


def test_a_separable_dataset_without_errors_has_no_suspects() -> None:
    assert len(errors_of(*clusters([60, 40, 50])).images) == 0


def test_more_features_than_needed_are_compressed_and_give_the_same_suspects() -> None:
    features, labels = clusters([40, 40], dimensions=2 * MAX_DIMENSIONS)
    labels[[3, 50]] = 1 - labels[[3, 50]]
    compressed = compress(features, seed=0)
    assert compressed.shape == (80, MAX_DIMENSIONS)
    assert compressed.dtype == np.float32
    assert np.array_equal(compressed, compress(features, seed=0))
    assert set(errors_of(compressed, labels).images) == {3, 50} == set(errors_of(features, labels).images)
    assert compress(features[:, :8], seed=0).shape == (80, 8)


def test_the_compressed_features_have_the_distances_of_the_standardized_ones() -> None:
    random = np.random.default_rng(0)
    low = random.normal(size=(60, 20)) @ random.normal(size=(20, 600)) * random.uniform(0.1, 9, 600) + 5
    features = low.astype(np.float32)
    standardized = (features - features.mean(axis=0)) / features.std(axis=0)

    def distances(x: Features) -> NDArray[np.floating]:
        norms: NDArray[np.floating] = np.linalg.norm(x[:, None] - x[None], axis=2)
        return norms

    assert np.allclose(distances(compress(features, seed=0)), distances(standardized), rtol=1e-2, atol=1e-2)


def test_the_compressed_features_have_a_mean_of_zero() -> None:
    features = np.random.default_rng(0).normal(5, 1, (60, MAX_DIMENSIONS + 1)).astype(np.float32)
    assert np.abs(compress(features, seed=0).mean(axis=0)).max() < 1e-3


def test_every_fold_has_its_part_of_each_label_and_copies_are_in_one_fold() -> None:
    labels = np.repeat([0, 1], [50, 25])
    groups = [str(index) for index in range(75)]
    groups[7] = groups[3]
    # A copy with another label.
    groups[60] = groups[20]
    folds = assign_folds(labels, groups, seed=0)
    assert folds[7] == folds[3]
    assert folds[60] == folds[20]
    for label, part in ((0, 10), (1, 5)):
        counts = np.bincount(folds[labels == label], minlength=FOLDS)
        assert np.all(np.abs(counts - part) <= 2)
    assert np.array_equal(folds, assign_folds(labels, groups, seed=0))
    assert not np.array_equal(folds, assign_folds(labels, groups, seed=1))


def test_a_copy_with_the_same_wrong_label_does_not_speak_for_an_image() -> None:
    features, truth = clusters([40, 40])
    # Far away from all others: only its copies show a head which label it has.
    features[:6] = features[0] * 4
    labels = truth.copy()
    labels[:6] = 1
    groups = ["copy"] * 6 + [str(index) for index in range(6, 80)]
    assert set(errors_of(features, labels, groups).images) == set(range(6))
    assert not set(range(6)) & set(errors_of(features, labels).images)


def test_a_label_with_fewer_images_than_folds_is_not_examined_and_disturbs_no_other() -> None:
    features, labels = clusters([40, 40, FOLDS - 1, 1])
    labels[5] = 1
    groups = [str(index) for index in range(len(labels))]
    assert np.array_equal(examined_images(labels, groups), labels < 2)
    assert list(errors_of(features, labels).images) == [5]


def test_a_label_with_as_many_images_as_folds_is_examined() -> None:
    labels = np.repeat([0, 1], [FOLDS, FOLDS - 1])
    assert np.array_equal(examined_images(labels, [str(index) for index in range(len(labels))]), labels == 0)


def test_copies_count_once_when_a_label_has_few_images() -> None:
    labels = np.repeat([0, 1], [10, FOLDS])
    groups = [str(index) for index in range(10)] + ["a", "b", "c", "d", "d"]
    assert np.array_equal(examined_images(labels, groups), labels == 0)


def test_copies_of_one_image_have_no_other_fold_and_are_not_suspect() -> None:
    features, labels = clusters([6, 6])
    assert len(errors_of(features, labels, ["copy"] * 12).images) == 0


def test_an_image_is_suspect_only_with_confidence_in_another_label() -> None:
    labels = np.array([0, 0, 0, 1, 1])
    p = np.array([0.9, 0.8, 0.1, 0.3, 0.2])
    probabilities = np.stack([p, 1 - p], axis=1)
    # Thresholds: 0.6 and 0.75.
    everyone = np.ones(5, bool)
    assert list(confident_errors(probabilities, labels, everyone).images) == [2]
    unsure = probabilities.copy()
    unsure[2] = (0.4, 0.6)
    assert list(confident_errors(unsure, labels, everyone).images) == []
    assert list(confident_errors(probabilities, labels, labels == 1).images) == []


def test_the_smallest_margin_is_the_most_suspect() -> None:
    labels = np.array([0] * 6 + [1] * 4)
    p = np.array([0.9, 0.9, 0.2, 0.05, 0.9, 0.1, 0.1, 0.4, 0.5, 0.1])
    errors = confident_errors(np.stack([p, 1 - p], axis=1), labels, np.ones(10, bool))
    assert list(errors.images) == [3, 5, 2]
    assert list(errors.looks_like) == [1, 1, 1]


def test_the_margin_decides_and_not_the_probability_of_the_own_label() -> None:
    labels = np.array([0, 0, 0, 1, 1, 2])
    rows = [[0.20, 0.45, 0.35], [0.25, 0.70, 0.05], [0.9, 0.05, 0.05], [0.3, 0.4, 0.3], [0.3, 0.4, 0.3], [0, 0.1, 0.9]]
    errors = confident_errors(np.array(rows, np.float32), labels, np.ones(6, bool))
    assert list(errors.images) == [1, 0]
    assert list(errors.looks_like) == [1, 1]


def test_blocks_of_rows_give_the_same_suspects(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = clusters([30, 31, 32], dimensions=8)
    labels[[3, 50]] = 2
    together = errors_of(features, labels)
    monkeypatch.setattr(logistic_regression, "BLOCK_NUMBERS", 3 * 7)
    apart = errors_of(features, labels)
    assert {3, 50} <= set(together.images)
    assert np.array_equal(together.images, apart.images)
    assert np.array_equal(together.looks_like, apart.looks_like)


def test_the_memory_is_little_more_than_that_of_the_probabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logistic_regression, "BLOCK_NUMBERS", 1 << 12)
    monkeypatch.setattr(logistic_regression, "MAX_ITERATIONS", 1)
    monkeypatch.setattr(confident_learning, "PENALTIES", (1.0,))
    features, labels = clusters([5] * 400, dimensions=4)
    tracemalloc.start()
    errors_of(features, labels)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # In single precision; one-hot labels take a byte for each.
    assert peak < 2.05 * 4 * len(labels) * 400


def test_an_image_whose_own_label_is_more_probable_is_not_suspect() -> None:
    """It reaches the threshold of the other label, which is low, and not that of its own."""
    p = np.array([0.9, 0.9, 0.55, 0.6, 0.6])
    labels = np.array([0, 0, 0, 1, 1])
    assert list(confident_errors(np.stack([p, 1 - p], axis=1), labels, np.ones(5, bool)).images) == []
