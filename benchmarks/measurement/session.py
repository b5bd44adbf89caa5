"""Cases that are measured side by side: every round samples each, in random order, so that drift affects all."""

import contextlib
import dataclasses
import logging
import random
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from benchmarks.cases import pick_control
from benchmarks.config import BenchmarkConfig
from benchmarks.measurement import gpu_telemetry, peak_compute, requests
from benchmarks.measurement.end_to_end import Method
from benchmarks.measurement.peak_compute import PeakKernel
from benchmarks.measurement.samples import PeakSamples, Samples
from benchmarks.measurement.worker import LoadedCase, Worker, load_case
from temper.cli.progress import ProgressCallback, no_progress
from temper.errors import UserError

LOGGER = logging.getLogger("temper.benchmarks")
SEED = 0
MIN_ROUNDS, THROUGHPUT_BLOCKS, END_TO_END_RUNS = 10, 16, 5
# A slow case is called once in a block; a fast one as often as fits, so that its p99 has samples too.
BLOCK_SECONDS, MAX_BLOCK_CALLS = 0.05, 20
UNLIMITED_CALLS = 10**9
WINDOW_CALLS, STABLE_WINDOWS, MAX_WINDOWS, STABLE_SPREAD = 5, 3, 12, 0.10
P = ParamSpec("P")
T = TypeVar("T")


