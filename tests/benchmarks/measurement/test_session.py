"""Sessions with runners whose behaviour is known, in real processes."""

import itertools
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.analysis.statistics import paired_ratio
from benchmarks.measurement.samples import Measured, Plan
from benchmarks.measurement.session import BLOCKS, LEAST_ROUNDS, Session
from benchmarks.measurement.worker_process import become_still, time_calls
from temper.card import Card
from temper.errors import MissingRuntime
from temper.runners.base import Images, Probabilities, Runner
from temper.system.child_process import run_in_child

pytestmark = pytest.mark.programs
PLAN = Plan(0.1, (1, 4), 2, {}, Path(), 0.0, 0.1)


class Sleeping(Runner):
    """Answers after so many seconds; dies at the given call."""

    def __init__(self, seconds: float, dies_at: int = 0) -> None:
        self._seconds, self._dies_at, self._calls = seconds, dies_at, 0
        super().__init__(Path("sleeping"), Card(("a", "b"), 2))

    def facts(self) -> Mapping[str, str]:
        return {"executed": "fp32"}

    def _load(self) -> None:
        pass

    def _run(self, images: Images) -> Probabilities:
        self._calls += 1
        if self._calls == self._dies_at:
            os._exit(7)
        time.sleep(self._seconds)
        return np.zeros((len(images), 2), dtype=np.float32)


class Copying(Sleeping):
    """Half of a call's time goes into copies."""

    copies = True

    def facts(self) -> Mapping[str, str]:
        return {"executed": "fp32", "device": "a GPU"}

    def compute(self, n: int) -> None:
        time.sleep(self._seconds / 2)


class Trying(Sleeping):
    """Is tried in a child process first, as a plan from elsewhere is."""

    def _load(self) -> None:
        run_in_child(os.getpid)


def refuse() -> Runner:
    raise MissingRuntime("no such runtime here.\nInstall it.")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pictures") / "pictures.npy"
    np.save(path, np.zeros((5, 2, 2, 3), dtype=np.uint8))
    return path


def test_twice_as_slow_is_measured_as_twice_and_a_missing_runtime_stops_nobody(pictures: Path) -> None:
    fast, slow = (Measured(str(s), partial(Sleeping, s)) for s in (0.005, 0.01))
    missing = Measured("missing", refuse)
    with Session([fast, missing, slow], pictures, PLAN, lambda _: None) as session:
        session.warm_up()
        session.latency()
        session.throughput()
    assert missing.skipped == "no such runtime here."
    assert len(fast.latency) == len(slow.latency) >= LEAST_ROUNDS
    medians = [[float(np.median(calls.wall_seconds)) for calls in each.latency] for each in (slow, fast)]
    assert paired_ratio(*medians).value == pytest.approx(2, rel=0.1)
    assert {batch: len(blocks) for batch, blocks in fast.throughput.items()} == {1: BLOCKS, 4: BLOCKS}
    assert fast.stable
    # A sleeping call costs no processor: wall and CPU seconds are told apart.
    assert max(seconds for calls in fast.latency for seconds in calls.cpu_seconds) < 0.005


def test_where_there_are_copies_the_network_is_timed_without_them_too(pictures: Path) -> None:
    copying, plain = Measured("copying", partial(Copying, 0.01)), Measured("plain", partial(Sleeping, 0.01))
    with Session([copying, plain], pictures, PLAN, lambda _: None) as session:
        session.latency()
    assert not plain.network
    assert len(copying.network) == len(copying.latency)
    medians = [[float(np.median(calls.wall_seconds)) for calls in c] for c in (copying.latency, copying.network)]
    assert paired_ratio(*medians).value == pytest.approx(2, rel=0.1)


def test_a_process_that_dies_in_the_midst_is_named_and_the_others_go_on(pictures: Path) -> None:
    sound, dying = Measured("sound", partial(Sleeping, 0.001)), Measured("dying", partial(Sleeping, 0.001, 30))
    with Session([dying, sound], pictures, PLAN, lambda _: None) as session:
        session.warm_up()
        session.latency()
    assert dying.skipped.startswith("the process of dying died (exit code 7)")
    assert not sound.skipped
    assert len(sound.latency) >= LEAST_ROUNDS


def test_calls_walk_through_the_pictures_and_stop_at_the_time_or_the_number() -> None:
    images = np.arange(5, dtype=np.uint8).reshape(5, 1, 1, 1).repeat(3, axis=3)
    seen: list[int] = []
    found = time_calls(lambda part: seen.extend(part[:, 0, 0, 0].tolist()), images, 2, 10, float("inf"))
    assert len(found.wall_seconds) == 10
    assert sorted(set(seen)) == [0, 1, 2, 3, 4]
    assert all((b - a) % 5 == 1 for a, b in itertools.pairwise(seen))
    assert len(time_calls(lambda part: time.sleep(0.01), images, 1, 100, 0.025).wall_seconds) == 3
    assert found.total_seconds >= sum(found.wall_seconds)


def test_a_row_may_start_a_process_of_its_own(pictures: Path) -> None:
    found = Measured("trying", partial(Trying, 0.001))
    with Session([found], pictures, PLAN, lambda _: None):
        assert not found.skipped


def test_a_process_hands_over_only_when_its_threads_are_still(monkeypatch: pytest.MonkeyPatch) -> None:
    # Processor seconds as a clock tells them: busy in three windows, then still.
    spent = iter([0.0, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 9.9])
    monkeypatch.setattr("benchmarks.measurement.worker_process.time.process_time", lambda: next(spent))
    monkeypatch.setattr("benchmarks.measurement.worker_process.STILL_LIMIT_SECONDS", 60)
    become_still()
    assert next(spent) == 9.9
