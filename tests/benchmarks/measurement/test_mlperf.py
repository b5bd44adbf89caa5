"""The real LoadGen on a network whose speed is known."""

import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen has no wheel for this platform")

from benchmarks.measurement.mlperf import Outcome, Settings, highest_rate, run
from temper.errors import UserError
from temper.runners.base import Images, Probabilities

pytestmark = pytest.mark.programs
IMAGES = np.zeros((10, 4, 4, 3), dtype=np.uint8)
CALL_SECONDS = 0.004


def predict(images: Images) -> Probabilities:
    time.sleep(CALL_SECONDS)
    return np.zeros((len(images), 2), dtype=np.float32)


def test_an_error_while_it_answers_ends_the_run_and_is_told(tmp_path: Path) -> None:
    def fail(images: Images) -> Probabilities:
        raise UserError("the GPU has fallen off the bus")

    with pytest.raises(UserError, match="fallen off"):
        run(fail, np.zeros((4, 2, 2, 3), np.uint8), Settings("SingleStream", tmp_path, 0.05, 100.0, 0.1))


def test_single_stream_measures_the_call_and_keeps_its_logs(tmp_path: Path) -> None:
    found = run(predict, IMAGES, Settings("SingleStream", tmp_path, 0.5, rate=250))
    assert found.valid
    assert found.latency_seconds["50.00"] == pytest.approx(CALL_SECONDS, rel=0.5)
    assert "SingleStream" in (tmp_path / "mlperf_log_summary.txt").read_text(encoding="utf-8")


def test_multi_stream_and_offline_answer_eight_at_a_time(tmp_path: Path) -> None:
    stream = run(predict, IMAGES, Settings("MultiStream", tmp_path / "m", 0.5, rate=2000))
    assert stream.latency_seconds["50.00"] == pytest.approx(CALL_SECONDS, rel=0.5)
    offline = run(predict, IMAGES, Settings("Offline", tmp_path / "o", 0.5, rate=2000))
    assert offline.images_per_second is not None
    assert 900 < offline.images_per_second <= 8 / CALL_SECONDS


def test_servers_rate_is_held_below_what_the_network_can_do_and_not_above(tmp_path: Path) -> None:
    slow = run(predict, IMAGES, Settings("Server", tmp_path / "slow", 0.5, rate=100, bound_seconds=0.05))
    fast = run(predict, IMAGES, Settings("Server", tmp_path / "fast", 0.5, rate=3000, bound_seconds=0.05))
    assert slow.held
    assert not fast.held


def test_the_search_halves_its_way_to_the_highest_rate_held(tmp_path: Path) -> None:
    def at(rate: float) -> Outcome:
        p99 = 0.01 if rate <= 70 else 1.0
        return Outcome(Settings("Server", tmp_path, 1, rate, 0.1), True, {"99.00": p99}, rate)

    found, tried = highest_rate(at, most=160, steps=6)
    assert 67.5 <= found <= 70
    assert len(tried) == 6
