import dataclasses
import sys
from pathlib import Path

import pytest

from benchmarks.benchmark import conditions, run_benchmark, timer_overhead_microseconds
from benchmarks.cases import find_cases
from benchmarks.config import BenchmarkConfig
from benchmarks.evaluation_set import load_evaluation_set
from benchmarks.run import parse
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


@pytest.mark.programs
def test_a_complete_run_adds_files_the_peak_and_the_scenarios_of_loadgen(made_bundle: Path, tmp_path: Path) -> None:
    pytest.importorskip("mlperf_loadgen")
    cases = find_cases([made_bundle.with_name("model.fp32.onnx")])
    evaluation = load_evaluation_set(cases[0].artifact, None, 4)
    config = BenchmarkConfig(seconds=0.05, scenario_seconds=0.05, logs=tmp_path / "loadgen")
    report = run_benchmark(cases, evaluation, config, no_progress)
    (case,) = report.cases
    assert not case.skipped
    assert set(report.peak_gops) == {"fp32", "int8"}
    assert case.costs.fraction_of_peak and 0 < case.costs.fraction_of_peak < 1
    small, large = sorted(case.end_to_end, key=lambda each: each.decode_ms)
    assert (small.files, large.files) == ("original size", "12 megapixels")
    assert {each.method for each in case.end_to_end} == {"overlapped"}
    assert {each.name for each in case.scenarios} == {"SingleStream", "MultiStream", "Server", "Offline"}
    assert len(list(tmp_path.glob("loadgen/**/mlperf_log_summary.txt"))) >= 4


def test_the_defaults_of_the_options_are_those_of_the_settings() -> None:
    options = vars(parse([]))
    given = {each.name: options[each.name] for each in dataclasses.fields(BenchmarkConfig) if each.name in options}
    # The command names the folder of LoadGen's logs, below that of the report.
    assert set(given) == {each.name for each in dataclasses.fields(BenchmarkConfig)} - {"logs"}
    assert BenchmarkConfig(**given) == BenchmarkConfig()
