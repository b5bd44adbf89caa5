"""Statistics of samples, with 95 % bootstrap intervals.

Complete rounds are resampled: calls of one round resemble each other, and an interval from single samples would be too
narrow. Rounds are few, and a plain percentile interval would be too narrow as well: it is expanded as Hesterberg 2015
proposes ("What Teachers Should Know About the Bootstrap", section 5.3; The American Statistician 69).
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from scipy.special import ndtr, stdtrit

from temper.intervals import wilson

RESAMPLES = 1000
SEED = 0
Floats = NDArray[np.float64]


class Estimate(Struct, frozen=True):
    """A value and its 95 % interval."""

    value: float
    low: float
    high: float

    def scaled(self, factor: float) -> "Estimate":
        """The same in another unit. factor: positive."""
        return Estimate(factor * self.value, factor * self.low, factor * self.high)

    def text(self, decimals: int, unit: str = "") -> str:
        """The value with its interval in brackets; without brackets where there is no interval.

        >>> Estimate(4.934, 4.861, 4.988).text(2, "×"), Estimate(8.6, 8.6, 8.6).text(1)
        ('4.93× [4.86, 4.99]', '8.6')
        """
        value, low, high = (f"{each:,.{decimals}f}" for each in (self.value, self.low, self.high))
        return f"{value}{unit}" if self.low == self.high else f"{value}{unit} [{low}, {high}]"


def percentile(rounds: Sequence[Floats], percent: float) -> Estimate:
    """A percentile of all samples; never a percentile of percentiles. Raises ValueError without samples."""
    round_of = [np.full(len(each), i) for i, each in enumerate(rounds)]
    samples, owners = np.concatenate(list(rounds)), np.concatenate(round_of)
    order = np.argsort(samples, kind="stable")
    samples, owners = samples[order], owners[order]

    def of_draw(draw: NDArray[np.int64]) -> float:
        # Drawing a round k times is the same as weighting its samples k-fold, and needs no second sort.
        cumulated = np.cumsum(np.bincount(draw, minlength=len(rounds))[owners])
        return float(samples[np.searchsorted(cumulated, percent / 100 * cumulated[-1])])

    def of_draws(draws: NDArray[np.int64]) -> Floats:
        return np.array([of_draw(draw) for draw in draws])

    return _bootstrap(len(rounds), of_draws, float(np.percentile(samples, percent)))


def rate(amounts: Sequence[float], seconds: Sequence[float]) -> Estimate:
    """Amount per second by the wall clock, over rounds."""
    amount, duration = np.array(amounts, dtype=float), np.array(seconds, dtype=float)

    def of_draws(draws: NDArray[np.int64]) -> Floats:
        return np.asarray(amount[draws].sum(axis=1) / duration[draws].sum(axis=1))

    return _bootstrap(len(amount), of_draws, amount.sum() / duration.sum())


def paired_ratio(numerators: Sequence[float], denominators: Sequence[float]) -> Estimate:
    """The median ratio over rounds, resampled as pairs."""
    ratios = np.array(numerators, dtype=float) / np.array(denominators, dtype=float)

    def of_draws(draws: NDArray[np.int64]) -> Floats:
        return np.asarray(np.median(ratios[draws], axis=1))

    return _bootstrap(len(ratios), of_draws, float(np.median(ratios)))


def proportion(successes: int, n: int) -> Estimate:
    """A fraction in [0, 1] with its Wilson interval."""
    return Estimate(successes / n, *wilson(successes, n))


def independent_ratio(numerator: Estimate, denominator: Estimate) -> Estimate:
    """Ratio of two values measured apart; the interval assumes that their errors are independent and lognormal."""
    relative = np.log(numerator.high / numerator.low), np.log(denominator.high / denominator.low)
    half = float(np.hypot(*relative) / 2)
    value = numerator.value / denominator.value
    return Estimate(value, float(value * np.exp(-half)), float(value * np.exp(half)))


@lru_cache
def _expanded_tail(n: int) -> float:
    """Fraction to cut off either side of the bootstrap distribution so that 2.5 % of true values are beyond."""
    return float(ndtr(-math.sqrt(n / (n - 1)) * stdtrit(n - 1, 0.975))) if n > 1 else 0.0


def _bootstrap(n: int, of_draws: Callable[[NDArray[np.int64]], Any], value: float) -> Estimate:
    """The value with its interval. of_draws: the statistic of draws of rounds, [resamples, n]."""
    draws = np.random.default_rng(SEED).integers(0, n, (RESAMPLES, n))
    tail = 100 * _expanded_tail(n)
    low, high = np.percentile(of_draws(draws), [tail, 100 - tail])
    # percentile() interpolates the value between samples, but not the draws: without this it may be outside them.
    return Estimate(float(value), float(min(low, value)), float(max(high, value)))
