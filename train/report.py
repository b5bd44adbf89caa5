"""What is written beside the model to look at: summary, history, curves and confusion matrix."""

import csv
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.temperature import at_temperature, calibration_error

TRAINING, VALIDATION, INK = "#4c6ef5", "#f08c00", "#343a40"


@dataclass(frozen=True)
class Evaluation:
    """Answers on the test part: confusion[i, j] pictures of label i were taken for label j.

    temperature: what the logits were divided by. error_before, error_after: expected calibration error, in [0, 1].
    """

    labels: tuple[str, ...]
    confusion: NDArray[np.int64]
    temperature: float = 1.0
    error_before: float = 0.0
    error_after: float = 0.0

    @property
    def pictures(self) -> int:
        """Number of pictures."""
        return int(self.confusion.sum())

    @property
    def accuracy(self) -> float:
        """Share of right answers, in [0, 1]."""
        return float(np.trace(self.confusion) / self.confusion.sum())


def evaluate(
    probabilities: NDArray[np.float32], targets: NDArray[np.int64], labels: tuple[str, ...], temperature: float = 1.0
) -> Evaluation:
    """Count what was taken for what, from probabilities [n, classes] at temperature 1 and label indices [n]."""
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (targets, probabilities.argmax(axis=1)), 1)
    before = calibration_error(probabilities, targets)
    after = calibration_error(at_temperature(probabilities, temperature), targets)
    return Evaluation(labels, confusion, temperature, before, after)


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


def draw_curves(target: Path, history: dict[str, list[float]]) -> None:
    """Draw accuracy and loss of training and validation by epoch, as PNG."""
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], "o-", color=TRAINING, label="training (augmented)")
        axes.plot(epochs, history[f"val_{name}"], "o-", color=VALIDATION, label="validation")
        axes.set(title=name, xlabel="epoch", xticks=list(epochs)[:: max(1, len(epochs) // 10)])
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(target, dpi=140)


def draw_confusion(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the confusion matrix, as PNG; colours are shares of a row, numbers are pictures."""
    count = len(evaluation.labels)
    side = 2.4 + 0.55 * count
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    shares = evaluation.confusion / np.maximum(1, evaluation.confusion.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(count, count):
        color = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, f"{evaluation.confusion[row, column]:,}", ha="center", va="center", color=color)
    axes.set_xticks(range(count), evaluation.labels, rotation=0 if count < 5 else 60)
    axes.set_yticks(range(count), evaluation.labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(
        f"{title}\n{evaluation.accuracy:.1%} of {evaluation.pictures:,} held-out pictures right", fontsize=10
    )
    figure.savefig(target, dpi=140)
