"""The page of a model: everything that a training found, as one HTML file that needs no connection."""

from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from pages.figures import inline_svg
from pages.render import render_page
from temper.cli.text import percent, plural
from temper.dataset.listing import dataset_title, read_near_duplicates
from temper.dataset.split import SUBSETS, Example
from temper.escaping import visible
from train.config import TrainingConfig
from train.dataset.leaks import describe_leaks, find_leaks
from train.evaluation.charts import curves_figure, reliability_figure
from train.evaluation.metrics import Evaluation
from train.evaluation.model_card import labels_title, training_facts
from train.evaluation.suspect_labels import SuspectLabels
from train.evaluation.suspect_report import NOT_EXAMINED, REMEDY
from train.network.backbones import BACKBONES
from train.page import galleries
from train.page.cells import Cell, cells_of, has_matrix
from train.page.label_rows import label_rows
from train.trained_model import TrainedModel

TEMPLATE = Path(__file__).with_name("model.html")


def model_page(stem: str, trained: TrainedModel, folder: Path, examples: list[Example], config: TrainingConfig) -> str:
    """The page. stem: of the model's file. folder: of the dataset; examples: its images."""
    evaluation = trained.evaluation
    return render_page(
        TEMPLATE,
        stem=stem,
        title=labels_title(evaluation.labels),
        evaluation=evaluation,
        subsets=SUBSETS,
        rows=label_rows(evaluation, examples),
        n_suspects=len(trained.suspects.suspects) if trained.suspects else 0,
        suspects_text=_suspects_text(trained.suspects),
        threshold=f"{evaluation.confidence_threshold:.3f}",
        facts={"Network": f"{BACKBONES[config.backbone].application}, {config.size} pixels"} | training_facts(config),
        **_curves(trained),
        reliability=_svg(reliability_figure(evaluation, visible(dataset_title(folder)))),
        **_first_lines(evaluation, folder, examples),
        **_images(trained, folder, examples, config),
    )


def _first_lines(evaluation: Evaluation, folder: Path, examples: list[Example]) -> dict[str, str]:
    low, high = map(percent, evaluation.interval)
    counts = [f"{sum(each.subset == subset for each in examples):,} {subset}" for subset in SUBSETS]
    return {
        "headline": f"{percent(evaluation.accuracy)} of {plural(evaluation.n_images, 'held-out image')} are predicted "
        f"correctly: 95 % interval {low} to {high} (Wilson).",
        "dataset": f"{dataset_title(folder)}: {plural(len(examples), 'image')} ({', '.join(counts)}), "
        f"{_plain(describe_leaks(examples, folder))}.",
    }


def _images(trained: TrainedModel, folder: Path, examples: list[Example], config: TrainingConfig) -> dict[str, Any]:
    evaluation, pixels = trained.evaluation, trained.pixels
    names = [galleries.name_in(folder, each.path) for each in examples if each.subset == "test"]
    cells, leaks = cells_of(evaluation), find_leaks(examples, read_near_duplicates(folder))
    return {
        "matrix": _matrix(evaluation.confusion, cells) if has_matrix(evaluation) else [],
        "n_pairs": int(np.count_nonzero(evaluation.confusion) - np.count_nonzero(evaluation.confusion.diagonal())),
        "cells": [(cell, galleries.images_of(cell, evaluation, pixels, names)) for cell in cells],
        "mistakes": galleries.worst_mistakes(trained.model, evaluation, pixels, names),
        "augmented": galleries.augmented_versions(trained.samples, config),
        "suspects": list(galleries.suspect_images(trained.suspects, folder)),
        "leaks": galleries.leaked_images(leaks, folder),
        "n_leaks": len(leaks),
    }


def _curves(trained: TrainedModel) -> dict[str, Any]:
    # Two points are no curve.
    if len(trained.history["loss"]) > 1:
        return {"curves": _svg(curves_figure(trained.history, trained.first_fine_tuned))}
    return {"curves": "", "single": {name: f"{values[0]:.3f}" for name, values in trained.history.items()}}


def _matrix(confusion: NDArray[np.int64], cells: list[Cell]) -> list[list[tuple[Cell | None, float]]]:
    """Rows of cells, None where there is no image; each with its fraction of the row's images."""
    by_place = {(cell.true, cell.predicted): cell for cell in cells}
    fractions = (confusion / np.maximum(1, confusion.sum(axis=1, keepdims=True))).tolist()
    return [[(by_place.get((i, j)), fraction) for j, fraction in enumerate(row)] for i, row in enumerate(fractions)]


def _suspects_text(suspects: SuspectLabels | None) -> str:
    if suspects is None:
        return _plain(NOT_EXAMINED)
    count, images = len(suspects.suspects), plural(suspects.n_images, "image")
    if not count:
        return f"None of {images} has a label that is probably wrong."
    return f"{count:,} of {images} {'has' if count == 1 else 'have'} a label that is probably wrong. {REMEDY}"


def _svg(figure: Any) -> Markup:
    # matplotlib escapes texts.
    return Markup(inline_svg(figure))


def _plain(markdown: str) -> str:
    """Our own Markdown without its marks."""
    return markdown.replace("*", "").replace("`", "").replace("\n", " ")
