from pathlib import Path

import msgspec
import pytest

from benchmarks.analysis.report import SCHEMA, CaseResult, Costs, Latency, Report, Throughput
from benchmarks.analysis.statistics import Estimate
from experiments.gpu_check.half_floats import compare
from temper.card import Host


def case(artifact: str, milliseconds: float) -> CaseResult:
    p50 = Estimate(milliseconds, 0.9 * milliseconds, 1.1 * milliseconds)
    return CaseResult(
        name=artifact,
        artifact=artifact,
        precision="int8",
        executed="int8",
        runtime="TensorRT",
        device="GPU",
        costs=Costs(megabytes=1, peak_rss_mib=None, cold_start_seconds=()),
        latency=Latency(p50_ms=p50, p90_ms=p50, p99_ms=p50, cpu_ms=1, stable=True, blocks_ms=((1.0,),)),
        throughput=(Throughput(batch=8, images_per_second=Estimate(1000, 900, 1100), blocks=()),),
    )


def write(folder: Path, *cases: CaseResult) -> Path:
    report = Report(
        dataset="photos", created="2026-11-26", command="", images=1, size=64, baseline="", control=None,
        timer_overhead_us=0, peak_gops={}, server_latency_bound_ms=1, host=Host(), versions={}, conditions={},
        cases=cases, schema=SCHEMA,
    )  # fmt: skip
    (folder / "report.json").write_bytes(msgspec.json.encode(report))
    return folder / "report.json"


@pytest.mark.parametrize(
    ("half", "choice"),
    [
        (0.5, "Build int8 with `--precision int8 --builder-option float=fp16` here."),
        (0.95, "brings nothing measurable"),
    ],
)
def test_half_precision_is_chosen_where_its_interval_is_below(tmp_path: Path, half: float, choice: str) -> None:
    report = write(tmp_path, case("model.int8.plan", 1), case("model.int8.half.plan", half))
    text = compare(report)
    assert choice in text
    assert "In fp16: " in text and "1,000 [900, 1,100] images/s with batch 8" in text


def test_without_both_plans_nothing_is_compared(tmp_path: Path) -> None:
    assert compare(tmp_path / "report.json") == ""
    assert compare(write(tmp_path, case("model.int8.plan", 1), case("model.fp16.plan", 1))) == ""
