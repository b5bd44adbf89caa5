"""Text files beside the model: summary, history and the model card."""

import csv
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from temper.cli.tables import Table
from temper.cli.text import percent, plural
from temper.dataset.split import SUBSETS, Example
from temper.escaping import in_markdown
from temper.storage.atomic import write_text
from train.config import TrainingConfig
from train.evaluation.metrics import UNKNOWN_FRACTION, Evaluation
from train.evaluation.temperature_scaling import is_at_limit
from train.network.backbones import BACKBONES

if TYPE_CHECKING:
    import keras

MAX_LABELS_IN_TITLE = 7
TEMPLATE = """# {stem}: {title}

A {network} that predicts the label of an image. Input: RGB pixels, uint8 `[n, {size}, {size}, 3]`. Output:
probabilities, float32 `[n, {n_labels}]`. Preprocessing is inside.

## Data

{dataset}. `{stem}.split.csv` lists every image with its subset.

{counts}

## Training

{training}

## Accuracy

**{accuracy}** of {images} (95 % interval {low} to {high}, Wilson).

{by_label}

![confusion matrix]({stem}.confusion.png)

`{stem}.mistakes.png` shows the most confident mistakes, `{stem}.curves.png` the learning curves.

## Suspect labels

{suspects}

## Confidence

{calibration}

Below the confidence threshold of **{threshold}** a prediction should be treated as unknown.
The threshold is chosen so that {unknown} of the validation images are below it. {above_threshold}

![reliability diagram]({stem}.reliability.png)

## Limits

The model predicts one of {n_labels} labels for every image, even if it shows none of them.
The accuracy applies to images like those of the dataset, taken and cropped in the same way, and not to others.
With {images} it is known within the interval above.
"""


def write_summary(target: Path, model: "keras.Model") -> None:
    """Write model.summary() as text."""
    lines: list[str] = []
    model.summary(line_length=120, print_fn=lines.append)
    write_text(target, "\n".join(lines) + "\n")


def write_history(target: Path, history: dict[str, list[float]]) -> None:
    """Write the metrics as CSV, one row for each epoch."""
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", *history])
        for epoch, row in enumerate(zip(*history.values(), strict=True), 1):
            writer.writerow([epoch, *(f"{value:.6g}" for value in row)])


def write_model_card(
    target: Path, evaluation: Evaluation, config: TrainingConfig, dataset: str, examples: list[Example], suspects: str
) -> None:
    """Write the model's purpose, data, training, accuracy and limits as Markdown.

    dataset: describes the images; the beginning of a sentence. suspects: what is reported about suspect labels.
    """
    labels, (low, high) = evaluation.labels, map(percent, evaluation.interval)
    text = TEMPLATE.format(
        stem=target.stem,
        title=in_markdown(labels_title(labels)),
        network=BACKBONES[config.backbone].application,
        size=config.size,
        n_labels=len(labels),
        dataset=dataset,
        counts=_counts(labels, examples),
        training="\n".join(f"* {name}: {in_markdown(text)}." for name, text in training_facts(config).items()),
        accuracy=percent(evaluation.accuracy),
        images=plural(evaluation.n_images, "held-out image"),
        low=low,
        high=high,
        by_label=_by_label(evaluation),
        suspects=suspects,
        calibration=_describe_calibration(evaluation, config),
        threshold=f"{evaluation.confidence_threshold:.3f}",
        unknown=f"{100 * UNKNOWN_FRACTION:g} %",
        above_threshold=_above_threshold(evaluation),
    )
    write_text(target, text)


def labels_title(labels: tuple[str, ...]) -> str:
    """The labels in a title: their names, or how many they are."""
    return " or ".join(labels) if len(labels) <= MAX_LABELS_IN_TITLE else f"{len(labels)} labels"


def training_facts(config: TrainingConfig) -> dict[str, str]:
    """How a model was trained, by name."""
    facts = {
        "Start": {"none": "random weights", "imagenet": "ImageNet's weights"}.get(config.weights, config.weights),
        "Trained": _how(config),
    }
    if config.fine_tune:
        facts["Then fine-tuned"] = (
            f"the top blocks for up to {plural(config.fine_tune, 'epoch')} at "
            f"{config.fine_tuning_schedule().learning_rate:g}; the weights of the best epoch are used"
        )
    if config.has_teacher:
        facts["Teacher"] = (
            f"{config.teacher}, weight {config.distillation_weight:g} in the loss, temperature "
            f"{config.distillation_temperature:g}"
        )
    numbers = {name: value for name, value in vars(config.augmentation).items() if name != "flip"}
    augmentation = [f"{name} {value:g}" for name, value in numbers.items() if value]
    augmentation += ["horizontal flip"] if config.augmentation.flip else []
    return facts | {
        "Augmentation": ", ".join(augmentation) or "none",
        "Class weights": config.class_weights,
        "Label smoothing": f"{config.label_smoothing:g}",
        "Seed": str(config.seed),
    }


def recall_and_precision(confusion: NDArray[np.int64], index: int) -> tuple[str, str]:
    """Of the label with this index, as text. confusion: that of an `Evaluation`."""
    correct, images, predicted = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
    return (
        percent(correct / images) if images else "no image",
        percent(correct / predicted) if predicted else "never predicted",
    )


def _how(config: TrainingConfig) -> str:
    passes = plural(config.augmentation_passes, "augmentation pass", "augmentation passes")
    epochs = plural(config.epochs, "epoch")
    if config.trainable == "all":
        return f"every layer, {epochs} in batches of {config.batch}, AdamW up to {config.learning_rate:g}"
    if config.head == "lbfgs":
        return f"the optimum of a linear head (L-BFGS), on features of a frozen backbone, {passes}"
    return f"a head, {epochs} of Adam at {config.learning_rate:g}, on features of a frozen backbone, {passes}"


def _counts(labels: tuple[str, ...], examples: list[Example]) -> str:
    counts = Counter((each.label, each.subset) for each in examples)
    rows = [(label, *(f"{counts[label, subset]:,}" for subset in SUBSETS)) for label in labels]
    return Table(headings=("label", *SUBSETS), rows=rows, right=frozenset({1, 2, 3})).markdown()


def _by_label(evaluation: Evaluation) -> str:
    confusion = evaluation.confusion
    rows = [
        (label, f"{confusion[index].sum():,}", *recall_and_precision(confusion, index))
        for index, label in enumerate(evaluation.labels)
    ]
    headings = ("label", "held-out images", "recall", "precision")
    return Table(headings=headings, rows=rows, right=frozenset({1, 2, 3})).markdown()


def _describe_calibration(evaluation: Evaluation, config: TrainingConfig) -> str:
    if not config.calibrate:
        return f"Expected calibration error: **{evaluation.ece_after:.3f}**, without temperature scaling."
    text = (
        f"Expected calibration error: {evaluation.ece_before:.3f} before and **{evaluation.ece_after:.3f}** after\n"
        f"temperature scaling. The temperature, {evaluation.temperature:.2f}, was chosen on the validation subset and "
        "is part of\nthe weights."
    )
    if is_at_limit(evaluation.temperature):
        text += " **The calibration failed**: the search for the temperature ended near its limit."
    return text


def _above_threshold(evaluation: Evaluation) -> str:
    known = evaluation.is_known
    if not known.any():
        return "No held-out image reaches it."
    fraction, correct = float(known.mean()), float(evaluation.is_correct[known].mean())
    return (
        f"{percent(fraction)} of the held-out images reach it, and {percent(correct)} of their predictions are correct."
    )
