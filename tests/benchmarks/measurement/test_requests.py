"""Requests in this process, on a runner that records its calls."""

import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from benchmarks.measurement import requests
from benchmarks.measurement.worker import LoadedCase, load_case
from temper.artifact import Artifact
from temper.card import Card
from temper.runners.base import Images, Probabilities, Runner, RuntimeInfo

ARTIFACT = Artifact.with_card(Path("model.onnx"), Card(labels=("a", "b"), size=2))


class RecordingRunner(Runner):
    """Records its batches; the probability is the brightness of the first pixel."""

    def runtime_info(self) -> RuntimeInfo:
        return RuntimeInfo(runtime="some runtime", device="CPU", executed="fp32")

    def run_on_device(self, n: int) -> None:
        self.batches.append(-n)

    def _load(self) -> None:
        self.batches: list[int] = []

    def _run(self, images: Images) -> Probabilities:
        self.batches.append(len(images))
        first = images[:, 0, 0, 0].astype(np.float32) / 255
        return np.stack([first, 1 - first], axis=1)


def loaded() -> tuple[LoadedCase, RecordingRunner]:
    runner = RecordingRunner(ARTIFACT)
    images = np.zeros((19, 2, 2, 3), np.uint8)
    images[:, 0, 0, 0] = np.arange(19)
    return LoadedCase(runner=runner, images=images, ready_at=time.monotonic()), runner


def test_a_case_is_ready_after_its_first_prediction(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", np.zeros((3, 2, 2, 3), np.uint8))
    started = time.monotonic()
    with load_case(partial(RecordingRunner, ARTIFACT), {2: tmp_path / "images.npy"}) as case:
        assert isinstance(case.runner, RecordingRunner)
        assert case.runner.batches == [1]
        assert case.images.shape == (3, 2, 2, 3)
        ready_at, info = requests.describe(case)
        assert started < ready_at < time.monotonic()
        assert info.runtime == "some runtime"


def test_all_images_are_predicted_in_order_in_batches_with_the_remainder_one_by_one() -> None:
    case, runner = loaded()
    assert np.round(255 * requests.predict_all(case)[:, 0]).tolist() == list(range(19))
    assert runner.batches == [8, 8, 1, 1, 1]


def test_a_block_is_preceded_by_untimed_calls() -> None:
    case, runner = loaded()
    calls = requests.time_block(case, 4, 3, 1.0)
    assert (len(calls.wall_seconds), calls.batch) == (3, 4)
    assert runner.batches == [4] * 6
    assert len(requests.warm_up(case, 1, 5)) == 5


@pytest.mark.parametrize("has_copies", [False, True])
def test_calls_on_the_device_are_timed_where_there_are_copies(has_copies: bool) -> None:
    case, runner = loaded()
    runner.has_device_copies = has_copies
    calls = requests.time_block_on_device(case, 2, 3, 1.0)
    assert (calls is not None) is has_copies
    assert runner.batches == [-2] * 6 * has_copies


def test_memory_of_this_process_is_measured() -> None:
    peak_rss, _ = requests.memory_mib(loaded()[0])
    assert peak_rss > 10
