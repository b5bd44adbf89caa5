"""What is written beside the model to read: summary, history and the model card."""

import csv
from pathlib import Path

import keras
import numpy as np

from temper.dataset.split import PARTS, Example
from train.config import FINE_TUNE_SHARE, TrainingConfig
from train.evaluation.metrics import UNKNOWN_SHARE, Evaluation
from train.network.backbones import BACKBONES


def write_summary(target: Path, model: keras.Model) -> None:
    """Write model.summary() as text."""
    lines: list[str] = []
    model.summary(line_length=120, print_fn=lines.append)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_history(target: Path, history: dict[str, list[float]]) -> None:
    """Write one row an epoch as CSV."""
    with target.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["epoch", *history])
        for epoch, row in enumerate(zip(*history.values(), strict=True), 1):
            writer.writerow([epoch, *(f"{value:.6g}" for value in row)])


def write_model_card(
    target: Path, found: Evaluation, recipe: TrainingConfig, data: str, examples: list[Example]
) -> None:
    """Write what the model is, how it was made, how good it is and where that ends, as Markdown.

    data: what the pictures are, a sentence's beginning.
    """
    stem, (low, high) = target.stem, found.interval
    text = f"""# {stem}: {" or ".join(found.labels) if len(found.labels) < 8 else f"{len(found.labels)} labels"}

A {BACKBONES[recipe.backbone].application} that names the label of a photo. It takes RGB pixels, uint8
`[n, {recipe.size}, {recipe.size}, 3]`, and gives float32 probabilities `[n, {len(found.labels)}]`; preprocessing is
inside.

## Data

{data}; which is which is in `{stem}.split.csv`.

| label | {" | ".join(PARTS)} |
|---|{"---|" * len(PARTS)}
{_counts(found.labels, examples)}

## TrainingConfig

{_recipe(recipe)}

## Accuracy

**{found.accuracy:.1%}** of {found.pictures:,} held-out pictures (95 % interval {low:.1%} to {high:.1%}, Wilson).

| label | held-out pictures | found (recall) | right when named (precision) |
|---|---|---|---|
{_by_label(found)}

![confusion matrix]({stem}.confusion.png)

The most confident mistakes are in `{stem}.mistakes.png`, the course of the training in `{stem}.curves.png`.

## Confidence

Expected calibration error {found.error_before:.3f} before and **{found.error_after:.3f}** after scaling by a
temperature of {found.temperature:.2f}, chosen on the validation part and built into the weights.

Below a confidence of **{found.confidence_threshold:.3f}** an answer is better called unknown: {UNKNOWN_SHARE:.0%} of the
validation pictures lie there. {_known(found)}

![reliability]({stem}.reliability.png)

## Limits

It knows {len(found.labels)} labels and answers one of them to any picture, one that shows none of them too. The
figures hold for pictures like those of the data, taken and cut alike; they say nothing of others. A held-out part of
{found.pictures:,} pictures leaves the interval given above.
"""
    target.write_text(text, encoding="utf-8")


def _counts(labels: tuple[str, ...], examples: list[Example]) -> str:
    rows = []
    for label in labels:
        counts = (sum(each.label == label and each.part == part for each in examples) for part in PARTS)
        rows.append(f"| {label} | {' | '.join(f'{count:,}' for count in counts)} |")
    return "\n".join(rows)


def _recipe(recipe: TrainingConfig) -> str:
    start = {"none": "nothing", "imagenet": "ImageNet's weights"}.get(recipe.weights, f"`{recipe.weights}`")
    if recipe.layers == "all":
        how = f"every layer, {recipe.epochs} epochs in batches of {recipe.batch}, AdamW up to {recipe.learning_rate:g}"
    elif recipe.head == "lbfgs":
        how = f"a linear head solved to its optimum (L-BFGS) on {recipe.passes} passes of a frozen backbone"
    else:
        how = f"the head, {recipe.epochs} epochs of Adam at {recipe.learning_rate:g} on {recipe.passes} passes of a "
        how += "frozen backbone"
    lines = [f"Start: {start}.", f"FitResult: {how}."]
    if recipe.fine_tune:
        rate = recipe.learning_rate * FINE_TUNE_SHARE
        lines.append(f"Then fine-tuned: the top blocks for up to {recipe.fine_tune} epochs at {rate:g}, the best kept.")
    lines += [
        f"Augmentation: {', '.join(f'{name} {value:g}' for name, value in vars(recipe.augmentation).items())}.",
        f"Class weights: {recipe.class_weights}. Label smoothing: {recipe.label_smoothing:g}. Seed: {recipe.seed}.",
    ]
    return "\n".join(f"* {line}" for line in lines)


def _by_label(found: Evaluation) -> str:
    confusion, rows = found.confusion, []
    for index, label in enumerate(found.labels):
        hits, shown, named = confusion[index, index], confusion[index].sum(), confusion[:, index].sum()
        precision = f"{hits / named:.1%}" if named else "never named"
        rows.append(f"| {label} | {shown:,} | {hits / max(1, shown):.1%} | {precision} |")
    return "\n".join(rows)


def _known(found: Evaluation) -> str:
    known = found.known
    if not known.any():
        return "On the held-out part no answer reaches it."
    return (
        f"On the held-out part {np.mean(known):.1%} reach it, and {found.right[known].mean():.1%} of those are right."
    )
