"""Text files beside the model: summary, history and the model card."""

import csv
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from temper.cli.tables import Table
from temper.dataset.split import SUBSETS, Example
from temper.storage.atomic import write_text
from train.config import TrainingConfig
from train.evaluation.metrics import UNKNOWN_FRACTION, Evaluation
from train.network.backbones import BACKBONES

if TYPE_CHECKING:
    import keras

MAX_LABELS_IN_TITLE = 7


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
    target: Path, evaluation: Evaluation, config: TrainingConfig, dataset: str, examples: list[Example]
) -> None:
    """Write the model's purpose, data, training, accuracy and limits as Markdown.

    dataset: describes the images; the beginning of a sentence.
    """
    stem, labels = target.stem, evaluation.labels
    data = f"{dataset}. `{stem}.split.csv` lists every image with its subset.\n\n{_counts(labels, examples)}"
    sections = {
        "Data": data,
        "Training": _describe_training(config),
        "Accuracy": _describe_accuracy(evaluation, stem),
        "Confidence": _describe_confidence(evaluation, stem),
        "Limits": _describe_limits(evaluation),
    }
    text = _describe_model(labels, config, stem)
    write_text(target, text + "".join(f"\n## {title}\n\n{content}\n" for title, content in sections.items()))


def _describe_model(labels: tuple[str, ...], config: TrainingConfig, stem: str) -> str:
    title = " or ".join(labels) if len(labels) <= MAX_LABELS_IN_TITLE else f"{len(labels)} labels"
    return f"""# {stem}: {title}

A {BACKBONES[config.backbone].application} that predicts the label of an image. Input: RGB pixels, uint8
`[n, {config.size}, {config.size}, 3]`. Output: probabilities, float32 `[n, {len(labels)}]`. Preprocessing is inside.
"""


def _describe_accuracy(evaluation: Evaluation, stem: str) -> str:
    low, high = evaluation.interval
    return f"""**{evaluation.accuracy:.1%}** of {evaluation.n_images:,} held-out images (95 % interval {low:.1%} to
{high:.1%}, Wilson).

{_by_label(evaluation)}

![confusion matrix]({stem}.confusion.png)

`{stem}.mistakes.png` shows the most confident mistakes, `{stem}.curves.png` the learning curves."""


def _describe_confidence(evaluation: Evaluation, stem: str) -> str:
    return f"""Expected calibration error: {evaluation.ece_before:.3f} before and **{evaluation.ece_after:.3f}** after
temperature scaling. The temperature, {evaluation.temperature:.2f}, was chosen on the validation subset and is part of
the weights.

Below the confidence threshold of **{evaluation.confidence_threshold:.3f}** a prediction should be treated as unknown.
It is chosen so that {UNKNOWN_FRACTION:.0%} of the validation images are below it. {_above_threshold(evaluation)}

![reliability diagram]({stem}.reliability.png)"""


def _describe_limits(evaluation: Evaluation) -> str:
    return f"""The model predicts one of {len(evaluation.labels)} labels for every image, even if it shows none of them.
The accuracy applies to images like those of the dataset, taken and cropped in the same way, and not to others.
With {evaluation.n_images:,} held-out images it is known within the interval above."""


def _counts(labels: tuple[str, ...], examples: list[Example]) -> str:
    rows = []
    for label in labels:
        counts = [sum(each.label == label and each.subset == subset for each in examples) for subset in SUBSETS]
        rows.append((label, *(f"{count:,}" for count in counts)))
    return Table(headings=("label", *SUBSETS), rows=rows, right=frozenset({1, 2, 3})).markdown()


def _describe_training(config: TrainingConfig) -> str:
    start = {"none": "random weights", "imagenet": "ImageNet's weights"}.get(config.weights, f"`{config.weights}`")
    passes = f"{config.augmentation_passes} augmentation pass(es)"
    if config.trainable == "all":
        how = f"every layer, {config.epochs} epochs in batches of {config.batch}, AdamW up to {config.learning_rate:g}"
    elif config.head == "lbfgs":
        how = f"the optimum of a linear head (L-BFGS), on features of a frozen backbone, {passes}"
    else:
        how = f"a head, {config.epochs} epochs of Adam at {config.learning_rate:g}, on features of a frozen backbone, "
        how += passes
    lines = [f"Start: {start}.", f"Trained: {how}."]
    if config.fine_tune:
        rate = config.fine_tuning_schedule().learning_rate
        lines.append(
            f"Then fine-tuned: the top blocks for up to {config.fine_tune} epochs at {rate:g}; the weights of the best "
            "epoch are used."
        )
    augmentation = ", ".join(f"{name} {value:g}" for name, value in vars(config.augmentation).items())
    lines += [
        f"Augmentation: {augmentation}.",
        f"Class weights: {config.class_weights}. Label smoothing: {config.label_smoothing:g}. Seed: {config.seed}.",
    ]
    return "\n".join(f"* {line}" for line in lines)


def _by_label(evaluation: Evaluation) -> str:
    confusion, rows = evaluation.confusion, []
    for index, label in enumerate(evaluation.labels):
        hits, images, predicted = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
        precision = f"{hits / predicted:.1%}" if predicted else "never predicted"
        rows.append((label, f"{images:,}", f"{hits / max(1, images):.1%}", precision))
    headings = ("label", "held-out images", "recall", "precision")
    return Table(headings=headings, rows=rows, right=frozenset({1, 2, 3})).markdown()


def _above_threshold(evaluation: Evaluation) -> str:
    known = evaluation.is_known
    if not known.any():
        return "No held-out image reaches it."
    correct = evaluation.is_correct[known].mean()
    return f"{np.mean(known):.1%} of the held-out images reach it, and {correct:.1%} of their predictions are correct."
