"""Sessions with runners whose behavior is known, in real processes."""

import dataclasses
import logging
import os
import re
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.analysis.statistics import paired_ratio
from benchmarks.cases import Case
from benchmarks.config import BenchmarkConfig
from benchmarks.measurement.samples import PeakSamples, Samples
from benchmarks.measurement.session import MIN_ROUNDS, THROUGHPUT_BLOCKS, BenchmarkSession
from benchmarks.measurement.timing import Calls
from temper.artifact import Artifact
from temper.card import Card
from temper.errors import MissingRuntime
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo
from temper.system.child_process import run_in_child

pytestmark = pytest.mark.programs
CONFIG = BenchmarkConfig(seconds=0.1, batch_sizes=(1, 4), cold_starts=1)
ARTIFACT = Artifact.with_card(Path("model.onnx"), Card(labels=("a", "b"), size=2))
LARGER = Artifact.with_card(Path("larger.onnx"), Card(labels=("a", "b"), size=3))


class SleepingRunner(Runner):
    """Predicts after so many seconds; dies at the given call."""

    described = ARTIFACT

    def __init__(self, seconds: float, dies_at: int = 0) -> None:
        self._seconds, self._dies_at, self._calls = seconds, dies_at, 0
        super().__init__(self.described)

    def runtime_info(self) -> RuntimeInfo:
        return RuntimeInfo(runtime="sleep", device="a GPU" if self.has_device_copies else "CPU", executed="fp32")

    def _load(self) -> None:
        pass

    def _run(self, images: Images) -> Probabilities:
        self._calls += 1
        if self._calls == self._dies_at:
            os._exit(7)
        time.sleep(self._seconds)
        return np.full((len(images), 2), 0.5, dtype=np.float32)


class CopyingRunner(SleepingRunner):
    """Half of a call's time goes into copies."""

    has_device_copies = True

    def run_on_device(self, n: int) -> None:
        time.sleep(self._seconds / 2)


class LargerRunner(SleepingRunner):
    """Takes larger images, as another model does."""

    described = LARGER


class ProbingRunner(SleepingRunner):
    """Starts a child process first, as a plan from another machine does."""

    def _load(self) -> None:
        run_in_child(os.getpid)


def missing() -> Runner:
    raise MissingRuntime("there is no such runtime here", fix="Install it.")


def sleeping(seconds: float, dies_at: int = 0, kind: type[SleepingRunner] = SleepingRunner) -> Samples:
    return Samples(case=Case(name=str(seconds), artifact=ARTIFACT), open_runner=partial(kind, seconds, dies_at))


def medians(blocks: list[Calls]) -> list[float]:
    return [float(np.median(calls.wall_seconds)) for calls in blocks]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("images")
    paths = {size: folder / f"images-{size}.npy" for size in (2, 3)}
    for size, path in paths.items():
        np.save(path, np.zeros((5, size, size, 3), dtype=np.uint8))
    return paths


def test_ten_times_as_slow_is_measured_as_slower_and_a_missing_runtime_stops_no_other(images: dict[int, Path]) -> None:
    fast, slow = sleeping(0.002), sleeping(0.02)
    absent = Samples(case=Case(name="absent", artifact=ARTIFACT), open_runner=missing)
    peak = PeakSamples(precision="int8")
    steps: list[tuple[str, int, int]] = []
    twice = dataclasses.replace(CONFIG, cold_starts=2)
    with BenchmarkSession(
        [fast, absent, slow], images, twice, [peak], lambda step, done, total: steps.append((step, done, total))
    ) as session:
        session.predict()
        session.warm_up()
        session.measure_latency()
        session.measure_throughput()
        session.measure_memory()
    assert absent.skipped == "there is no such runtime here"
    assert len(fast.latency) == len(slow.latency) == len(peak.seconds) >= MIN_ROUNDS
    assert paired_ratio(medians(slow.latency), medians(fast.latency)).value > 2
    assert {batch: len(blocks) for batch, blocks in fast.throughput.items()} == {
        1: THROUGHPUT_BLOCKS, 4: THROUGHPUT_BLOCKS,
    }  # fmt: skip
    assert fast.probabilities is not None and fast.probabilities.shape == (5, 2)
    assert len(fast.cold_start_seconds) == 2 and min(fast.cold_start_seconds) > 0
    assert fast.peak_rss_mib and fast.info and fast.info.runtime == "sleep"
    names = dict.fromkeys(step for step, _, _ in steps)
    assert list(names) == [
        "opening cases", "predicting all images with cases", "warming up cases and the A/A control", "latency rounds",
        "throughput rounds",
    ]  # fmt: skip
    # Each step ends once, with all of its items.
    assert [sum(step == name and done == total for step, done, total in steps) for name in names] == [1] * 5


