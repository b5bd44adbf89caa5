"""Images whose label is probably wrong, found on the features of a frozen backbone."""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.dataset.split import Example
from train.evaluation.confident_learning import (
    Errors,
    Features,
    assign_folds,
    compress,
    confident_errors,
    examined_images,
    out_of_sample,
)
from train.fitting.training_data import TrainingData

LOGGER = logging.getLogger("temper.train")
MAX_IN_SHEET = 16
# Images times labels, to which time and memory are proportional. 10,000 images of 1,000 labels: 83 seconds of one core
# (AMD EPYC), and 210 MB.
MAX_PAIRS = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """An image whose label is probably wrong, the label that it looks like, and the probabilities of both."""

    path: Path
    label: str
    looks_like: str
    label_probability: float
    looks_like_probability: float


@dataclass(frozen=True, kw_only=True)
class SuspectLabels:
    """The suspects of so many images, the most suspect first, and the pixels of the first MAX_IN_SHEET, [m, s, s, 3].

    not_examined: labels with too few images.
    """

    n_images: int
    suspects: Sequence[Suspect]
    pixels: NDArray[np.uint8]
    not_examined: tuple[str, ...] = ()


def is_search_wanted(data: TrainingData) -> bool:
    """Whether labels are examined. Where that takes minutes, only with --force-suspects: a message says so."""
    images, labels, context = len(data.examples), len(data.labels), data.context
    if not context.find_suspects or context.force_suspects or images * labels <= MAX_PAIRS:
        return context.find_suspects
    LOGGER.warning(
        "wrong labels are not looked for: %s images times %s labels are more than %s; --force-suspects looks for them",
        *(f"{number:,}" for number in (images, labels, MAX_PAIRS)),
    )
    return False


def find_suspects(data: TrainingData, features: Features) -> SuspectLabels:
    """Examine the labels of all images of a dataset; features: of the images without augmentation, [n, d]."""
    started, examples = time.perf_counter(), data.examples
    labels = np.array([data.labels.index(each.label) for each in examples])
    groups = group_copies(examples, data.context.near_duplicates)
    examined = examined_images(labels, groups)
    folds = assign_folds(labels, groups, data.config.seed)
    compressed = compress(features, data.config.seed)
    probabilities = out_of_sample(compressed, labels, folds, data.context.progress)
    errors = confident_errors(probabilities, labels, examined)
    suspects = [
        Suspect(
            path=examples[image].path,
            label=examples[image].label,
            looks_like=data.labels[other],
            label_probability=float(probabilities[image, labels[image]]),
            looks_like_probability=float(probabilities[image, other]),
        )
        for image, other in zip(errors.images, errors.looks_like, strict=True)
    ]
    LOGGER.info("looking for wrong labels took %.1f s", time.perf_counter() - started)
    few = sorted({data.labels[label] for label in labels[~examined]})
    return SuspectLabels(
        n_images=int(examined.sum()), suspects=suspects, pixels=_sheet(data, errors), not_examined=tuple(few)
    )


def group_copies(examples: list[Example], near_duplicates: dict[Path, str]) -> list[str]:
    """A name for each image that its copies and near-duplicates have too; near_duplicates: groups by path."""
    group_of_content = {each.sha256: near_duplicates[each.path] for each in examples if each.path in near_duplicates}
    return [group_of_content.get(each.sha256, each.sha256) for each in examples]


def _sheet(data: TrainingData, errors: Errors) -> NDArray[np.uint8]:
    subsets = [each.subset for each in data.examples]
    chosen = [(subsets[image], image) for image in errors.images[:MAX_IN_SHEET].tolist()]
    rows = [data.images[subset].pixels[image - subsets.index(subset)] for subset, image in chosen]
    return np.array(rows, np.uint8).reshape(len(rows), data.config.size, data.config.size, 3)
