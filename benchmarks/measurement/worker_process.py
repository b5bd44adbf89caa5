"""What happens in a row's own process: calls are timed where they are made, and questions come through a pipe."""

import dataclasses
import os
import resource
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from benchmarks.measurement import gpu_telemetry as nvidia
from temper.errors import MissingRuntime, UserError
from temper.runners.base import Images, Probabilities, Runner

ANSWERED_TOGETHER = 8
# Threads of a pool spin for a while after a call (36 ms in ONNX Runtime 1.32) and would slow the next row down.
STILL_SECONDS, STILL_CPU_SECONDS, STILL_LIMIT_SECONDS = 0.004, 0.0004, 0.25
LEAD_IN_SECONDS = 0.01


@dataclass(frozen=True)
class Calls:
    """Calls one after the other: wall and CPU seconds of each, and the wall seconds of all with what lies between.

    joules: what the GPU used meanwhile; None where it cannot be told.
    """

    batch: int
    wall_seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    total_seconds: float
    joules: float | None = None


class Served:
    """A loaded runner and the pictures it is asked; every public method is a question."""

    def __init__(self, runner: Runner, images: Images) -> None:
        self._runner = runner
        self._images = images

    def warm_up(self, batch: int, window: int) -> list[float]:
        """Wall seconds of so many calls."""
        return list(time_calls(self._runner.predict, self._images, batch, window, float("inf")).wall_seconds)

    def turn(self, batch: int, most: int, seconds: float) -> Calls:
        """Time calls for about so many seconds, at least one; untimed ones before bring caches and threads back."""
        time_calls(self._runner.predict, self._images, batch, most, LEAD_IN_SECONDS)
        before = nvidia.joules()
        calls = time_calls(self._runner.predict, self._images, batch, most, seconds)
        after = nvidia.joules()
        become_still()
        return calls if before is None or after is None else dataclasses.replace(calls, joules=after - before)

    def turn_without_copies(self, batch: int, most: int, seconds: float) -> Calls | None:
        """The same, with the pictures on the device before the clock starts; None where nothing is copied."""
        if not self._runner.copies:
            return None
        time_calls(self._compute, self._images, batch, most, LEAD_IN_SECONDS)
        calls = time_calls(self._compute, self._images, batch, most, seconds)
        become_still()
        return calls

    def answers(self) -> Probabilities:
        """Probabilities of all pictures, in batches; the rest one by one, since XLA compiles every new batch size."""
        whole = len(self._images) // ANSWERED_TOGETHER * ANSWERED_TOGETHER
        starts = [*range(0, whole, ANSWERED_TOGETHER), *range(whole, len(self._images))]
        ends = [*starts[1:], len(self._images)]
        return np.concatenate(
            [self._runner.predict(np.array(self._images[a:b])) for a, b in zip(starts, ends, strict=True)]
        )

    def label_files(self, paths: list[Path], as_plain_keras: bool) -> object:
        """From files to labels: see benchmarks.measurement.end_to_end."""
        from benchmarks.measurement import end_to_end

        label = end_to_end.label_one_by_one if as_plain_keras else end_to_end.label_overlapped
        passage = label(self._runner, paths)
        become_still()
        return passage

    def scenario(self, settings: object) -> object:
        """A scenario of MLPerf's LoadGen: see benchmarks.measurement.mlperf."""
        from benchmarks.measurement import mlperf as loadgen

        assert isinstance(settings, loadgen.Settings)
        return loadgen.run(self._runner.predict, self._images, settings)

    def peak_mib(self) -> float:
        """Largest resident memory of this process so far."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    def gpu_mib(self) -> float | None:
        """GPU memory that this process holds; None where it cannot be told."""
        return nvidia.memory_mib(os.getpid())

    def _compute(self, images: Images) -> None:
        self._runner.compute(len(images))


def serve(pipe: Connection, opened: Callable[[], Runner], first: Images) -> None:
    """Open the runner, answer one picture, then questions until the pipe closes."""
    # Ctrl-C reaches the whole group; the parent closes the pipe and says what there is to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        runner = opened()
        runner.predict(first)
    except UserError as error:
        pipe.send((type(error) if isinstance(error, MissingRuntime) else UserError, str(error)))
        return
    pipe.send((None, (time.monotonic(), dict(runner.facts()))))
    with runner:
        try:
            # Shared with the other processes; a plain array, since numpy's memmap makes every slice slow.
            served = Served(runner, np.asarray(np.load(pipe.recv(), mmap_mode="r")))
            while True:
                question, arguments = pipe.recv()
                try:
                    pipe.send((None, getattr(served, question)(*arguments)))
                except UserError as error:
                    pipe.send((UserError, str(error)))
        except EOFError:
            return


def time_calls(predict: Callable[[Images], object], images: Images, batch: int, most: int, seconds: float) -> Calls:
    """Call with batches of the pictures in turn, at least once, at most `most` times, for about so many seconds."""
    wall: list[float] = []
    cpu: list[float] = []
    begun = time.perf_counter()
    at = int(begun * 1000) % len(images)
    while not wall or (len(wall) < most and time.perf_counter() - begun < seconds):
        # A slice costs nothing; only the turn from the last picture to the first is put together, before the clock.
        part = images[at : at + batch]
        if len(part) < batch:
            part = images.take(range(at, at + batch), axis=0, mode="wrap")
        at = (at + batch) % len(images)
        cpu_before, before = time.process_time(), time.perf_counter()
        predict(part)
        wall.append(time.perf_counter() - before)
        cpu.append(time.process_time() - cpu_before)
    return Calls(batch, tuple(wall), tuple(cpu), time.perf_counter() - begun)


def become_still() -> None:
    """Wait until this process uses no processor any more, or for a quarter of a second."""
    until = time.perf_counter() + STILL_LIMIT_SECONDS
    while time.perf_counter() < until:
        before = time.process_time()
        time.sleep(STILL_SECONDS)
        if time.process_time() - before < STILL_CPU_SECONDS:
            return
