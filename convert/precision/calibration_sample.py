"""Which images calibrate: training images, all labels equally often, drawn by a seed and recorded in the card."""

import hashlib
import itertools

from temper.card import Calibration
from temper.dataset.split import Example, split_fraction
from temper.errors import DataError

# With fewer images the ranges miss values of later images; NVIDIA recommends 500 or more.
MIN_CALIBRATION_IMAGES = 128


def draw_sample(examples: list[Example], count: int, seed: int) -> list[Example]:
    """`count` examples, or all if there are fewer: one of each label after another, in an order that the seed decides.

    Raises DataError when there are no examples.
    """
    if not examples:
        raise DataError(
            "there are no training images to calibrate with",
            fix="Train with more images, or name their folder: --data.",
        )
    shuffled = sorted(examples, key=lambda each: split_fraction(each.sha256, seed))
    labels = sorted({each.label for each in examples})
    by_label = [[each for each in shuffled if each.label == label] for label in labels]
    alternating = itertools.chain.from_iterable(itertools.zip_longest(*by_label))
    return [each for each in alternating if each is not None][:count]


def describe_sample(sample: list[Example], seed: int) -> Calibration:
    """What a card says of the calibration images: count, seed, names, and one hash over their contents."""
    return Calibration(
        images=len(sample),
        seed=seed,
        sha256=hashlib.sha256("".join(each.sha256 for each in sample).encode()).hexdigest(),
        files=tuple(each.name for each in sample),
    )
