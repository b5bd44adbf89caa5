"""The cells of the confusion matrix, and which images of them a page shows."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from train.evaluation.metrics import Evaluation

# A matrix of more labels has more cells than a reader can take in: the most confused pairs are listed instead.
MAX_MATRIX_LABELS = 30
MAX_PAIRS = 50
# About 4 kB each.
MAX_IN_CELL = 20
MAX_IN_ALL_CELLS = 300


@dataclass(frozen=True, kw_only=True)
class Cell:
    """Held-out images of one label that are predicted as one label; both by index.

    count: all of them. shown: indices of those that the page shows.
    """

    true: int
    predicted: int
    count: int
    shown: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The name of its section on the page."""
        return f"cell-{self.true}-{self.predicted}"


def has_matrix(evaluation: Evaluation) -> bool:
    """Whether the labels are few enough for a matrix."""
    return len(evaluation.labels) <= MAX_MATRIX_LABELS


def cells_of(evaluation: Evaluation) -> list[Cell]:
    """The cells that are not empty: all of a matrix, or the most confused pairs, the most frequent first.

    Wrong predictions are shown the most confident first, correct ones the least confident first. Every cell has its
    first image before another one has its second.
    """
    members: dict[tuple[int, int], list[int]] = defaultdict(list)
    surprise = np.where(evaluation.is_correct, -evaluation.confidence, evaluation.confidence)
    targets, predicted = evaluation.targets.tolist(), evaluation.predicted.tolist()
    for index in np.argsort(-surprise, kind="stable").tolist():
        members[targets[index], predicted[index]].append(index)
    pairs = sorted(members, key=lambda pair: (pair[0] == pair[1], -len(members[pair]), pair))
    if not has_matrix(evaluation):
        pairs = [pair for pair in pairs if pair[0] != pair[1]][:MAX_PAIRS]
    shown = _divide([len(members[pair]) for pair in pairs])
    return [
        Cell(true=true, predicted=predicted, count=len(members[pair]), shown=tuple(members[pair][:limit]))
        for pair, limit in zip(pairs, shown, strict=True)
        for true, predicted in [pair]
    ]


def _divide(counts: list[int]) -> list[int]:
    """How many images of each cell are shown: one more of each in turn, within both limits."""
    shown, left = [0] * len(counts), MAX_IN_ALL_CELLS
    for _ in range(MAX_IN_CELL):
        for index, count in enumerate(counts):
            if left and shown[index] < count:
                shown[index] += 1
                left -= 1
    return shown
