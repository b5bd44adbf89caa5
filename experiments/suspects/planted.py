"""Wrong labels that are planted in a dataset, and how many of them a search lists."""

from collections.abc import Sequence
from dataclasses import dataclass
from time import process_time

import numpy as np
from numpy.typing import NDArray

from temper.cli.text import percent
from train.evaluation.confident_learning import (
    Features,
    Indices,
    Probabilities,
    assign_folds,
    compress,
    confident_errors,
    examined_images,
    out_of_sample,
)


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """What a search listed. Numbers of images, and the processor seconds of the search.

    hits: listed images that are planted. first: how many of the `planted` images with the smallest margins are planted,
    listed or not.
    """

    planted: int
    listed: int
    hits: int
    first: int
    seconds: float


def plant(truth: Indices, fraction: float, seed: int) -> tuple[Indices, NDArray[np.bool_]]:
    """Labels [n] of which a fraction is replaced by another label at random, and which ones those are."""
    random, classes = np.random.default_rng(seed), int(truth.max()) + 1
    is_planted = np.zeros(len(truth), bool)
    is_planted[random.choice(len(truth), round(fraction * len(truth)), replace=False)] = True
    others = (truth + random.integers(1, classes, len(truth))) % classes
    return np.where(is_planted, others, truth), is_planted


def recover(
    features: Features, truth: Indices, groups: list[str], fraction: float, seed: int, is_compressed: bool = True
) -> Recovered:
    """Plant labels and search for them as training does; is_compressed: False for heads on all features."""
    labels, is_planted = plant(truth, fraction, seed)
    started = process_time()
    used = compress(features, seed) if is_compressed else features
    probabilities = out_of_sample(used, labels, assign_folds(labels, groups, seed))
    errors = confident_errors(probabilities, labels, examined_images(labels, groups))
    seconds, planted = process_time() - started, int(is_planted.sum())
    return Recovered(
        planted=planted,
        listed=len(errors.images),
        hits=int(is_planted[errors.images].sum()),
        first=int(is_planted[smallest_margins(probabilities, labels, planted)].sum()),
        seconds=seconds,
    )


def smallest_margins(probabilities: Probabilities, labels: Indices, count: int) -> Indices:
    """The images whose label is the least probable, compared with the most probable other label."""
    rows = np.arange(len(labels))
    others = probabilities.copy()
    others[rows, labels] = -np.inf
    margins = probabilities[rows, labels] - others.max(axis=1)
    smallest: Indices = np.argsort(margins, kind="stable")[:count]
    return smallest


def cells_of(name: str, seed: str, results: Sequence[Recovered]) -> tuple[str, ...]:
    """A row of the table: sums over results, and their mean seconds."""
    planted, listed, hits, first = (
        sum(getattr(each, field) for each in results) for field in ("planted", "listed", "hits", "first")
    )
    return (
        name,
        seed,
        *(f"{number:,}" for number in (planted, listed, hits)),
        *(percent(part / max(1, total)) for part, total in ((hits, listed), (hits, planted), (first, planted))),
        f"{sum(each.seconds for each in results) / len(results):.2f}",
    )
