"""The learning rate range test of Smith 2017 (arXiv 1506.01186): suggests a learning rate to start with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

from temper.errors import DataError

MIN_RATE, MAX_RATE, STEPS = 1e-6, 1.0, 120
# Standard deviation of the Gaussian, in steps: the loss of a single batch is noisy.
SMOOTHING_STEPS = 6.0
# Fraction of the loss at the lowest rates: a smaller decrease is treated as noise.
MIN_DECREASE = 0.15
# Decay of the running mean of losses, and the factor over its minimum at which the test ends.
MEAN_DECAY, MAX_INCREASE = 0.8, 4.0


@dataclass(frozen=True)
class LrRangeResult:
    """The rates that were tried, rising, and the loss of a step with each."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def smoothed(self) -> NDArray[np.float64]:
        """The losses, each averaged with its neighbors."""
        return np.asarray(gaussian_filter1d(self.losses, SMOOTHING_STEPS, mode="nearest"))

    @property
    def suggestion(self) -> float | None:
        """The rate at which the loss falls fastest; None where it does not fall."""
        smoothed = self.smoothed
        lowest = int(np.argmin(smoothed))
        if smoothed[lowest] > (1 - MIN_DECREASE) * np.mean(self.losses[: STEPS // 6]):
            return None
        return self.rates[int(np.argmin(np.gradient(smoothed)[: lowest + 1]))]


def lr_range_test(
    model: keras.Model, batches: Iterator[Any], loss: keras.losses.Loss, steps: int = STEPS
) -> LrRangeResult:
    """Take one step with each of `steps` rates; it changes the model, which must not be used afterwards.

    batches: (inputs, targets, sample weights), at least as many as steps. Raises DataError where even the lowest rate
    gives no loss.
    """
    model.compile(keras.optimizers.Adam(MIN_RATE), loss)
    # As in `train.fitting.fit.compile_model`.
    model.optimizer.build(model.trainable_variables)
    rates: list[float] = []
    losses: list[float] = []
    means: list[float] = []
    for rate in np.geomspace(MIN_RATE, MAX_RATE, steps):
        x, y, weights = next(batches)
        model.optimizer.learning_rate = float(rate)
        model.reset_metrics()
        step_loss = float(model.train_on_batch(x, y, sample_weight=weights))
        means.append(MEAN_DECAY * means[-1] + (1 - MEAN_DECAY) * step_loss if means else step_loss)
        # Written so that it is also true for a mean that is not a number.
        if not means[-1] <= MAX_INCREASE * min(means):
            break
        rates.append(float(rate))
        losses.append(step_loss)
    if not rates:
        raise DataError(
            "the loss of the first step is not a number, at a learning rate that changes almost nothing",
            fix="Check that the file of --weights is not damaged.",
        )
    return LrRangeResult(tuple(rates), tuple(losses))
