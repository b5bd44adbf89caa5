"""Which preprocessing a model was trained with: each known one is tried on labeled images."""

import logging
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from convert.adopt.normalization import KNOWN, NONE, Normalization
from convert.adopt.originals.base import Original
from convert.adopt.outputs import find_kind, to_probabilities
from temper.card.adoption import OutputKind
from temper.cli.progress import ProgressCallback
from temper.cli.tables import Table
from temper.cli.text import percent
from temper.errors import DataError, UsageError
from temper.intervals import Z95, drop_interval, wilson
from temper.runners.base import Probabilities

LOGGER = logging.getLogger("temper.convert")
MIN_PROBABILITY = 1e-12


@dataclass(frozen=True, kw_only=True)
class LabeledPixels:
    """Images, uint8 RGB [n, size, size, 3], and the index of the label of each, int64 [n]."""

    pixels: NDArray[np.uint8]
    truth: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How well a preprocessing fits.

    predicted, truth: indices of labels, [n]. losses: -log of the true label's probability, [n].
    """

    normalization: Normalization
    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]
    losses: NDArray[np.float64]

    @property
    def is_correct(self) -> NDArray[np.bool_]:
        """Which images get their label, bool [n]."""
        return np.asarray(self.predicted == self.truth)

    @property
    def accuracy(self) -> float:
        """Fraction of the images that get their label."""
        return float(self.is_correct.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy (Wilson)."""
        return wilson(int(self.is_correct.sum()), len(self.is_correct))

    @property
    def reordered(self) -> tuple[NDArray[np.bool_], dict[int, int]]:
        """Which images get their label in the order that fits best, bool [n], and which label each one is there.

        No image and no label where two labels are mostly predicted as the same one.
        """
        most = {
            each: int(np.bincount(self.predicted[self.truth == each]).argmax()) for each in set(self.truth.tolist())
        }
        if len(set(most.values())) < len(most):
            return np.zeros(len(self.truth), dtype=np.bool_), {}
        return np.array([most[each] for each in self.truth.tolist()]) == self.predicted, most


def fit_of(normalization: Normalization, probabilities: Probabilities, truth: NDArray[np.int64]) -> Fit:
    """How well probabilities [n, classes] that were made with a preprocessing fit the labels."""
    of_truth = probabilities[np.arange(len(truth)), truth].astype(np.float64)
    return Fit(
        normalization=normalization,
        predicted=probabilities.argmax(axis=1),
        truth=truth,
        losses=-np.log(np.maximum(of_truth, MIN_PROBABILITY)),
    )


def try_all(
    original: Original, images: LabeledPixels, output: str, progress: ProgressCallback
) -> tuple[OutputKind, list[Fit]]:
    """What the model gives, and how each known preprocessing fits, the best first.

    output: "auto", or what the user has named. A model that takes uint8 has its preprocessing inside.
    """
    candidates = [NONE] if original.spec.dtype == "uint8" else list(KNOWN.values())
    raw = []
    for number, candidate in enumerate(candidates):
        progress("trying preprocessing", number, len(candidates))
        raw.append(original.raw(images.pixels, candidate))
    progress("trying preprocessing", len(candidates), len(candidates))
    kind = find_kind(np.concatenate(raw), original.name, output)
    fits = [fit_of(each, to_probabilities(r, kind), images.truth) for each, r in zip(candidates, raw, strict=True)]
    return kind, sorted(fits, key=lambda each: (-each.accuracy, each.losses.mean()))


def fits_table(fits: list[Fit]) -> Table:
    """How each preprocessing fits."""
    rows = [
        (
            each.normalization.name,
            percent(each.accuracy),
            f"{percent(each.interval[0])} to {percent(each.interval[1])}",
            f"{each.losses.mean():.3f}",
        )
        for each in fits
    ]
    headings = ("preprocessing", "top-1", "95 % interval", "log loss")
    return Table(headings=headings, rows=rows, right=frozenset({1, 2, 3}))


def clearly_best(fits: list[Fit]) -> Normalization:
    """The preprocessing that is better than every other one.

    It has the highest accuracy, and against each other one the paired 95 % interval of the difference excludes zero:
    that of the accuracy, or that of the log loss. Raises UsageError where it does not.
    """
    best, *others = fits
    close = [each for each in others if not _is_better(best, each)]
    if close:
        figures = ", ".join(
            f"{each.normalization.name} {percent(each.accuracy)} (log loss {each.losses.mean():.3f})"
            for each in (best, *close)
        )
        raise UsageError(
            f"{len(best.losses)} images do not decide which preprocessing the model was trained with: {figures}",
            fix=f"Name the one in the code that trained it, such as --preprocessing {best.normalization.name}, or name "
            "a folder with more images.",
        )
    return best.normalization


def check_plausible(fits: list[Fit], labels: tuple[str, ...], named: bool) -> None:
    """Raise DataError where another order of the labels fits clearly better, or the best accuracy is that of guessing.

    fits: the best first. named: whether the preprocessing was named; then an accuracy like that of guessing is a
    warning. A wrong order of the labels, or a wrong preprocessing, shows in nothing else.
    """
    best, other = fits[0], max(fits, key=lambda each: each.reordered[0].sum())
    low, _ = best.interval
    what = f"{percent(best.accuracy)} of {len(best.losses)} images get the label of their folder"
    is_correct, order = other.reordered
    # Of several preprocessings and orders of labels, one is the best by chance: it must be better than any other.
    if all(_lowest_drop(is_correct, each.is_correct) > 0 for each in (other, best)):
        moved = [(a, b) for a, b in order.items() if a != b]
        seen = ", ".join(f"images of {labels[a]} get {labels[b]}" for a, b in moved[:3])
        raise DataError(
            f"the labels are in another order than the output: {what}, and {percent(is_correct.mean())} would in "
            f"another order ({seen})",
            fix="Name the labels in the order of the training: --labels. Keras sorts the names of the folders. If the "
            "order is right, name the preprocessing of the training: --preprocessing.",
        )
    # Of many labels perhaps only a few have images.
    chance = 1 / len(set(best.truth.tolist()))
    if low <= chance and not named:
        raise DataError(
            f"no known preprocessing fits: at best {what}, and guessing would give {percent(chance)}",
            fix="Check that the images are of these labels, and name the preprocessing of the training: "
            "--preprocessing.",
        )
    if low <= chance:
        LOGGER.warning("Only %s, which is no better than guessing: check labels and preprocessing", what)


def _is_better(one: Fit, other: Fit) -> bool:
    if _lowest_drop(one.is_correct, other.is_correct) > 0:
        return True
    differences = other.losses - one.losses
    half = Z95 * differences.std(ddof=1) / np.sqrt(len(differences))
    return bool(differences.mean() - half > 0)


def _lowest_drop(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Lower bound of the paired 95 % interval of the drop in accuracy from one to the other; bool [n], of images."""
    return drop_interval(int((one & ~other).sum()), int((other & ~one).sum()), len(one))[0]
