"""Figures of samples, with 95 % bootstrap intervals.

Whole rounds are resampled: calls of one round resemble each other, and samples taken alone would promise too much.
Rounds are few, and a plain percentile interval would be too narrow: it is expanded as Hesterberg 2015 proposes ("What
Teachers Should Know About the Bootstrap", section 5.3; The American Statistician 69).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from temper.intervals import wilson

RESAMPLES = 1000
SEED = 0
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]"


def percentile(rounds: Sequence[Floats], percent: float) -> Estimate:
    """A percentile of all samples; never a percentile of percentiles. Raises ValueError without samples."""
    weights = [np.full(len(each), i) for i, each in enumerate(rounds)]
    samples, owners = np.concatenate(list(rounds)), np.concatenate(weights)
    order = np.argsort(samples, kind="stable")
    samples, owners = samples[order], owners[order]

    def of(picks: NDArray[np.int64]) -> float:
        # Drawing a round k times is the same as weighing its samples k-fold, and needs no second sort.
        cumulated = np.cumsum(np.bincount(picks, minlength=len(rounds))[owners])
        return float(samples[np.searchsorted(cumulated, percent / 100 * cumulated[-1])])

    def of_each(draws: NDArray[np.int64]) -> Floats:
        return np.array([of(picks) for picks in draws])

    return _resampled(len(rounds), of_each, float(np.percentile(samples, percent)))


def rate(amounts: Sequence[float], seconds: Sequence[float]) -> Estimate:
    """Amount for each second by the wall clock, over rounds."""
    done, took = np.array(amounts, dtype=float), np.array(seconds, dtype=float)

    def of_each(draws: NDArray[np.int64]) -> Floats:
        return np.asarray(done[draws].sum(axis=1) / took[draws].sum(axis=1))

    return _resampled(len(done), of_each, done.sum() / took.sum())


def paired_ratio(one: Sequence[float], other: Sequence[float]) -> Estimate:
    """How many times larger `one` is than `other`: the median over rounds, resampled as pairs."""
    ratios = np.array(one, dtype=float) / np.array(other, dtype=float)
    return _resampled(len(ratios), lambda draws: np.median(ratios[draws], axis=1), float(np.median(ratios)))


def share(successes: int, n: int) -> Estimate:
    """A share in [0, 1] with its Wilson interval."""
    return Estimate(successes / n, *wilson(successes, n))


def quotient(one: Estimate, other: Estimate) -> Estimate:
    """Ratio of two figures measured apart; the interval takes their errors as independent and lognormal."""
    half = float(np.hypot(np.log(one.high / one.low), np.log(other.high / other.low)) / 2)
    value = one.value / other.value
    return Estimate(value, float(value * np.exp(-half)), float(value * np.exp(half)))


@lru_cache
def _expanded_tail(n: int) -> float:
    """Share to cut off either side of the bootstrap's values so that 2.5 % of truths lie beyond."""
    return float(norm.cdf(-math.sqrt(n / (n - 1)) * t.ppf(0.975, n - 1))) if n > 1 else 0.0


def _resampled(n: int, of_each: Callable[[NDArray[np.int64]], Any], value: float) -> Estimate:
    """The figure with its interval. of_each: figures of draws of rounds, [resamples, n]."""
    draws = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
    tail = 100 * _expanded_tail(n)
    low, high = np.percentile(of_each(draws), [tail, 100 - tail])
    # The point estimate interpolates and the resampled ones need not: the interval always holds it.
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
