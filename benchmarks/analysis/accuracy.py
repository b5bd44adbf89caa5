"""Predicted labels against the true ones, and against those of the Keras model."""

import numpy as np
from numpy.typing import NDArray

from benchmarks.analysis.report import Accuracy
from benchmarks.analysis.statistics import Estimate, proportion
from benchmarks.evaluation_set import EvaluationSet
from temper.card import LabelFlip
from temper.intervals import drop_interval
from temper.runners.base import Probabilities

Indices = NDArray[np.int64]


def measure_accuracy(probabilities: Probabilities, keras: Probabilities | None, evaluation: EvaluationSet) -> Accuracy:
    """Top-1, agreement, paired drop and label flips. probabilities, keras: [n, classes] of the n examples."""
    labels = evaluation.labels
    truth = np.array([labels.index(each.label) for each in evaluation.examples])
    predicted = probabilities.argmax(axis=1)
    top1 = proportion(int((predicted == truth).sum()), len(truth))
    if keras is None:
        return Accuracy(top1=top1)
    expected = keras.argmax(axis=1)
    flips = tuple(
        LabelFlip(file=each.name, truth=each.label, keras=labels[e], predicted=labels[p])
        for each, e, p in zip(evaluation.examples, expected, predicted, strict=True)
        if e != p
    )
    return Accuracy(
        top1=top1,
        agreement=proportion(len(truth) - len(flips), len(truth)),
        drop=paired_drop(predicted, expected, truth),
        max_difference=float(np.abs(probabilities - keras).max()),
        flips=flips,
    )


def paired_drop(predicted: Indices, expected: Indices, truth: Indices) -> Estimate:
    """The drop of top-1 from `expected` to `predicted`, as a fraction, on the same images."""
    regressed = int(((expected == truth) & (predicted != truth)).sum())
    improved = int(((predicted == truth) & (expected != truth)).sum())
    return Estimate((regressed - improved) / len(truth), *drop_interval(regressed, improved, len(truth)))
