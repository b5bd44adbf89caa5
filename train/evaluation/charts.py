"""Charts beside the model, as PNG: learning curves, confusion matrix, reliability diagram, most confident mistakes."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from train.evaluation.metrics import Evaluation
from train.evaluation.temperature_scaling import BINS, bin_of

if TYPE_CHECKING:
    from train.fitting.lr_range_test import LrRangeResult

TRAINING, VALIDATION, INK = "#4c6ef5", "#f08c00", "#343a40"
DPI = 140
SHEET_COLUMNS, MAX_SHEET_IMAGES = 6, 24
MAX_NAME_LENGTH = 24


def draw_curves(target: Path, history: dict[str, list[float]], first_fine_tuned: int = 0) -> None:
    """Draw accuracy and loss of training and validation by epoch.

    first_fine_tuned: the epoch with which fine-tuning began; 0 for none.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
        epochs = range(1, len(history[name]) + 1)
        axes.plot(epochs, history[name], "o-", color=TRAINING, label="training (augmented)")
        axes.plot(epochs, history[f"val_{name}"], "o-", color=VALIDATION, label="validation")
        if first_fine_tuned:
            axes.axvline(first_fine_tuned - 0.5, color=INK, linestyle=":", label="start of fine-tuning")
        axes.set(title=name, xlabel="epoch", xticks=list(epochs)[:: max(1, len(epochs) // 10)])
        _style(axes)
    _legend(figure, axes)
    figure.savefig(target, dpi=DPI)


def draw_lr_range_test(target: Path, result: "LrRangeResult") -> None:
    """Draw the loss over the learning rates of a range test, and the rate that it suggests."""
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(result.rates, result.losses, ".", color=TRAINING, alpha=0.35, label="loss of a step")
    axes.plot(result.rates, result.smoothed, color=TRAINING, label="smoothed")
    if result.suggestion:
        axes.axvline(result.suggestion, color=INK, linestyle=":", label=f"steepest descent: {result.suggestion:.1e}")
    _legend(figure, axes)
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
    # Losses that diverge would hide where the loss falls.
    axes.set_ylim(0, 1.5 * max(result.losses[:20]))
    _style(axes)
    figure.savefig(target, dpi=DPI)


def draw_confusion(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the confusion matrix: numbers are images, colors are fractions of a row."""
    count, confusion = len(evaluation.labels), evaluation.confusion
    side = 2.4 + 0.55 * count
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    fractions = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(count, count):
        color = "white" if fractions[row, column] > 0.55 else INK
        axes.text(column, row, f"{confusion[row, column]:,}", ha="center", va="center", color=color)
    axes.set_xticks(range(count), evaluation.labels, rotation=0 if count < 5 else 60)
    axes.set_yticks(range(count), evaluation.labels)
    axes.set(xlabel="predicted label", ylabel="true label")
    axes.set_title(f"{title}\naccuracy {evaluation.accuracy:.1%}, {evaluation.n_images:,} held-out images", fontsize=10)
    figure.savefig(target, dpi=DPI)


def draw_reliability(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the reliability diagram: accuracy by confidence, above the number of images."""
    figure = Figure(figsize=(5, 5.6), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    edges = np.linspace(0, 1, BINS + 1)
    bins = bin_of(evaluation.confidence)
    counts = np.bincount(bins, minlength=BINS)
    correct = np.bincount(bins, weights=evaluation.is_correct, minlength=BINS)
    filled = counts > 0
    top.bar(edges[:-1][filled], correct[filled] / counts[filled], 1 / BINS, align="edge", color=TRAINING, alpha=0.8)
    top.plot((0, 1), (0, 1), "--", color=INK, label="perfect calibration")
    threshold = evaluation.confidence_threshold
    top.axvline(threshold, color=VALIDATION, label=f"confidence threshold {threshold:.2f}")
    top.set(ylabel="accuracy", ylim=(0, 1), xlim=(0, 1))
    top.set_title(
        f"{title}: expected calibration error {evaluation.ece_before:.3f} before, {evaluation.ece_after:.3f} after\n"
        f"temperature scaling (temperature {evaluation.temperature:.2f}, {evaluation.n_images:,} held-out images)",
        fontsize=8,
    )
    _legend(figure, top)
    bottom.bar(edges[:-1], counts, 1 / BINS, align="edge", color=INK, alpha=0.6)
    bottom.set(xlabel="confidence", ylabel="images")
    for axes in (top, bottom):
        _style(axes)
    figure.savefig(target, dpi=DPI)


def draw_mistakes(
    target: Path, evaluation: Evaluation, title: str, pixels: NDArray[np.uint8], names: list[str]
) -> None:
    """Draw the most confident mistakes among the held-out images [n, s, s, 3] as a contact sheet."""
    wrong = np.flatnonzero(~evaluation.is_correct)
    worst = wrong[np.argsort(-evaluation.confidence[wrong], kind="stable")][:MAX_SHEET_IMAGES]
    rows = max(1, -(-len(worst) // SHEET_COLUMNS))
    figure = Figure(figsize=(1.7 * SHEET_COLUMNS, 2.15 * rows + 0.5), layout="constrained")
    figure.suptitle(
        f"{title}: {len(wrong):,} mistake(s) in {evaluation.n_images:,} held-out images, the most confident first"
    )
    cells = figure.subplots(rows, SHEET_COLUMNS, squeeze=False).ravel()
    for axes in cells:
        axes.set_axis_off()
    for axes, index in zip(cells, worst, strict=False):
        axes.imshow(pixels[index])
        predicted = evaluation.labels[evaluation.predicted[index]]
        truth, name = evaluation.labels[evaluation.targets[index]], names[index][-MAX_NAME_LENGTH:]
        axes.set_title(f"{predicted} {evaluation.confidence[index]:.1%}\ntrue: {truth}\n{name}", fontsize=7)
    figure.savefig(target, dpi=DPI)


def _legend(figure: Figure, axes: Any) -> None:
    # Outside the axes, where it cannot cover a line or a bar.
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)


def _style(axes: Any) -> None:
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
