"""The scenarios of MLPerf Inference, run by MLCommons' own LoadGen, whose logs are kept.

SingleStream: the next picture when the last is answered. MultiStream: eight at a time. Offline: all at once.
Server: pictures arrive at random (Poisson) and wait in a queue; the rate counts that keeps its p99 within the bound.
"""

import importlib
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from temper.errors import MissingRuntime
from temper.runners.base import Images, Probabilities

Scenario = Literal["SingleStream", "MultiStream", "Server", "Offline"]
SCENARIOS: tuple[Scenario, ...] = get_args(Scenario)
INSTALL = "pip install mlcommons-loadgen"
ANSWERED_TOGETHER = 8
NANO = 1e-9


@dataclass(frozen=True)
class Settings:
    """One run. rate: pictures a second that are offered (Server) or expected (the others). bound: of Server's p99."""

    scenario: Scenario
    logs: Path
    seconds: float
    rate: float = 1.0
    bound_seconds: float = 0.1


@dataclass(frozen=True)
class Outcome:
    """What LoadGen's summary says. latencies by percentile ("50.00"); valid: it found the run long and good enough."""

    settings: Settings
    valid: bool
    latency_seconds: dict[str, float]
    images_per_second: float | None

    @property
    def held(self) -> bool:
        """True when the p99 that LoadGen measured stays within the bound."""
        return self.latency_seconds["99.00"] <= self.settings.bound_seconds


def run(predict: Callable[[Images], Probabilities], images: Images, settings: Settings) -> Outcome:
    """Run a scenario in this process. Raises MissingRuntime when LoadGen is not installed."""
    try:
        lg = importlib.import_module("mlperf_loadgen")
    except ModuleNotFoundError:
        raise MissingRuntime(f"LoadGen, which runs MLPerf's scenarios, is not installed:\n    {INSTALL}") from None
    settings.logs.mkdir(parents=True, exist_ok=True)
    waiting: queue.Queue[Any] = queue.Queue()
    failed: list[Exception] = []
    answering = threading.Thread(target=_answer, args=(lg, _guarded(predict, failed), images, waiting), daemon=True)
    answering.start()
    system = lg.ConstructSUT(lambda samples: _queue(waiting, samples), lambda: None)
    library = lg.ConstructQSL(len(images), len(images), lambda indices: None, lambda indices: None)
    try:
        lg.StartTestWithLogSettings(system, library, _test_settings(lg, settings), _log_settings(lg, settings.logs))
    finally:
        waiting.put(None)
        answering.join()
        lg.DestroyQSL(library)
        lg.DestroySUT(system)
    if failed:
        raise failed[0]
    return read_summary(settings)


def highest_rate(run_at: Callable[[float], Outcome], most: float, steps: int = 5) -> tuple[float, list[Outcome]]:
    """The highest offered rate in pictures a second, at most `most`, that is held (0: none), and all that was tried."""
    low, high, tried = 0.0, most, []
    for _ in range(steps):
        tried.append(run_at((low + high) / 2))
        if tried[-1].held:
            low = tried[-1].settings.rate
        else:
            high = tried[-1].settings.rate
    return low, tried


def read_summary(settings: Settings) -> Outcome:
    """Read mlperf_log_summary.txt."""
    lines = (settings.logs / "mlperf_log_summary.txt").read_text(encoding="utf-8").splitlines()
    said = {name.strip(): value.strip() for name, colon, value in (line.partition(":") for line in lines) if colon}
    latencies = {
        name.split()[0]: NANO * float(value)
        for name, value in said.items()
        if name.endswith("percentile latency (ns)") and "th" not in name.split()[0]
    }
    rates = [said[name] for name in ("Samples per second", "Completed samples per second") if name in said]
    return Outcome(settings, said["Result is"] == "VALID", latencies, float(rates[0]) if rates else None)


def _guarded(predict: Callable[[Images], Probabilities], failed: list[Exception]) -> Callable[[Images], Probabilities]:
    """Answers in any case, since LoadGen waits for ever for what stays unanswered; keeps what went wrong."""

    def answer(images: Images) -> Probabilities:
        try:
            if not failed:
                return predict(images)
        except Exception as error:
            failed.append(error)
        return np.zeros((len(images), 1), np.float32)

    return answer


def _queue(waiting: "queue.Queue[Any]", samples: list[Any]) -> None:
    for sample in samples:
        waiting.put(sample)


def _answer(lg: Any, predict: Callable[[Images], Probabilities], images: Images, waiting: "queue.Queue[Any]") -> None:
    sample = waiting.get()
    while sample is not None:
        samples = [sample]
        while len(samples) < ANSWERED_TOGETHER and not waiting.empty():
            samples.append(waiting.get())
        ended = samples[-1] is None
        samples = samples[:-1] if ended else samples
        labels = predict(images[[each.index for each in samples]]).argmax(axis=1).astype(np.int32)
        at = labels.ctypes.data
        lg.QuerySamplesComplete(
            [
                lg.QuerySampleResponse(each.id, at + i * labels.itemsize, labels.itemsize)
                for i, each in enumerate(samples)
            ]
        )
        sample = None if ended else waiting.get()


def _test_settings(lg: Any, settings: Settings) -> Any:
    chosen = lg.TestSettings()
    chosen.scenario = getattr(lg.TestScenario, settings.scenario)
    chosen.mode = lg.TestMode.PerformanceOnly
    chosen.min_duration_ms = int(1000 * settings.seconds)
    chosen.min_query_count = 1
    chosen.multi_stream_samples_per_query = ANSWERED_TOGETHER
    # LoadGen draws its queries ahead; expecting twice the speed, it never runs out of them.
    chosen.single_stream_expected_latency_ns = int(0.5 / settings.rate / NANO)
    chosen.multi_stream_expected_latency_ns = int(0.5 * ANSWERED_TOGETHER / settings.rate / NANO)
    chosen.offline_expected_qps = settings.rate
    chosen.server_target_qps = settings.rate
    chosen.server_target_latency_ns = int(settings.bound_seconds / NANO)
    chosen.server_target_latency_percentile = 0.99
    return chosen


def _log_settings(lg: Any, folder: Path) -> Any:
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    output.copy_summary_to_stdout = False
    chosen = lg.LogSettings()
    chosen.log_output = output
    chosen.enable_trace = False
    return chosen
