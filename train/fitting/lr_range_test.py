"""A learning rate to begin with: the range test of Smith 2017 (arXiv 1506.01186)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

LOWEST, HIGHEST, STEPS = 1e-6, 1.0, 120
# In steps: losses of single batches say little.
WIDTH = 6.0
# Of the loss at the lowest rates: less of a fall is taken for noise.
LEAST_FALL = 0.15
# The running mean of losses, and how many times its least it may become before higher rates are left out.
MEMORY, DIVERGED = 0.8, 4.0


@dataclass(frozen=True)
class LrRangeTest:
    """Rates that were tried, rising, and the loss of a step with each."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """The losses, each averaged with its neighbours."""
        return np.asarray(gaussian_filter1d(self.losses, WIDTH, mode="nearest"))

    @property
    def suggestion(self) -> float | None:
        """The rate at which the loss fell fastest; None where it never fell."""
        smoothed = self.smoothed
        least = int(np.argmin(smoothed))
        if smoothed[least] > (1 - LEAST_FALL) * np.mean(self.losses[: STEPS // 6]):
            return None
        return self.rates[int(np.argmin(np.gradient(smoothed)[: least + 1]))]


def sweep_rates(model: keras.Model, batches: Iterator[Any], loss: keras.losses.Loss, steps: int = STEPS) -> LrRangeTest:
    """Take a step with each of so many rates; the model, changed by it, is not to be used after.

    batches: (inputs, targets, weights), at least as many as steps.
    """
    model.compile(keras.optimizers.Adam(LOWEST), loss)
    rates: list[float] = []
    losses: list[float] = []
    means: list[float] = []
    for rate in np.geomspace(LOWEST, HIGHEST, steps):
        x, y, weights = next(batches)
        model.optimizer.learning_rate = float(rate)
        model.reset_metrics()
        found = float(model.train_on_batch(x, y, sample_weight=weights))
        means.append(MEMORY * means[-1] + (1 - MEMORY) * found if means else found)
        if not means[-1] <= DIVERGED * min(means):
            break
        rates.append(float(rate))
        losses.append(found)
    return LrRangeTest(tuple(rates), tuple(losses))
