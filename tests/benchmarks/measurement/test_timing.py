import itertools
import time

import numpy as np
import pytest

from benchmarks.measurement.timing import time_calls, wait_until_idle

IMAGES = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, axis=3)


def test_calls_go_through_all_images_and_stop_at_the_number() -> None:
    seen: list[int] = []
    calls = time_calls(lambda part: seen.extend(part[:, 0, 0, 0].tolist()), IMAGES, 2, 10)
    assert (len(calls.wall_seconds), calls.images) == (10, 20)
    assert sorted(set(seen)) == [0, 1, 2, 3, 4]
    assert all((b - a) % 5 == 1 for a, b in itertools.pairwise(seen))
    assert calls.total_seconds >= sum(calls.wall_seconds)


def test_calls_stop_after_the_time_but_there_is_at_least_one() -> None:
    assert 1 <= len(time_calls(lambda part: time.sleep(0.01), IMAGES, 1, 100, 0.025).wall_seconds) <= 3
    assert len(time_calls(lambda part: None, IMAGES, 1, 100, 0.0).wall_seconds) == 1


def test_a_sleeping_call_costs_no_processor_time() -> None:
    calls = time_calls(lambda part: time.sleep(0.01), IMAGES, 1, 3)
    assert min(calls.wall_seconds) >= 0.01
    assert all(cpu < wall for cpu, wall in zip(calls.cpu_seconds, calls.wall_seconds, strict=True))


def test_a_process_waits_until_its_threads_are_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    # Processor seconds: busy in three windows, then idle.
    clock = iter([0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 9.9])
    monkeypatch.setattr("benchmarks.measurement.timing.time.process_time", lambda: next(clock))
    monkeypatch.setattr("benchmarks.measurement.timing.MAX_IDLE_WAIT_SECONDS", 60)
    wait_until_idle()
    assert next(clock) == 9.9
