"""The real LoadGen on a network whose speed is known."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.measurement import mlperf
from benchmarks.measurement.mlperf import ScenarioRun, ScenarioSettings, read_summary, run, run_all, search_highest_rate
from temper.errors import UserError
from temper.runners.base import Images, Probabilities

IMAGES = np.zeros((10, 4, 4, 3), dtype=np.uint8)
CALL_SECONDS = 0.004


@pytest.fixture
def loadgen() -> None:
    pytest.importorskip("mlperf_loadgen", reason="mlcommons-loadgen has no wheel for this platform")


def settings(logs: Path, scenario: Any = "SingleStream", **fields: Any) -> ScenarioSettings:
    return ScenarioSettings(scenario=scenario, logs=logs, seconds=0.5, **fields)


def predict(images: Images) -> Probabilities:
    time.sleep(CALL_SECONDS)
    return np.zeros((len(images), 2), dtype=np.float32)


def result(made: ScenarioSettings, p99: float, valid: bool = True) -> ScenarioRun:
    latencies = {"99.00": 1000 * p99}
    logs = made.logs.name
    return ScenarioRun(
        name=made.scenario, valid=valid, offered_rate=made.rate, latency_ms=latencies, images_per_second=None, logs=logs
    )


@pytest.mark.programs
@pytest.mark.usefixtures("loadgen")
def test_an_error_of_the_network_ends_the_run_and_is_raised(tmp_path: Path) -> None:
    def fail(images: Images) -> Probabilities:
        raise UserError("the GPU is gone")

    with pytest.raises(UserError, match="the GPU is gone"):
        run(fail, IMAGES, settings(tmp_path, rate=100.0))


@pytest.mark.programs
@pytest.mark.usefixtures("loadgen")
def test_single_stream_measures_the_call_and_writes_its_logs(tmp_path: Path) -> None:
    single = run(predict, IMAGES, settings(tmp_path, rate=250))
    assert single.valid
    assert single.latency_ms["50.00"] >= 1000 * CALL_SECONDS
    assert "SingleStream" in (tmp_path / "mlperf_log_summary.txt").read_text(encoding="utf-8")


@pytest.mark.programs
@pytest.mark.usefixtures("loadgen")
def test_multi_stream_and_offline_classify_eight_at_a_time(tmp_path: Path) -> None:
    batches: set[int] = set()

    def record(images: Images) -> Probabilities:
        batches.add(len(images))
        return predict(images)

    run(record, IMAGES, settings(tmp_path / "m", "MultiStream", rate=2000))
    offline = run(record, IMAGES, settings(tmp_path / "o", "Offline", rate=2000))
    assert max(batches) == 8
    assert offline.images_per_second is not None
    assert offline.images_per_second <= 8 / CALL_SECONDS


@pytest.mark.programs
@pytest.mark.usefixtures("loadgen")
def test_a_rate_above_what_the_network_can_do_is_not_within_the_bound(tmp_path: Path) -> None:
    fast = run(predict, IMAGES, settings(tmp_path, "Server", rate=5000, latency_bound_ms=20))
    assert fast.latency_ms["99.00"] > 20
    assert fast.offered_rate == 5000


def test_the_search_converges_to_the_highest_rate_within_the_bound(tmp_path: Path) -> None:
    server = settings(tmp_path, "Server")

    def run_at(rate: float) -> ScenarioRun:
        return result(settings(tmp_path, "Server", rate=rate), 0.01 if rate <= 70 else 1.0)

    rate, runs = search_highest_rate(run_at, 160, server.keeps_bound)
    assert 65 <= rate <= 70
    assert [each.offered_rate for each in runs] == [80, 40, 60, 70, 75]


def test_in_runs_of_a_minute_the_search_goes_by_the_verdict_of_loadgen(tmp_path: Path) -> None:
    server = ScenarioSettings(scenario="Server", logs=tmp_path, seconds=60)
    assert not server.keeps_bound(result(server, 0.01, valid=False))
    assert server.keeps_bound(result(server, 0.01))
    assert settings(tmp_path, "Server").keeps_bound(result(server, 0.01, valid=False))


@pytest.mark.programs
@pytest.mark.usefixtures("loadgen")
def test_a_full_run_continues_until_loadgen_has_enough_queries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full, short = settings(tmp_path / "full", "MultiStream", rate=2000), settings(tmp_path / "short", "MultiStream")
    assert not run(predict, IMAGES, short).valid
    monkeypatch.setattr(mlperf, "FULL_SECONDS", 0.5)
    assert run(predict, IMAGES, full).valid


def test_all_scenarios_run_in_folders_of_their_own(tmp_path: Path) -> None:
    requested: list[ScenarioSettings] = []

    def run_one(made: ScenarioSettings) -> ScenarioRun:
        requested.append(made)
        return result(made, 1.0)

    rate, runs = run_all(run_one, settings(tmp_path, rate=80), max_server_rate=100)
    assert rate == 0
    assert [each.logs.name for each in requested[:4]] == ["SingleStream", "MultiStream", "Offline", "Server-50.0"]
    assert [each.rate for each in requested[:4]] == [80, 80, 80, 50]
    assert [each.logs for each in runs] == [each.logs.name for each in requested]


def test_the_summary_of_loadgen_is_read(tmp_path: Path) -> None:
    text = """SUT name : PySUT
Samples per second: 44.5
Result is : INVALID
50.00 percentile latency (ns)   : 2000000
99.00 percentile latency (ns)   : 5000000
"""
    (tmp_path / "mlperf_log_summary.txt").write_text(text, encoding="utf-8")
    summary = read_summary(settings(tmp_path, "Offline"))
    assert (summary.name, summary.valid, summary.images_per_second) == ("Offline", False, 44.5)
    assert summary.latency_ms == {"50.00": pytest.approx(2), "99.00": pytest.approx(5)}
    assert summary.logs == "/".join(tmp_path.parts[-3:])


def test_only_servers_runs_have_an_offered_rate(tmp_path: Path) -> None:
    (tmp_path / "mlperf_log_summary.txt").write_text("Result is : VALID\n", encoding="utf-8")
    assert read_summary(settings(tmp_path, "Server", rate=70)).offered_rate == 70
    assert read_summary(settings(tmp_path, "Offline", rate=70)).offered_rate is None
