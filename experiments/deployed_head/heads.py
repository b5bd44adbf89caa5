"""Heads that are solved on some features, and evaluated on those of the deployed network, over several splits."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from train.fitting.logistic_regression import Solution, solve_head

TRAIN, VALIDATION = 0.5, 0.1
Features = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class SplitResult:
    """Accuracies and cross-entropies on the test images of one split.

    exact: fp32 network. today: int8 network with the head of exact features. deployed: int8 network with the head of
    its own features. agree_today, agree_deployed: fraction of labels that equal those of the fp32 network.
    """

    exact: tuple[float, float]
    today: tuple[float, float]
    deployed: tuple[float, float]
    agree_today: float
    agree_deployed: float


def compare_heads(exact: Features, int8: Features, labels: NDArray[np.int64], seed: int) -> SplitResult:
    """Solve both heads on the same random split: half of the images, a tenth for the penalty, the rest for the test."""
    order = np.random.default_rng(seed).permutation(len(labels))
    train, validation, test = np.split(order, [round(TRAIN * len(order)), round((TRAIN + VALIDATION) * len(order))])
    targets = np.eye(labels.max() + 1, dtype=np.float32)[labels]

    def solve(features: Features) -> Solution:
        return solve_head(features[train], targets[train], features[validation], targets[validation])

    def evaluate(head: Solution, features: Features) -> tuple[float, float]:
        loss, accuracy = head.evaluate(features[test], targets[test])
        return accuracy, loss

    exact_head, own_head = solve(exact), solve(int8)
    predicted = exact_head.logits(exact[test]).argmax(axis=1)

    def agreement(head: Solution) -> float:
        return float((head.logits(int8[test]).argmax(axis=1) == predicted).mean())

    return SplitResult(
        exact=evaluate(exact_head, exact),
        today=evaluate(exact_head, int8),
        deployed=evaluate(own_head, int8),
        agree_today=agreement(exact_head),
        agree_deployed=agreement(own_head),
    )
