"""What is drawn beside the model: curves, confusion matrix, reliability diagram, the most confident mistakes."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.evaluation.metrics import Evaluation
from train.evaluation.temperature_scaling import BINS
from train.fitting.lr_range_test import LrRangeTest

TRAINING, VALIDATION, INK = "#4c6ef5", "#f08c00", "#343a40"
SHEET_COLUMNS, SHEET_PICTURES = 6, 24


def draw_curves(target: Path, history: dict[str, list[float]], first_fine: int = 0) -> None:
    """Draw accuracy and loss of training and validation by epoch, as PNG.

    first_fine: the epoch with which fine-tuning began; 0 for none.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], "o-", color=TRAINING, label="training (augmented)")
        axes.plot(epochs, history[f"val_{name}"], "o-", color=VALIDATION, label="validation")
        if first_fine:
            axes.axvline(first_fine - 0.5, color=INK, linestyle=":", label="fine-tuning from here on")
        axes.set(title=name, xlabel="epoch", xticks=list(epochs)[:: max(1, len(epochs) // 10)])
        axes.grid(alpha=0.25)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.savefig(target, dpi=140)


def draw_rates(target: Path, tried: LrRangeTest) -> None:
    """Draw the loss over the learning rates of a range test, with the one it suggests, as PNG."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(tried.rates, tried.losses, ".", color=TRAINING, alpha=0.35)
    axes.plot(tried.rates, tried.smoothed, color=TRAINING)
    if tried.suggestion:
        axes.axvline(tried.suggestion, color=INK, linestyle=":", label=f"falls fastest at {tried.suggestion:.1e}")
        axes.legend(frameon=False)
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss of a step")
    # What diverges would hide where it fell.
    axes.set_ylim(0, 1.5 * max(tried.losses[:20]))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=140)


def draw_confusion(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the confusion matrix, as PNG; colours are shares of a row, numbers are pictures."""
    count, confusion = len(evaluation.labels), evaluation.confusion
    side = 2.4 + 0.55 * count
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    shares = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(count, count):
        color = "white" if shares[row, column] > 0.55 else INK
        axes.text(column, row, f"{confusion[row, column]:,}", ha="center", va="center", color=color)
    axes.set_xticks(range(count), evaluation.labels, rotation=0 if count < 5 else 60)
    axes.set_yticks(range(count), evaluation.labels)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(
        f"{title}\n{evaluation.accuracy:.1%} of {evaluation.pictures:,} held-out pictures right", fontsize=10
    )
    figure.savefig(target, dpi=140)


def draw_reliability(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw how often answers of each confidence are right, above how many there are, as PNG."""
    figure = Figure(figsize=(5, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = np.linspace(0, 1, BINS + 1)
    inside = np.minimum((evaluation.confidence * BINS).astype(int), BINS - 1)
    counts = np.bincount(inside, minlength=BINS)
    right = np.bincount(inside, weights=evaluation.right, minlength=BINS)
    filled = counts > 0
    top.bar(edges[:-1][filled], (right[filled] / counts[filled]), 1 / BINS, align="edge", color=TRAINING, alpha=0.8)
    top.plot((0, 1), (0, 1), "--", color=INK, label="as confident as right")
    top.axvline(
        evaluation.confidence_threshold, color=VALIDATION, label=f"unknown below {evaluation.confidence_threshold:.2f}"
    )
    top.set(ylabel="share of right answers", ylim=(0, 1), xlim=(0, 1))
    top.set_title(
        f"{title}: calibration error {evaluation.error_before:.3f} before, {evaluation.error_after:.3f} after\n"
        f"temperature {evaluation.temperature:.2f}, {evaluation.pictures:,} held-out pictures",
        fontsize=10,
    )
    top.legend(frameon=False, loc="upper left")
    bottom.bar(edges[:-1], counts, 1 / BINS, align="edge", color=INK, alpha=0.6)
    bottom.set(xlabel="confidence", ylabel="pictures")
    for axes in (top, bottom):
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(target, dpi=140)


def draw_mistakes(
    target: Path, evaluation: Evaluation, title: str, pixels: NDArray[np.uint8], names: list[str]
) -> None:
    """Draw the most confident mistakes among the held-out pictures [n, s, s, 3] as a contact sheet, as PNG."""
    wrong = np.flatnonzero(~evaluation.right)
    worst = wrong[np.argsort(-evaluation.confidence[wrong], kind="stable")][:SHEET_PICTURES]
    rows = max(1, -(-len(worst) // SHEET_COLUMNS))
    figure = Figure(figsize=(1.7 * SHEET_COLUMNS, 2.15 * rows + 0.5), layout="constrained")
    figure.suptitle(
        f"{title}: {len(wrong):,} mistake(s) among {evaluation.pictures:,} held-out pictures, the most confident first"
    )
    cells = figure.subplots(rows, SHEET_COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    answers = evaluation.probabilities.argmax(axis=1)
    for axes, index in zip(cells, worst, strict=False):
        axes.imshow(pixels[index])
        said, true = evaluation.labels[answers[index]], evaluation.labels[evaluation.targets[index]]
        axes.set_title(f"{said} {evaluation.confidence[index]:.1%}\nis {true}\n{names[index][-24:]}", fontsize=7)
    figure.savefig(target, dpi=140)
