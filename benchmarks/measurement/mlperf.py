"""The scenarios of MLPerf Inference, run by MLCommons' own LoadGen, whose logs are preserved.

SingleStream: the next image when the previous one is classified. MultiStream: eight at a time. Offline: all at once.
Server: images arrive at random (Poisson) and wait in a queue; the result is the rate at which p99 stays within a bound.
"""

import importlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, get_args

import msgspec
import numpy as np
from msgspec import Struct

from temper.errors import MissingRuntime
from temper.runners.base import Images, Probabilities

ScenarioName = Literal["SingleStream", "MultiStream", "Server", "Offline"]
SCENARIOS: tuple[ScenarioName, ...] = get_args(ScenarioName)
SUMMARY = "mlperf_log_summary.txt"
MAX_BATCH = 8
NANOSECONDS_PER_MS, NANOSECONDS_PER_SECOND = 1e6, 1e9
SEARCH_STEPS = 5
# Runs of a minute and more are for LoadGen's verdict, which needs, by its own messages, so many queries to be sure of a
# percentile: of p90 in SingleStream and of p99 in the others. Offline is one query.
FULL_SECONDS = 60.0
MIN_QUERIES: dict[ScenarioName, int] = {"SingleStream": 64, "MultiStream": 662, "Server": 662, "Offline": 1}
Queue = queue.Queue[Any]


class ScenarioSettings(Struct, frozen=True, kw_only=True):
    """One run. rate: images per second that are offered (Server) or expected (the others).

    seconds: at least; a run of FULL_SECONDS and more continues until it has MIN_QUERIES. latency_bound_ms: of Server's
    p99. logs: the folder.
    """

    scenario: ScenarioName
    logs: Path
    seconds: float
    rate: float = 1.0
    latency_bound_ms: float = 100.0

    @property
    def is_full(self) -> bool:
        """Whether the run is long enough for LoadGen to be sure of its percentiles."""
        return self.seconds >= FULL_SECONDS

    def keeps_bound(self, run: "ScenarioRun") -> bool:
        """Whether a run of Server kept the bound: by LoadGen's verdict if the run is full, else by its p99."""
        return run.valid if self.is_full else run.latency_ms["99.00"] <= self.latency_bound_ms


class ScenarioRun(Struct, frozen=True, kw_only=True):
    """A run, as LoadGen's summary reports it. valid: LoadGen's own verdict, which also requires a number of queries.

    offered_rate: images per second that Server offered; None for the others. latency_ms: by percentile ("50.00").
    images_per_second: None where latency is the result. logs: the last three folders of the path of LoadGen's logs.
    """

    name: ScenarioName
    valid: bool
    offered_rate: float | None
    latency_ms: dict[str, float]
    images_per_second: float | None
    logs: str


class Responder:
    """A thread that takes samples from a queue, classifies up to eight together and completes them.

    It completes every sample, since LoadGen waits forever for one that is not; the first error is stored.
    """

    def __init__(self, loadgen: Any, predict: Callable[[Images], Probabilities], images: Images) -> None:
        self.queue: Queue = queue.Queue()
        self.error: Exception | None = None
        self._loadgen, self._predict, self._images = loadgen, predict, images
        self._thread = threading.Thread(target=self._respond, daemon=True)
        self._thread.start()

    def enqueue(self, samples: list[Any]) -> None:
        """Add samples."""
        for sample in samples:
            self.queue.put(sample)

    def stop(self) -> None:
        """End the thread after the samples that are waiting."""
        self.queue.put(None)
        self._thread.join()

    def _respond(self) -> None:
        sample = self.queue.get()
        while sample is not None:
            samples = [sample]
            while len(samples) < MAX_BATCH and not self.queue.empty():
                samples.append(self.queue.get())
            is_last = samples[-1] is None
            self._complete(samples[:-1] if is_last else samples)
            sample = None if is_last else self.queue.get()

    def _complete(self, samples: list[Any]) -> None:
        labels = self._classify([each.index for each in samples])
        address, size = labels.ctypes.data, labels.itemsize
        response = self._loadgen.QuerySampleResponse
        self._loadgen.QuerySamplesComplete(
            [response(each.id, address + i * size, size) for i, each in enumerate(samples)]
        )

    def _classify(self, indices: list[int]) -> Any:
        if self.error is None:
            try:
                return self._predict(self._images[indices]).argmax(axis=1).astype(np.int32)
            except Exception as error:
                self.error = error
        return np.zeros(len(indices), np.int32)


def import_loadgen() -> Any:
    """The module of LoadGen. Raises MissingRuntime when it is not installed."""
    try:
        return importlib.import_module("mlperf_loadgen")
    except ModuleNotFoundError:
        raise MissingRuntime(
            "LoadGen, which runs MLPerf's scenarios, is not installed",
            fix="Install it:\n    pip install mlcommons-loadgen",
        ) from None


