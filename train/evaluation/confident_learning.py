"""Labels that are probably wrong, from the features of images: confident learning (Northcutt, Jiang, Chuang, 2021).

Probabilities are those of linear heads that were trained without the image (cross-validation). The threshold of a label
is the mean probability that images of this label have for it. An image belongs to another label with confidence when
its probability reaches the threshold of that label, and is the highest of those that do: these images are the cells of
the confident joint off its diagonal. Of them, an image is suspect when the other label is also more probable than its
own. The most suspect image has the smallest margin: the probability of its label minus that of the other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from threadpoolctl import threadpool_limits

from temper.cli.progress import ProgressCallback, no_progress
from train.dataset.decode import allocate
from train.fitting.logistic_regression import PENALTIES, Standardization, blocks, solve_head

STEP = "looking for wrong labels (folds)"
# Also the fewest different images of a label with which its images are examined: one is then in each fold.
FOLDS = 5
# Heads in so many dimensions take less time and memory, and find as many planted errors as in 2,048
# (benchmarks/results/suspects.md).
MAX_DIMENSIONS = 256
POWER_ITERATIONS = 2

Features = NDArray[np.float32]
Indices = NDArray[np.int64]
Probabilities = NDArray[np.float32]


@dataclass(frozen=True)
class Errors:
    """Indices of suspect images [m], the most suspect first, and of the labels that they look like [m]."""

    images: Indices
    looks_like: Indices


def assign_folds(labels: Indices, groups: list[str], seed: int) -> Indices:
    """The fold of each image, [n]: images of a group are in one fold, those of a label are divided evenly.

    labels: indices [n]. groups: [n]; equal for images of which one must not speak for another one, such as copies.
    """
    _, first_of_group, group_of_image = np.unique(groups, return_index=True, return_inverse=True)
    label_of_group = labels[first_of_group]
    order = np.random.default_rng(seed).permutation(len(label_of_group))
    order = order[np.argsort(label_of_group[order], kind="stable")]
    folds = np.empty(len(order), np.int64)
    folds[order] = np.arange(len(order)) % FOLDS
    assigned: Indices = folds[group_of_image]
    return assigned


def compress(features: Features, seed: int) -> Features:
    """Features [n, d] in MAX_DIMENSIONS dimensions, those in which they vary most; labels have no part in it.

    Randomized subspace iteration (Halko, Martinsson, Tropp, 2011) on standardized features, without a copy of them.
    """
    if features.shape[1] <= MAX_DIMENSIONS:
        return features
    random, standardization = np.random.default_rng(seed), Standardization.of(features)
    mean, scale = standardization.mean.astype(np.float32), standardization.scale.astype(np.float32)
    compressed = allocate((len(features), MAX_DIMENSIONS), np.dtype(np.float32))

    def project(basis: Features) -> Features:
        scaled = basis / scale[:, None]
        np.matmul(features, scaled, out=compressed)
        compressed[:] -= mean @ scaled
        return compressed

    basis = random.normal(size=(features.shape[1], MAX_DIMENSIONS)).astype(np.float32)
    # One thread, as in the solver: several wait for each other where the processor has other work.
    with threadpool_limits(1, user_api="blas"):
        for _ in range(POWER_ITERATIONS):
            projected = project(basis)
            products = (features.T @ projected - np.outer(mean, projected.sum(axis=0))) / scale[:, None]
            basis = np.linalg.qr(products)[0]
        # Heads standardize their features: rotated, dimensions of little variance are not magnified.
        rotation = np.linalg.qr(random.normal(size=(MAX_DIMENSIONS, MAX_DIMENSIONS)))[0].astype(np.float32)
        return project(basis @ rotation)


def out_of_sample(
    features: Features, labels: Indices, folds: Indices, progress: ProgressCallback = no_progress
) -> Probabilities:
    """Probabilities [n, classes] of each image by a linear head that was trained on the other folds.

    features: [n, d]. labels: indices [n]. The penalty of all heads is the one that is best for the first fold.
    """
    targets = np.eye(labels.max() + 1, dtype=np.uint8)[labels]
    probabilities = np.zeros(targets.shape, np.float32)
    penalties: tuple[float, ...] = PENALTIES
    for fold in range(FOLDS):
        progress(STEP, fold, FOLDS)
        is_inside = folds == fold
        inside = np.flatnonzero(is_inside)
        if not 0 < len(inside) < len(folds):
            continue
        # Weights instead of a copy of the features of the other folds.
        weights = (~is_inside * np.float32(len(folds) / (len(folds) - len(inside)))).astype(np.float32)
        validation = features[inside], targets[inside]
        head = solve_head(features, targets, *validation, weights, penalties)
        penalties = (head.penalty,)
        for block in blocks((len(inside), targets.shape[1])):
            probabilities[inside[block]] = softmax(head.logits(features[inside[block]]), axis=1)
    progress(STEP, FOLDS, FOLDS)
    return probabilities


def confident_errors(probabilities: Probabilities, labels: Indices, examined: NDArray[np.bool_]) -> Errors:
    """Which of the examined images [n] are suspect, from out-of-sample probabilities [n, classes]."""
    own = probabilities[np.arange(len(labels)), labels]
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    thresholds = np.bincount(labels, own, probabilities.shape[1]) / np.maximum(counts, 1)
    looks_like, other = np.zeros_like(labels), np.zeros_like(own)
    for block in blocks(probabilities.shape):
        confident = np.where(probabilities[block] >= thresholds, probabilities[block], -np.inf)
        looks_like[block] = confident.argmax(axis=1)
        other[block] = confident.max(axis=1)
    suspects = np.flatnonzero(examined & (looks_like != labels) & (other > own))
    order = suspects[np.argsort((own - other)[suspects], kind="stable")]
    return Errors(order, looks_like[order])


def examined_images(labels: Indices, groups: list[str]) -> NDArray[np.bool_]:
    """Which images [n] have a label with FOLDS different images or more: fewer show too little of what it means."""
    pairs = np.unique(np.stack([labels, np.unique(groups, return_inverse=True)[1]]), axis=1)
    counts = np.bincount(pairs[0], minlength=labels.max() + 1)
    is_examined: NDArray[np.bool_] = counts[labels] >= FOLDS
    return is_examined
