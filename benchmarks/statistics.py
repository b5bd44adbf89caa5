"""Figures of samples, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
SEED = 0


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


def bootstrap(rounds: list[NDArray[np.float64]], percent: float) -> Estimate:
    """A percentile of all samples; the interval resamples whole rounds, whose samples resemble each other."""
    random = np.random.default_rng(SEED)
    everything = np.concatenate(rounds)
    picks = random.integers(0, len(rounds), (RESAMPLES, len(rounds)))
    values = [float(np.percentile(np.concatenate([rounds[i] for i in pick]), percent)) for pick in picks]
    low, high = np.percentile(values, [2.5, 97.5])
    return Estimate(float(np.percentile(everything, percent)), float(low), float(high))


def paired_ratio(one: NDArray[np.float64], other: NDArray[np.float64]) -> Estimate:
    """How many times larger `one` is than `other`, both a figure for each round; rounds are resampled as pairs."""
    random = np.random.default_rng(SEED)
    ratios = one / other
    picks = random.integers(0, len(ratios), (RESAMPLES, len(ratios)))
    low, high = np.percentile(np.median(ratios[picks], axis=1), [2.5, 97.5])
    return Estimate(float(np.median(ratios)), float(low), float(high))
