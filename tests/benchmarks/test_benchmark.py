import sys
from pathlib import Path

import pytest

from benchmarks.benchmark import conditions, run_benchmark, timer_overhead_microseconds
from benchmarks.cases import find_cases
from benchmarks.config import BenchmarkConfig
from benchmarks.evaluation_set import load_evaluation_set
from temper.cli.progress import no_progress
from temper.errors import MissingRuntime


def test_the_load_of_the_machine_is_recorded() -> None:
    assert float(conditions()["load"]) >= 0


def test_the_overhead_of_the_timer_is_a_positive_time() -> None:
    assert 0 < timer_overhead_microseconds() < 1e6


def test_a_missing_loadgen_is_reported_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, made_bundle: Path
) -> None:
    monkeypatch.setitem(sys.modules, "mlperf_loadgen", None)
    cases = find_cases([made_bundle.with_name("model.fp32.onnx")])
    evaluation = load_evaluation_set(cases[0].artifact, None, 4)
    with pytest.raises(MissingRuntime, match="pip install mlcommons-loadgen"):
        run_benchmark(cases, evaluation, BenchmarkConfig(scenario_seconds=1), no_progress)


def test_the_default_settings_are_those_of_the_help() -> None:
    assert BenchmarkConfig() == BenchmarkConfig(seconds=8.0, batch_sizes=(1, 8), cold_starts=1, logs=Path("loadgen"))
