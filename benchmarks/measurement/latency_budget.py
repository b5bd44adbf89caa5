"""The highest rate of images that arrive at random at which the 99th percentile of their latency stays within a limit.

The latency of an image lasts from its arrival to the end of the call that classifies it. As in the server
(temper.serve.workers.batching), a runtime that is free takes what waits, up to a largest batch, and waits for nothing.
"""

import time
from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from benchmarks.measurement.timing import time_calls
from temper.runners.base import Images

MAX_BATCH = 64
# Parts of the measurement time of a case: for the calls of one batch size, and for the shortest run.
BATCH_PART, MIN_RUN_PART = 1 / 20, 1 / 8
MAX_BATCH_CALLS = 40
# A larger batch must bring this much: it makes every image wait longer.
MIN_GAIN = 1.02
# The rate is found with a precision of 2 to the power of minus this, as a part of the throughput.
SEARCH_STEPS = 6
# Of so many images 3 may be too late; of 4, one would be the p99. A slow network has fewer in the measurement time, and
# then none may.
RUN_IMAGES = 400
# The rate that was found must hold in a longer run too, with other arrivals; otherwise it is lowered by so much.
CONFIRMATION_FACTOR, LOWERED = 4, 0.95
MAX_CONFIRMATIONS = 8
LATE_FRACTION = 0.01
MILLI = 1e3
Predict = Callable[[Images], object]


class Search(Struct, frozen=True, kw_only=True):
    """What is searched for.

    limit_ms: of p99. max_batch: the largest one that the artifact takes. seconds: measurement time; of one run at most.
    """

    limit_ms: float
    max_batch: int = MAX_BATCH
    seconds: float = 8.0


class RateWithinLimit(Struct, frozen=True, kw_only=True):
    """The result.

    images_per_second: 0 where no rate that was tried keeps the limit. p99_ms: at the rate; without one, of calls alone.
    """

    limit_ms: float
    max_batch: int
    images_per_second: float
    p99_ms: float


def search_rate(predict: Predict, images: Images, search: Search) -> RateWithinLimit:
    """Search the largest batch that is worth its time, then by bisection the rate; real calls at real times."""
    calls = time_batches(predict, images, search)
    if not calls:
        one = p99_ms(time_calls(predict, images, 1, MAX_BATCH_CALLS, BATCH_PART * search.seconds).wall_seconds)
        return RateWithinLimit(limit_ms=search.limit_ms, max_batch=1, images_per_second=0.0, p99_ms=one)
    batch = best_batch(calls)

    def p99_at(rate: float, seed: int, factor: int = 1) -> float:
        times = arrivals(rate, seed, factor * search.seconds, factor * RUN_IMAGES)
        return p99_ms(run_arrivals(predict, images, times, batch, search.limit_ms))

    low, high = 0.0, batch / calls[batch]
    for step in range(SEARCH_STEPS):
        rate = (low + high) / 2
        low, high = (rate, high) if p99_at(rate, step) <= search.limit_ms else (low, rate)
    rate = low
    for attempt in range(MAX_CONFIRMATIONS if rate else 0):
        measured = p99_at(rate, SEARCH_STEPS + attempt, CONFIRMATION_FACTOR)
        if measured <= search.limit_ms:
            return RateWithinLimit(limit_ms=search.limit_ms, max_batch=batch, images_per_second=rate, p99_ms=measured)
        rate *= LOWERED
    return RateWithinLimit(
        limit_ms=search.limit_ms, max_batch=batch, images_per_second=0.0, p99_ms=MILLI * calls[batch]
    )


def time_batches(predict: Predict, images: Images, search: Search) -> dict[int, float]:
    """Median seconds of a call by batch size: 1, 2, 4 and so on; only batches that can keep the limit.

    An image that arrives just after a call has begun waits for this call and for its own.
    """
    medians: dict[int, float] = {}
    batch = 1
    while batch <= search.max_batch:
        seconds = time_calls(predict, images, batch, MAX_BATCH_CALLS, BATCH_PART * search.seconds).wall_seconds
        if (1 if batch == 1 else 2) * MILLI * float(np.percentile(seconds, 90)) > search.limit_ms:
            break
        medians[batch] = float(np.median(seconds))
        batch *= 2
    return medians


def best_batch(calls: dict[int, float]) -> int:
    """The batch size with the highest throughput; of those that are nearly as fast, the smallest."""
    rates = {batch: batch / seconds for batch, seconds in calls.items()}
    return next(batch for batch in sorted(rates) if MIN_GAIN * rates[batch] >= max(rates.values()))


def arrivals(rate: float, seed: int, max_seconds: float, images: int = RUN_IMAGES) -> NDArray[np.float64]:
    """Seconds at which images arrive, independently of each other (a Poisson process).

    rate: images per second. There are so many images, more if these would be a very short run, fewer in a long one.
    """
    seconds = min(max(MIN_RUN_PART * max_seconds, images / rate), max_seconds)
    gaps = np.random.default_rng(seed).exponential(1 / rate, max(2, round(rate * seconds)))
    times: NDArray[np.float64] = np.cumsum(gaps)
    return times


def run_arrivals(
    predict: Predict, images: Images, times: NDArray[np.float64], max_batch: int, limit_ms: float
) -> NDArray[np.float64]:
    """Classify images that arrive at these times; returns the latency of each in seconds.

    Once too many were too late, it ends: those that are left count as too late.
    """
    latencies, done, late = np.full(len(times), np.inf), 0, 0
    start = time.perf_counter()
    while done < len(times) and late <= LATE_FRACTION * len(times):
        wait = times[done] - (time.perf_counter() - start)
        if wait > 0:
            time.sleep(wait)
        arrived = int(np.searchsorted(times, time.perf_counter() - start, side="right"))
        rows = np.arange(done, min(max(arrived, done + 1), done + max_batch))
        predict(images.take(rows, axis=0, mode="wrap"))
        latencies[rows] = time.perf_counter() - start - times[rows]
        late += int((MILLI * latencies[rows] > limit_ms).sum())
        done = int(rows[-1]) + 1
    return latencies


def p99_ms(seconds: NDArray[np.float64] | tuple[float, ...]) -> float:
    """The 99th percentile in milliseconds, not interpolated: at most one in a hundred lasts longer."""
    return MILLI * float(np.percentile(seconds, 99, method="higher"))