def run(predict: Callable[[Images], Probabilities], images: Images, settings: ScenarioSettings) -> ScenarioRun:
    """Run a scenario in this process. Raises MissingRuntime when LoadGen is not installed."""
    loadgen = import_loadgen()
    settings.logs.mkdir(parents=True, exist_ok=True)
    responder = Responder(loadgen, predict, images)
    system = loadgen.ConstructSUT(responder.enqueue, _do_nothing)
    library = loadgen.ConstructQSL(len(images), len(images), _do_nothing, _do_nothing)
    try:
        loadgen.StartTestWithLogSettings(
            system, library, _test_settings(loadgen, settings), _log_settings(loadgen, settings.logs)
        )
    finally:
        responder.stop()
        loadgen.DestroyQSL(library)
        loadgen.DestroySUT(system)
    if responder.error:
        raise responder.error
    return read_summary(settings)


def search_highest_rate(
    run_at: Callable[[float], ScenarioRun], max_rate: float, keeps_bound: Callable[[ScenarioRun], bool]
) -> tuple[float, list[ScenarioRun]]:
    """The highest rate, in images per second, up to `max_rate` that keeps the bound (0: none), and all runs."""
    low, high = 0.0, max_rate
    runs: list[ScenarioRun] = []
    for _ in range(SEARCH_STEPS):
        rate = (low + high) / 2
        runs.append(run_at(rate))
        low, high = (rate, high) if keeps_bound(runs[-1]) else (low, rate)
    return low, runs


def run_all(
    run_one: Callable[[ScenarioSettings], ScenarioRun], settings: ScenarioSettings, max_server_rate: float
) -> tuple[float, list[ScenarioRun]]:
    """All scenarios, in folders below `settings.logs`: Server's highest rate, and every run.

    settings: rate is the one that was measured before.
    """

    def run_named(scenario: ScenarioName, name: str, rate: float) -> ScenarioRun:
        return run_one(msgspec.structs.replace(settings, scenario=scenario, logs=settings.logs / name, rate=rate))

    def run_server(rate: float) -> ScenarioRun:
        return run_named("Server", f"Server-{rate:.1f}", rate)

    runs = [run_named(each, each, settings.rate) for each in SCENARIOS if each != "Server"]
    rate, server_runs = search_highest_rate(run_server, max_server_rate, settings.keeps_bound)
    return rate, [*runs, *server_runs]


def read_summary(settings: ScenarioSettings) -> ScenarioRun:
    """Read the summary among LoadGen's logs."""
    lines = (settings.logs / SUMMARY).read_text(encoding="utf-8").splitlines()
    values = {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    latencies = {
        name.split()[0]: float(value) / NANOSECONDS_PER_MS
        for name, value in values.items()
        if name.endswith("percentile latency (ns)") and "th" not in name.split()[0]
    }
    rates = [values[name] for name in ("Samples per second", "Completed samples per second") if name in values]
    return ScenarioRun(
        name=settings.scenario,
        valid=values["Result is"] == "VALID",
        offered_rate=settings.rate if settings.scenario == "Server" else None,
        latency_ms=latencies,
        images_per_second=float(rates[0]) if rates else None,
        logs="/".join(settings.logs.parts[-3:]),
    )


def _do_nothing(*_: object) -> None:
    pass


def _test_settings(loadgen: Any, settings: ScenarioSettings) -> Any:
    result = loadgen.TestSettings()
    result.scenario = getattr(loadgen.TestScenario, settings.scenario)
    result.mode = loadgen.TestMode.PerformanceOnly
    result.min_duration_ms = int(1000 * settings.seconds)
    result.min_query_count = MIN_QUERIES[settings.scenario] if settings.is_full else 1
    result.multi_stream_samples_per_query = MAX_BATCH
    # LoadGen generates its queries in advance; expecting twice the speed, it never runs out of them.
    result.single_stream_expected_latency_ns = int(0.5 / settings.rate * NANOSECONDS_PER_SECOND)
    result.multi_stream_expected_latency_ns = int(0.5 * MAX_BATCH / settings.rate * NANOSECONDS_PER_SECOND)
    result.offline_expected_qps = settings.rate
    result.server_target_qps = settings.rate
    result.server_target_latency_ns = int(settings.latency_bound_ms * NANOSECONDS_PER_MS)
    result.server_target_latency_percentile = 0.99
    return result


def _log_settings(loadgen: Any, folder: Path) -> Any:
    output = loadgen.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    result = loadgen.LogSettings()
    result.log_output = output
    result.enable_trace = False
    return result
