"""The labels of a model, each with the number of its images and how well it is recognized."""

from collections import Counter
from dataclasses import dataclass

from temper.dataset.split import SUBSETS, Example
from train.evaluation.metrics import Evaluation
from train.evaluation.model_card import recall_and_precision


@dataclass(frozen=True, kw_only=True)
class LabelRow:
    """A row of the table. counts: images by subset. part: images, as a fraction of those of the most frequent label."""

    label: str
    counts: tuple[int, ...]
    part: float
    recall: str
    precision: str


def label_rows(evaluation: Evaluation, examples: list[Example]) -> list[LabelRow]:
    """A row for each label, the one with the lowest recall first."""
    confusion = evaluation.confusion
    correct, true = confusion.diagonal(), confusion.sum(axis=1)
    texts = [recall_and_precision(confusion, index) for index in range(len(true))]
    by_subset = Counter((each.label, each.subset) for each in examples)
    by_label = Counter(each.label for each in examples)
    most = max(by_label.values(), default=1)
    order = sorted(range(len(true)), key=lambda index: (correct[index] / true[index] if true[index] else 2, index))
    return [
        LabelRow(
            label=(label := evaluation.labels[index]),
            counts=tuple(by_subset[label, subset] for subset in SUBSETS),
            part=by_label[label] / most,
            recall=texts[index][0],
            precision=texts[index][1],
        )
        for index in order
    ]