class BenchmarkSession:
    """One warm process for each case, of which one at a time works; a context manager.

    images: see load_case. A case that cannot be opened, or whose process dies, is skipped.
    peaks: kernels that take part in the latency rounds. gpu_states: after each round, where there is a GPU.
    """

    def __init__(
        self,
        samples: list[Samples],
        images: Mapping[int, Path],
        config: BenchmarkConfig,
        peaks: list[PeakSamples] | None = None,
        progress: ProgressCallback = no_progress,
    ) -> None:
        self._samples, self._images, self._config, self._progress = samples, images, config, progress
        self._workers: dict[Samples, Worker[LoadedCase]] = {}
        self._peaks = peaks or []
        self._peak_workers: list[tuple[PeakSamples, Worker[PeakKernel]]] = []
        self._opened = contextlib.ExitStack()
        self._random = random.Random(SEED)
        self.gpu_states: list[dict[str, str]] = []

    def __enter__(self) -> "BenchmarkSession":
        # Also when Ctrl-C interrupts: the processes that are open end.
        with contextlib.ExitStack() as self._opened:
            self._progress("opening cases", 0, len(self._samples))
            for i, samples in enumerate(self._samples):
                self._open(samples, self._config.cold_starts)
                self._progress("opening cases", i + 1, len(self._samples))
            for peak in self._peaks:
                # Without ONNX Runtime there is no peak to compare with.
                with contextlib.suppress(UserError):
                    worker = Worker(f"the {peak.precision} kernel", partial(peak_compute.load_kernel, peak.precision))
                    self._opened.enter_context(contextlib.closing(worker))
                    self._peak_workers.append((peak, worker))
            self._opened = self._opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def open_control(self) -> tuple[Samples, Samples] | None:
        """Open a second process of one of the cases that run (A/A control).

        Returns the samples of the case and those of its second process; None when no case runs.
        """
        by_case = {samples.case: samples for samples in self.cases()}
        if not by_case:
            return None
        case = pick_control(list(by_case))
        control = Samples(
            case=dataclasses.replace(case, name=f"A/A control ({case.name})", is_control=True),
            open_runner=by_case[case].open_runner,
        )
        step = f"opening the A/A control, a second process of {case.name}"
        self._progress(step, 0, 1)
        self._open(control, cold_starts=1)
        self._progress(step, 1, 1)
        return by_case[case], control

    def predict(self) -> None:
        """Probabilities of all images, from every case but the control."""
        cases = self.cases()
        for i, samples in enumerate(cases):
            samples.probabilities = self.call(samples, requests.predict_all)
            self._progress("predicting all images with cases", i + 1, len(cases))

    def warm_up(self) -> None:
        """Call each case until the medians of three windows of calls differ by 10 % at most; note whether they do."""
        running = self._running()
        for i, samples in enumerate(running):
            samples.stable = self._becomes_stable(samples)
            self._progress("warming up cases and the A/A control", i + 1, len(running))

    def measure_latency(self) -> None:
        """Rounds of sample blocks: one call of each case, or as many as fit into a twentieth of a second."""
        start = time.monotonic()
        seconds = self._config.seconds * (len(self._running()) + len(self._peak_workers))
        rounds = expected = 0
        while rounds < MIN_ROUNDS or time.monotonic() < start + seconds:
            blocks: list[Callable[[], None]] = [partial(self._latency_block, each) for each in self._running()]
            blocks += [partial(self._peak_block, peak, worker) for peak, worker in self._peak_workers]
            for measure in self._shuffled(blocks):
                measure()
            self.gpu_states.append(gpu_telemetry.gpu_state())
            rounds += 1
            self._log_round(rounds)
            expected = expected or max(MIN_ROUNDS, round(seconds / (time.monotonic() - start)))
            self._progress("latency rounds", min(rounds, expected - 1), expected)
        self._progress("latency rounds", rounds, rounds)

    def measure_throughput(self) -> None:
        """Sample blocks of calls without a pause, at every batch size."""
        for number in range(THROUGHPUT_BLOCKS):
            for batch in self._shuffled(list(self._config.batch_sizes)):
                seconds = self._config.seconds / THROUGHPUT_BLOCKS
                for samples in self._shuffled(self._running()):
                    calls = self.call(samples, requests.time_block, batch, UNLIMITED_CALLS, seconds)
                    samples.throughput.setdefault(batch, []).extend([calls] if calls else [])
                self.gpu_states.append(gpu_telemetry.gpu_state())
            self._progress("throughput rounds", number + 1, THROUGHPUT_BLOCKS)

    def label_files(self, file_sets: dict[str, list[Path]]) -> None:
        """From files to labels: every case overlapped, and Keras `predict` also one by one, as in its tutorials."""
        for number in range(END_TO_END_RUNS):
            for title, paths in file_sets.items():
                for samples in self._shuffled(self.cases()):
                    methods: list[Method] = ["overlapped"]
                    methods += ["one by one"] if samples.case.is_tutorial else []
                    for method in methods:
                        run = self.call(samples, requests.label_files, paths, method)
                        samples.end_to_end.setdefault((title, method), []).extend([run] if run else [])
            self._progress("end-to-end rounds", number + 1, END_TO_END_RUNS)

    def measure_memory(self) -> None:
        """The largest resident memory of each process, and the GPU memory that it holds."""
        for samples in self._running():
            samples.peak_rss_mib, samples.gpu_mib = self.call(samples, requests.memory_mib) or (None, None)

    def cases(self) -> list[Samples]:
        """The cases that run, without the control."""
        return [samples for samples in self._running() if not samples.case.is_control]

    def call(
        self, samples: Samples, function: Callable[Concatenate[LoadedCase, P], T], *args: P.args, **named: P.kwargs
    ) -> T | None:
        """Call in the process of a case; None when that fails: from then on the case is skipped."""
        if samples.skipped:
            return None
        try:
            return self._workers[samples].call(function, *args, **named)
        except UserError as error:
            samples.skip(error)
            return None

    def worker(self, samples: Samples) -> Worker[LoadedCase]:
        """The process of a case."""
        return self._workers[samples]

    def _open(self, samples: Samples, cold_starts: int) -> None:
        try:
            for i in range(cold_starts):
                worker = Worker(samples.name, partial(load_case, samples.open_runner, self._images))
                self._opened.enter_context(contextlib.closing(worker))
                ready_at, samples.info = worker.call(requests.describe)
                samples.cold_start_seconds.append(ready_at - worker.started_at)
                if i < cold_starts - 1:
                    worker.close()
            self._workers[samples] = worker
        except UserError as error:
            samples.skip(error)

    def _becomes_stable(self, samples: Samples) -> bool:
        medians: list[float] = []
        for _ in range(MAX_WINDOWS):
            seconds = self.call(samples, requests.warm_up, 1, WINDOW_CALLS)
            if seconds is None:
                return False
            medians.append(statistics.median(seconds))
            last = medians[-STABLE_WINDOWS:]
            if len(last) == STABLE_WINDOWS and max(last) <= (1 + STABLE_SPREAD) * min(last):
                LOGGER.debug("%s: the latency is stable after %d calls", samples.name, WINDOW_CALLS * len(medians))
                return True
        LOGGER.warning("%s: the latency did not become stable in %d calls", samples.name, WINDOW_CALLS * MAX_WINDOWS)
        return False

    def _latency_block(self, samples: Samples) -> None:
        calls = self.call(samples, requests.time_block, 1, MAX_BLOCK_CALLS, BLOCK_SECONDS)
        samples.latency += [calls] if calls else []
        if samples.is_on_device:
            network = self.call(samples, requests.time_block_on_device, 1, MAX_BLOCK_CALLS, BLOCK_SECONDS)
            samples.network += [network] if network else []

    def _log_round(self, number: int) -> None:
        if LOGGER.isEnabledFor(logging.DEBUG):
            medians = (f"{s.name} {1000 * statistics.median(s.latency[-1].wall_seconds):.3f}" for s in self._running())
            LOGGER.debug("latency round %d, medians in ms: %s", number, ", ".join(medians))

    def _peak_block(self, peak: PeakSamples, worker: Worker[PeakKernel]) -> None:
        with contextlib.suppress(UserError):
            peak.seconds.append(worker.call(peak_compute.fastest_call, MAX_BLOCK_CALLS, BLOCK_SECONDS))

    def _running(self) -> list[Samples]:
        return [samples for samples in self._workers if not samples.skipped]

    def _shuffled(self, items: list[T]) -> list[T]:
        return self._random.sample(items, len(items))
