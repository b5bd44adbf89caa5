"""Timed calls."""

import time
from collections.abc import Callable

from msgspec import Struct

from temper.runners.base import Images

# Threads of a pool spin for a while after a call (36 ms in ONNX Runtime 1.32) and would slow the next case down.
IDLE_WINDOW_SECONDS, IDLE_CPU_SECONDS, MAX_IDLE_WAIT_SECONDS = 0.004, 0.0004, 0.25
UNLIMITED = float("inf")


class Calls(Struct, frozen=True, kw_only=True):
    """Calls one after the other: wall and CPU seconds of each, and wall seconds of all with what lies between.

    joules: energy that the GPU used meanwhile; None where it is unknown.
    """

    batch: int
    wall_seconds: tuple[float, ...]
    cpu_seconds: tuple[float, ...]
    total_seconds: float
    joules: float | None = None

    @property
    def images(self) -> int:
        """The number of images in all calls."""
        return self.batch * len(self.wall_seconds)


def time_calls(
    run: Callable[[Images], object], images: Images, batch: int, max_calls: int, seconds: float = UNLIMITED
) -> Calls:
    """Call with one batch of images after the other, for about `seconds`: at least once, at most `max_calls` times."""
    wall: list[float] = []
    cpu: list[float] = []
    start = time.perf_counter()
    position = int(start * 1000) % len(images)
    while not wall or (len(wall) < max_calls and time.perf_counter() - start < seconds):
        # A slice costs nothing; only a batch that wraps around is copied, before the clock starts.
        part = images[position : position + batch]
        if len(part) < batch:
            part = images.take(range(position, position + batch), axis=0, mode="wrap")
        position = (position + batch) % len(images)
        cpu_before, before = time.process_time(), time.perf_counter()
        run(part)
        wall.append(time.perf_counter() - before)
        cpu.append(time.process_time() - cpu_before)
    total = time.perf_counter() - start
    return Calls(batch=batch, wall_seconds=tuple(wall), cpu_seconds=tuple(cpu), total_seconds=total)


def wait_until_idle() -> None:
    """Wait until this process uses no processor time, for a quarter of a second at most."""
    deadline = time.perf_counter() + MAX_IDLE_WAIT_SECONDS
    while time.perf_counter() < deadline:
        before = time.process_time()
        time.sleep(IDLE_WINDOW_SECONDS)
        if time.process_time() - before < IDLE_CPU_SECONDS:
            return
