"""Answers against truth, and against the Keras model's answers."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.analysis.report import Accuracy, Flip
from benchmarks.analysis.statistics import Estimate, share
from temper.dataset.split import Example
from temper.intervals import drop_interval
from temper.runners.base import Probabilities

Indices = NDArray[np.int64]


def compare(
    answers: Probabilities, keras: Probabilities | None, examples: list[Example], labels: tuple[str, ...]
) -> Accuracy:
    """Top-1, agreement, paired loss and the flipped pictures. answers, keras: [n, classes] of the n examples."""
    truth = np.array([labels.index(each.label) for each in examples])
    said = answers.argmax(axis=1)
    top1 = share(int((said == truth).sum()), len(truth))
    if keras is None:
        return Accuracy(top1)
    expected = keras.argmax(axis=1)
    flips = tuple(
        Flip(f"{each.label}/{each.path.name}", each.label, labels[e], labels[s])
        for each, e, s in zip(examples, expected, said, strict=True)
        if e != s
    )
    agreement = share(len(truth) - len(flips), len(truth))
    difference = float(np.abs(answers - keras).max())
    return Accuracy(top1, agreement, paired_loss(said, expected, truth), difference, flips)


def paired_loss(said: Indices, expected: Indices, truth: Indices) -> Estimate:
    """How far top-1 falls from `expected` to `said`, as a share, on the same pictures."""
    lost = int(((expected == truth) & (said != truth)).sum())
    won = int(((said == truth) & (expected != truth)).sum())
    return Estimate((lost - won) / len(truth), *drop_interval(lost, won, len(truth)))
