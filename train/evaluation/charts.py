"""Charts beside the model, as PNG: learning curves, confusion matrix, reliability diagram, contact sheets."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from temper.cli.plot_style import BLUE, GRAY, INK, ORANGE, PNG_DPI, SMALL_FONT_SIZE, STYLE
from temper.cli.text import percent, plural
from temper.escaping import visible
from train.evaluation.metrics import Evaluation
from train.evaluation.temperature_scaling import BINS, bin_of

if TYPE_CHECKING:
    from train.evaluation.suspect_labels import SuspectLabels
    from train.fitting.lr_range_test import LrRangeResult

TRAINING, VALIDATION = BLUE, ORANGE
SHEET_COLUMNS, MAX_SHEET_IMAGES = 6, 24
MAX_NAME_LENGTH = 24
# A chart grows with them, and its numbers with their square: with 100 labels it took 2 GB of memory.
MAX_NUMBERED_LABELS = 30


def draw_curves(target: Path, history: dict[str, list[float]], first_fine_tuned: int = 0) -> None:
    """Write the figure of curves as PNG."""
    _save(curves_figure(history, first_fine_tuned), target)


def curves_figure(history: dict[str, list[float]], first_fine_tuned: int = 0) -> Figure:
    """Accuracy and loss of training and validation by epoch.

    first_fine_tuned: the epoch with which fine-tuning began; 0 for none.
    """
    with mpl.rc_context(STYLE):
        figure = _new_figure(9, 3.6)
        for axes, name in zip(figure.subplots(1, 2), ("accuracy", "loss"), strict=True):
            epochs = range(1, len(history[name]) + 1)
            axes.plot(epochs, history[name], "o-", color=TRAINING, label="training (augmented)")
            axes.plot(epochs, history[f"val_{name}"], "o-", color=VALIDATION, label="validation")
            if first_fine_tuned:
                axes.axvline(first_fine_tuned - 0.5, color=INK, linestyle=":", label="start of fine-tuning")
            axes.set(title=name, xlabel="epoch", xticks=list(epochs)[:: max(1, len(epochs) // 10)])
            if len(epochs) == 1:
                # Limits around two points would show a difference of any size as large.
                axes.set(xlim=(0, 2), ylim=(0, 1.02 * max(1, history[name][0], history[f"val_{name}"][0])))
            axes.grid(True)
        _legend(figure, axes)
    return figure


def draw_lr_range_test(target: Path, result: "LrRangeResult") -> None:
    """Draw the loss over the learning rates of a range test, and the rate that it suggests."""
    with _chart(target, 6, 3.6) as figure:
        axes = figure.subplots()
        axes.plot(result.rates, result.losses, ".", color=TRAINING, alpha=0.35, label="loss of a step")
        axes.plot(result.rates, result.smoothed, color=TRAINING, label="smoothed")
        if result.suggestion:
            label = f"steepest descent: {result.suggestion:.1e}"
            axes.axvline(result.suggestion, color=INK, linestyle=":", label=label)
        _legend(figure, axes)
        axes.set(xscale="log", xlabel="learning rate", ylabel="loss")
        # Losses that diverge would hide where the loss falls.
        axes.set_ylim(0, 1.5 * max(result.losses[:20]))
        axes.grid(True)


def draw_confusion(target: Path, evaluation: Evaluation, title: str) -> None:
    """Draw the confusion matrix: numbers are images, colors are fractions of a row.

    Above MAX_NUMBERED_LABELS there are colors alone, and the names of some labels.
    """
    count, confusion = len(evaluation.labels), evaluation.confusion
    side = 2.4 + 0.55 * min(count, MAX_NUMBERED_LABELS)
    named = range(0, count, -(-count // MAX_NUMBERED_LABELS))
    with _chart(target, side + 0.8, side) as figure:
        axes = figure.subplots()
        fractions = confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))
        axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(count, count) if count <= MAX_NUMBERED_LABELS else ():
            color = "white" if fractions[row, column] > 0.55 else INK
            axes.text(column, row, f"{confusion[row, column]:,}", ha="center", va="center", color=color)
        names = [evaluation.labels[index] for index in named]
        axes.set_xticks(named, names, rotation=0 if count < 5 else 60)
        axes.set_yticks(named, names)
        axes.set(xlabel="predicted label", ylabel="true label")
        axes.set_title(
            f"{title}\naccuracy {percent(evaluation.accuracy)}, {plural(evaluation.n_images, 'held-out image')}"
        )


def draw_reliability(target: Path, evaluation: Evaluation, title: str) -> None:
    """Write the reliability diagram as PNG."""
    _save(reliability_figure(evaluation, title), target)


def reliability_figure(evaluation: Evaluation, title: str) -> Figure:
    """The reliability diagram: accuracy by confidence, above the number of images."""
    with mpl.rc_context(STYLE):
        figure = _new_figure(5, 5.6)
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        edges = np.linspace(0, 1, BINS + 1)
        bins = bin_of(evaluation.confidence)
        counts = np.bincount(bins, minlength=BINS)
        correct = np.bincount(bins, weights=evaluation.is_correct, minlength=BINS)
        filled = counts > 0
        top.bar(edges[:-1][filled], correct[filled] / counts[filled], 1 / BINS, align="edge", color=BLUE, alpha=0.8)
        top.plot((0, 1), (0, 1), "--", color=INK, label="perfect calibration")
        threshold = evaluation.confidence_threshold
        top.axvline(threshold, color=ORANGE, label=f"confidence threshold {threshold:.2f}")
        top.set(ylabel="accuracy", ylim=(0, 1), xlim=(0, 1))
        top.set_title(
            f"{title}: expected calibration error {evaluation.ece_before:.3f} before, {evaluation.ece_after:.3f} after"
            f"\ntemperature scaling (temperature {evaluation.temperature:.2f}, "
            f"{plural(evaluation.n_images, 'held-out image')})",
            fontsize=SMALL_FONT_SIZE,
        )
        _legend(figure, top)
        bottom.bar(edges[:-1], counts, 1 / BINS, align="edge", color=GRAY)
        bottom.set(xlabel="confidence", ylabel="images")
        for axes in (top, bottom):
            axes.grid(True)
    return figure


def draw_mistakes(
    target: Path, evaluation: Evaluation, title: str, pixels: NDArray[np.uint8], names: list[str]
) -> None:
    """Draw the most confident mistakes among the held-out images [n, s, s, 3] as a contact sheet."""
    wrong = evaluation.mistakes
    worst = wrong[:MAX_SHEET_IMAGES]
    captions = [
        f"{evaluation.labels[evaluation.predicted[index]]} {percent(evaluation.confidence[index])}\n"
        f"true: {evaluation.labels[evaluation.targets[index]]}\n{names[index][-MAX_NAME_LENGTH:]}"
        for index in worst
    ]
    images = plural(evaluation.n_images, "held-out image")
    heading = f"{title}: {plural(len(wrong), 'mistake')} in {images}, the most confident first"
    _draw_sheet(target, heading, pixels[worst], captions)


def draw_suspects(target: Path, suspects: "SuspectLabels", title: str) -> None:
    """Draw the first images whose label is probably wrong as a contact sheet."""
    captions = [
        f"label: {each.label}\nlooks like {each.looks_like} {percent(each.looks_like_probability)}\n"
        f"{each.path.name[-MAX_NAME_LENGTH:]}"
        for each in suspects.suspects[: len(suspects.pixels)]
    ]
    count, images = plural(len(suspects.suspects), "suspect label"), plural(suspects.n_images, "image")
    _draw_sheet(target, f"{title}: {count} in {images}, the most suspect first", suspects.pixels, captions)


def _draw_sheet(target: Path, heading: str, pixels: NDArray[np.uint8], captions: list[str]) -> None:
    rows = max(1, -(-len(captions) // SHEET_COLUMNS))
    with _chart(target, 1.7 * SHEET_COLUMNS, 2.15 * rows + 0.5) as figure:
        figure.suptitle(heading)
        cells = figure.subplots(rows, SHEET_COLUMNS, squeeze=False).ravel()
        for axes in cells:
            axes.set_axis_off()
        for axes, image, caption in zip(cells, pixels, captions, strict=False):
            axes.imshow(image)
            # matplotlib ends with an error at a byte of a file name that is no text.
            axes.set_title(visible(caption, allowed="\n"), fontsize=SMALL_FONT_SIZE)


@contextmanager
def _chart(target: Path, width: float, height: float) -> Iterator[Figure]:
    """A figure of this size in inches, which is written to the target at the end of the block."""
    with mpl.rc_context(STYLE):
        figure = _new_figure(width, height)
        yield figure
        _save(figure, target)


def _new_figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, target: Path) -> None:
    # Ticks are made when they are drawn, in the style of that moment.
    with mpl.rc_context(STYLE):
        figure.savefig(target, dpi=PNG_DPI)


def _legend(figure: Figure, axes: Any) -> None:
    # Outside the axes, where it cannot cover a line or a bar.
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