def test_where_there_are_copies_the_network_is_timed_without_them_too(images: dict[int, Path]) -> None:
    copying, plain = sleeping(0.01, kind=CopyingRunner), sleeping(0.01)
    with BenchmarkSession([copying, plain], images, CONFIG) as session:
        session.measure_latency()
    assert not plain.network
    assert len(copying.network) == len(copying.latency)
    assert paired_ratio(medians(copying.latency), medians(copying.network)).value > 1


def test_a_process_that_dies_is_named_and_the_others_go_on(images: dict[int, Path]) -> None:
    sound, dying = sleeping(0.001), sleeping(0.002, dies_at=30)
    with BenchmarkSession([dying, sound], images, CONFIG) as session:
        session.warm_up()
        session.measure_latency()
    assert dying.skipped.startswith("the process of 0.002 died (exit code 7)")
    assert not sound.skipped
    assert len(sound.latency) >= MIN_ROUNDS


def test_artifacts_of_models_with_other_input_sizes_are_measured_in_the_same_rounds(images: dict[int, Path]) -> None:
    cases = small, larger = sleeping(0.001), sleeping(0.001, kind=LargerRunner)
    with BenchmarkSession([*cases], images, CONFIG) as session:
        session.predict()
        session.measure_latency()
    assert [each.skipped for each in cases] == ["", ""]
    assert len(small.latency) == len(larger.latency) >= MIN_ROUNDS
    assert larger.probabilities is not None and larger.probabilities.shape == (5, 2)


def test_a_case_may_start_a_process_of_its_own(images: dict[int, Path]) -> None:
    probing = sleeping(0.001, kind=ProbingRunner)
    with BenchmarkSession([probing], images, CONFIG):
        assert not probing.skipped


def test_the_control_is_a_case_that_opened_started_once_and_predicts_nothing(
    images: dict[int, Path], caplog: pytest.LogCaptureFixture
) -> None:
    # int8 would be the control, but does not open.
    int8 = Artifact.with_card(Path("folder/model.int8.onnx"), Card(labels=("a", "b"), size=2, precision="int8"))
    absent = Samples(case=Case(name="model.int8.onnx", artifact=int8), open_runner=missing)
    sound = sleeping(0.001)
    with (
        caplog.at_level(logging.DEBUG, "temper.benchmarks"),
        BenchmarkSession([absent, sound], images, CONFIG) as session,
    ):
        pair = session.open_control()
        assert pair
        session.predict()
        session.warm_up()
        session.measure_latency()
        session.label_files({})
    controlled, control = pair
    assert controlled is sound
    assert (control.name, control.case.is_control) == ("A/A control (0.001)", True)
    assert len(control.cold_start_seconds) == 1
    assert len(control.latency) == len(sound.latency)
    assert control.probabilities is None
    assert "model.int8.onnx is skipped: there is no such runtime here" in caplog.text
    # Of some rounds: the machine may be busy in others.
    assert re.search(r"latency round \d+, medians in ms: 0\.001 1\.", caplog.text)


def test_without_a_case_that_opens_there_is_no_control(images: dict[int, Path]) -> None:
    absent = Samples(case=Case(name="absent", artifact=ARTIFACT), open_runner=missing)
    with BenchmarkSession([absent], images, CONFIG) as session:
        assert session.open_control() is None
