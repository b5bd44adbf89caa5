"""The images that the page of a model shows, each with its caption."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from pages.thumbnails import CaptionedImage, thumbnail, thumbnail_of_file, thumbnail_of_pixels
from temper.cli.text import percent
from temper.dataset.split import Example
from train.config import NO_AUGMENTATION, TrainingConfig
from train.dataset.augmentation import apply_transforms, draw_transforms
from train.evaluation.metrics import Evaluation
from train.evaluation.suspect_labels import SuspectLabels
from train.page.cells import Cell
from train.page.evidence import Head, evidence, feature_maps, heat_map

# Each costs a forward pass.
MAX_MISTAKES = 16
MAX_LEAKS = 24
# Versions of a training image beside the original.
N_VERSIONS = 6

Pixels = NDArray[np.uint8]


def name_in(folder: Path, path: Path) -> str:
    """The path of an image as the page shows it, relative to the dataset's folder."""
    return path.relative_to(folder).as_posix()


def images_of(cell: Cell, evaluation: Evaluation, pixels: Pixels, names: Sequence[str]) -> list[CaptionedImage]:
    """The images of a cell that are shown. pixels: of the test subset, [n, s, s, 3]; names: of its images, [n]."""
    label = evaluation.labels[cell.predicted]
    return [
        CaptionedImage(
            ((thumbnail_of_pixels(pixels[index]), names[index]),),
            (names[index], f"{label} {percent(evaluation.confidence[index])}"),
        )
        for index in cell.shown
    ]


def worst_mistakes(
    model: keras.Model, evaluation: Evaluation, pixels: Pixels, names: Sequence[str]
) -> list[CaptionedImage]:
    """The most confident mistakes, each beside a map of what speaks for the predicted label, not for the true one."""
    worst = evaluation.mistakes[:MAX_MISTAKES].tolist()
    if not worst:
        return []
    head, labels = Head.of(model), evaluation.labels
    maps = feature_maps(model, pixels[worst])
    shown = []
    for index, its_maps in zip(worst, maps, strict=True):
        predicted, true = int(evaluation.predicted[index]), int(evaluation.targets[index])
        heat = heat_map(pixels[index], evidence(head, its_maps, predicted, true))
        sources = (
            (thumbnail_of_pixels(pixels[index]), names[index]),
            (thumbnail(heat), f"where {names[index]} speaks for {labels[predicted]}, not for {labels[true]}"),
        )
        lines = (
            names[index],
            f"{labels[predicted]} {percent(evaluation.confidence[index])}",
            f"true: {labels[true]} {percent(evaluation.probabilities[index, true])}",
        )
        shown.append(CaptionedImage(sources, lines))
    return shown


def augmented_versions(samples: Pixels, config: TrainingConfig) -> list[CaptionedImage]:
    """Training images [m, s, s, 3], each beside N_VERSIONS of them; none where the training saw no other version."""
    is_fixed = config.trainable == "head" and config.augmentation_passes == 1 and not config.fine_tune
    if is_fixed or config.augmentation == NO_AUGMENTATION:
        return []
    shown = []
    for number, sample in enumerate(samples, start=1):
        random = np.random.default_rng((config.seed, number))
        transforms, brightness = draw_transforms(config.augmentation, N_VERSIONS, sample.shape[0], random)
        versions = np.asarray(apply_transforms(np.stack([sample] * N_VERSIONS), transforms, brightness))
        original = (thumbnail_of_pixels(sample), f"training image {number}")
        alternatives = [f"training image {number}, version {version}" for version in range(1, N_VERSIONS + 1)]
        sources = zip(map(thumbnail_of_pixels, versions), alternatives, strict=True)
        shown.append(CaptionedImage((original, *sources), ()))
    return shown


def suspect_images(suspects: SuspectLabels | None, folder: Path) -> Iterator[CaptionedImage]:
    """The first images whose label is probably wrong."""
    for each, pixels in zip(suspects.suspects, suspects.pixels, strict=False) if suspects else ():
        name = name_in(folder, each.path)
        lines = (name, f"label: {each.label}", f"looks like {each.looks_like} {percent(each.looks_like_probability)}")
        yield CaptionedImage(((thumbnail_of_pixels(pixels), name),), lines)


def leaked_images(leaks: Sequence[tuple[Example, Example]], folder: Path) -> list[CaptionedImage]:
    """Images in two subsets, each beside the one that it equals or resembles."""
    shown = []
    for pair in leaks[:MAX_LEAKS]:
        names = [name_in(folder, each.path) for each in pair]
        sources = [(thumbnail_of_file(each.path), name) for each, name in zip(pair, names, strict=True)]
        lines = [f"{each.subset}: {name}" for each, name in zip(pair, names, strict=True)]
        shown.append(CaptionedImage(tuple(sources), tuple(lines)))
    return shown
