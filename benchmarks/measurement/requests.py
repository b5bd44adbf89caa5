"""The functions that a benchmark calls in the process of a case: calls are timed where they happen."""

import itertools
import os
import resource
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.measurement import gpu_telemetry, mlperf
from benchmarks.measurement.end_to_end import EndToEndRun, Method, label_one_by_one, label_overlapped
from benchmarks.measurement.latency_budget import RateWithinLimit, Search, search_rate
from benchmarks.measurement.timing import Calls, time_calls, wait_until_idle
from benchmarks.measurement.worker import LoadedCase
from temper.runners.base import Images, Probabilities, RuntimeInfo

PREDICTION_BATCH = 8
# Caches and threads are warm again after these untimed calls, before the clock starts.
WARMUP_SECONDS = 0.01


def describe(case: LoadedCase) -> tuple[float, RuntimeInfo]:
    """time.monotonic() when the case was ready, and the runtime, device and precision that are executed."""
    return case.ready_at, case.runner.runtime_info()


def warm_up(case: LoadedCase, batch: int, calls: int) -> tuple[float, ...]:
    """Wall seconds of each of `calls` calls."""
    return time_calls(case.runner.predict, case.images, batch, calls).wall_seconds


def time_block(case: LoadedCase, batch: int, max_calls: int, seconds: float) -> Calls:
    """Time calls for about `seconds`: at least one, at most `max_calls`."""
    time_calls(case.runner.predict, case.images, batch, max_calls, WARMUP_SECONDS)
    before = gpu_telemetry.energy_joules()
    calls = time_calls(case.runner.predict, case.images, batch, max_calls, seconds)
    after = gpu_telemetry.energy_joules()
    wait_until_idle()
    return calls if before is None or after is None else msgspec.structs.replace(calls, joules=after - before)


def time_block_on_device(case: LoadedCase, batch: int, max_calls: int, seconds: float) -> Calls | None:
    """Like `time_block`, with images that are on the device already; None where the runtime copies none."""
    if not case.runner.has_device_copies:
        return None

    def run(images: Images) -> None:
        case.runner.run_on_device(len(images))

    time_calls(run, case.images, batch, max_calls, WARMUP_SECONDS)
    calls = time_calls(run, case.images, batch, max_calls, seconds)
    wait_until_idle()
    return calls


def predict_all(case: LoadedCase) -> Probabilities:
    """Probabilities of all images, in batches; a remainder one by one, since XLA compiles every new batch size."""
    n = len(case.images)
    batched = n // PREDICTION_BATCH * PREDICTION_BATCH
    starts = [*range(0, batched, PREDICTION_BATCH), *range(batched, n), n]
    return np.concatenate([case.runner.predict(np.array(case.images[a:b])) for a, b in itertools.pairwise(starts)])


def label_files(case: LoadedCase, paths: list[Path], method: Method) -> EndToEndRun:
    """Decode and label files with one of the methods of end-to-end runs."""
    label = label_one_by_one if method == "one by one" else label_overlapped
    result = label(case.runner, paths)
    wait_until_idle()
    return result


def run_scenario(case: LoadedCase, settings: mlperf.ScenarioSettings) -> mlperf.ScenarioRun:
    """Run a scenario of MLPerf's LoadGen."""
    return mlperf.run(case.runner.predict, case.images, settings)


def search_rate_within_limit(case: LoadedCase, search: Search) -> RateWithinLimit:
    """Search the highest rate at which a limit of latency is kept."""
    return search_rate(case.runner.predict, case.images, search)


def memory_mib(case: LoadedCase) -> tuple[float, float | None]:
    """Largest resident memory of this process so far, and GPU memory that it holds (None where it is unknown)."""
    peak_rss = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return peak_rss, gpu_telemetry.process_memory_mib(os.getpid())
