"""Whether what a network gives are probabilities."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.errors import InvalidPredictions

# The coarsest number that a runtime computes a softmax in is bfloat16, with 8 significant bits: a rounded value is off
# by up to 2**-9. A probability is rounded up to four times (exponential, their sum, its reciprocal, the product), all
# in one direction at worst, so a row's sum differs from 1 by less than 4 * 2**-9.
MAX_SUM_DIFFERENCE = 2**-6


def check_predictions(values: NDArray[np.float32], shape: tuple[int, int], artifact: Path) -> None:
    """Raise InvalidPredictions unless every row holds a probability for each label.

    shape: the expected one, [images, labels]. Two passes over the values: some microseconds for a batch.
    """
    if values.shape != shape:
        what = f"gives values of shape {list(values.shape)} where {list(shape)} was expected"
    else:
        difference = np.abs(values.sum(axis=1, dtype=np.float32) - 1).max()
        # Comparisons with NaN are false.
        if values.min() >= 0 and difference <= MAX_SUM_DIFFERENCE:
            return
        what = f"gives {_describe(values)} in place of probabilities"
    raise InvalidPredictions(f"{artifact} {what}", fix="Convert it again, or copy it again with its card.")


def _describe(values: NDArray[np.float32]) -> str:
    if not np.isfinite(values).all():
        return "values that are not finite numbers"
    if values.min() < 0:
        return "negative values"
    sums = values.sum(axis=1)
    return f"rows whose sum is {sums[np.abs(sums - 1).argmax()]:.3g}"
