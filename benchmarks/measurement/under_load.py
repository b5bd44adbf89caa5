"""Measurements in which images arrive by themselves: LoadGen's scenarios, and the rate within a limit of latency."""

from benchmarks.config import BenchmarkConfig
from benchmarks.measurement import mlperf, requests
from benchmarks.measurement.latency_budget import MAX_BATCH, Search
from benchmarks.measurement.samples import Samples
from benchmarks.measurement.session import BenchmarkSession
from benchmarks.measurement.timing import Calls
from temper.cli.progress import ProgressCallback
from temper.errors import UserError

# A queue fills batches of any size: it may exceed the batch sizes that were timed.
SERVER_RATE_FACTOR = 1.25


def run_scenarios(session: BenchmarkSession, config: BenchmarkConfig, progress: ProgressCallback) -> None:
    """Run LoadGen's four scenarios for every artifact, in the mode in which it is served."""
    cases = [each for each in session.cases() if each.case.is_default_mode]
    for i, samples in enumerate(cases):
        settings = mlperf.ScenarioSettings(
            scenario="SingleStream",
            logs=config.logs / samples.name.replace(" ", "-"),
            seconds=config.scenario_seconds,
            rate=max(_images_per_second(blocks) for blocks in samples.throughput.values()),
            latency_bound_ms=config.server_latency_bound_ms,
        )
        _run_scenarios(session, samples, settings)
        progress("running LoadGen's scenarios of cases", i + 1, len(cases))


def search_rates_within_limit(session: BenchmarkSession, config: BenchmarkConfig, progress: ProgressCallback) -> None:
    """Search the rate at which every artifact keeps a limit of p99, in the mode in which it is served."""
    cases = [each for each in session.cases() if each.case.is_default_mode]
    for i, samples in enumerate(cases):
        progress("searching the rate within the limit of latency, cases", i, len(cases))
        batches = samples.case.card.batch
        largest = min(MAX_BATCH, batches.max) if batches else MAX_BATCH
        search = Search(limit_ms=config.p99_ms, max_batch=largest, seconds=config.seconds)
        samples.within_limit = session.call(samples, requests.search_rate_within_limit, search)
    progress("searching the rate within the limit of latency, cases", len(cases), len(cases))


def _run_scenarios(session: BenchmarkSession, samples: Samples, settings: mlperf.ScenarioSettings) -> None:
    worker = session.worker(samples)

    def run_one(settings: mlperf.ScenarioSettings) -> mlperf.ScenarioRun:
        return worker.call(requests.run_scenario, settings)

    try:
        rate, samples.scenarios = mlperf.run_all(run_one, settings, SERVER_RATE_FACTOR * settings.rate)
        samples.server_images_per_second = rate
    except UserError as error:
        samples.skip(error)


def _images_per_second(blocks: list[Calls]) -> float:
    return sum(calls.images for calls in blocks) / sum(calls.total_seconds for calls in blocks)
