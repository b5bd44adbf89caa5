"""Searches with calls whose duration is known."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.measurement import latency_budget, timing
from benchmarks.measurement.latency_budget import (
    Search,
    arrivals,
    best_batch,
    p99_ms,
    run_arrivals,
    search_rate,
    time_batches,
)
from temper.runners.base import Images

IMAGES = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1)


class Clock:
    """Time passes only when something sleeps."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now

    process_time = perf_counter

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(latency_budget, "time", made)
    monkeypatch.setattr(timing, "time", made)
    return made


def taking(clock: Clock, seconds: float, each: float = 0.0) -> Callable[[Images], None]:
    """A call of so many seconds, and so many for each image."""
    return lambda images: clock.sleep(seconds + each * len(images))


def test_a_batch_that_costs_no_time_is_used_up_to_the_limit_and_the_rate_keeps_it(clock: Clock) -> None:
    found = search_rate(taking(clock, 0.004), IMAGES, Search(limit_ms=60, max_batch=8))
    assert found.max_batch == 8
    # One by one, 250 images a second would be the limit.
    assert 250 < found.images_per_second < 2000
    assert found.p99_ms <= 60


def test_a_batch_that_gains_nothing_is_not_used(clock: Clock) -> None:
    found = search_rate(taking(clock, 0, each=0.004), IMAGES, Search(limit_ms=60, max_batch=8))
    assert found.max_batch == 1
    assert 0 < found.images_per_second < 250


def test_a_limit_below_the_time_of_one_call_has_no_rate(clock: Clock) -> None:
    found = search_rate(taking(clock, 0.01), IMAGES, Search(limit_ms=5))
    assert found.images_per_second == 0
    assert found.p99_ms >= 10


def test_only_batches_of_which_two_fit_into_the_limit_are_timed(clock: Clock) -> None:
    assert list(time_batches(taking(clock, 0, each=0.004), IMAGES, Search(limit_ms=40))) == [1, 2, 4]
    assert list(time_batches(taking(clock, 0.02), IMAGES, Search(limit_ms=30))) == [1]


def test_of_batches_that_are_nearly_as_fast_the_smallest_is_best() -> None:
    assert best_batch({1: 1.0, 2: 1.0, 4: 1.99, 8: 3.97}) == 2
    assert best_batch({1: 1.0, 2: 1.0, 4: 1.9}) == 4


def test_arrivals_are_random_with_the_given_rate_and_depend_on_the_seed() -> None:
    times = arrivals(10_000, seed=0, max_seconds=8)
    gaps = np.diff(times)
    assert np.mean(gaps) == pytest.approx(1e-4, rel=0.1)
    # Of an exponential distribution the deviation is the mean.
    assert np.std(gaps) == pytest.approx(1e-4, rel=0.1)
    assert np.array_equal(times, arrivals(10_000, seed=0, max_seconds=8))
    assert not np.array_equal(times, arrivals(10_000, seed=1, max_seconds=8))


@pytest.mark.parametrize(("rate", "images"), [(1000, 1000), (200, 400), (10, 80)])
def test_a_run_has_400_images_unless_it_would_be_very_short_or_too_long(rate: float, images: int) -> None:
    assert len(arrivals(rate, seed=0, max_seconds=8)) == images


def test_images_that_wait_are_classified_together_in_order_up_to_the_largest_batch(clock: Clock) -> None:
    batches: list[list[int]] = []

    def predict(images: Images) -> None:
        batches.append(images[:, 0, 0, 0].tolist())
        clock.sleep(0.03)

    latencies = run_arrivals(predict, IMAGES, np.array([0.01, 0.015, 0.016, 0.017, 0.2]), 2, limit_ms=1000)
    assert batches == [[0], [1, 2], [3], [4]]
    assert latencies == pytest.approx([0.03, 0.055, 0.054, 0.083, 0.03])


def test_a_run_ends_when_too_many_images_were_too_late_and_its_p99_is_infinite(clock: Clock) -> None:
    calls: list[int] = []

    def predict(images: Images) -> None:
        calls.append(len(images))
        clock.sleep(0.01)

    # A run of 100 images ends at the second one that is late.
    assert p99_ms(run_arrivals(predict, IMAGES, np.full(100, 0.0), 1, limit_ms=15)) == float("inf")
    assert len(calls) == 3


def test_a_rate_that_does_not_hold_in_the_longer_run_is_lowered(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    search = Search(limit_ms=20, max_batch=1)
    attempts: list[float] = []

    def slower_in_long_runs(rate: float, seed: int, max_seconds: float, images: int) -> NDArray[np.float64]:
        is_long = images > latency_budget.RUN_IMAGES
        attempts.extend([rate] if is_long else [])
        return arrivals(3 * rate if is_long and len(attempts) < 3 else rate, seed, max_seconds, images)

    monkeypatch.setattr(latency_budget, "arrivals", slower_in_long_runs)
    lowered = search_rate(taking(clock, 0.005), IMAGES, search)
    assert len(attempts) == 3
    assert lowered.images_per_second == pytest.approx(attempts[0] * 0.95**2)


def test_p99_is_exceeded_by_one_in_a_hundred() -> None:
    assert p99_ms((0.001,) * 196 + (0.5,) * 4) == pytest.approx(500)
    assert p99_ms((0.001,) * 399 + (0.5,)) == pytest.approx(1)


def test_of_400_images_3_may_be_late() -> None:
    assert p99_ms((0.001,) * 397 + (0.5,) * 3) == pytest.approx(1)
    assert p99_ms((0.001,) * 396 + (0.5,) * 4) == pytest.approx(500)
