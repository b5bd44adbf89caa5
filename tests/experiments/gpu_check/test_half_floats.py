from pathlib import Path

import msgspec
import pytest

from benchmarks.analysis.report import SCHEMA, Accuracy, CaseResult, Control, Costs, Latency, Report, Throughput
from benchmarks.analysis.statistics import Estimate
from experiments.gpu_check.half_floats import compare, were_measured
from experiments.gpu_check.steps import Step
from temper.card import Host


def case(artifact: str, milliseconds: float, drop: float = 0.0, drift: float = 1.0) -> CaseResult:
    """drift: how many times slower the machine is in the last of five rounds."""
    blocks = tuple((milliseconds * drift ** (i / 4),) for i in range(5))
    p50 = Estimate(milliseconds, 0.9 * milliseconds, 1.1 * milliseconds)
    return CaseResult(
        name=artifact,
        artifact=artifact,
        precision="int8",
        executed="int8",
        runtime="TensorRT",
        device="GPU",
        costs=Costs(megabytes=1, peak_rss_mib=None, cold_start_seconds=()),
        latency=Latency(p50_ms=p50, p90_ms=p50, p99_ms=p50, cpu_ms=1, stable=True, blocks_ms=blocks),
        accuracy=Accuracy(top1=Estimate(0.9, 0.8, 0.95), drop=Estimate(drop, drop / 2, 2 * drop)),
        throughput=(Throughput(batch=8, images_per_second=Estimate(1000, 900, 1100), blocks=()),),
    )


def write(folder: Path, *cases: CaseResult, control: Control | None = None) -> Path:
    report = Report(
        dataset="photos", created="2026-11-26", command="", images=1, size=64, baseline="", control=control,
        timer_overhead_us=0, peak_gops={}, server_latency_bound_ms=1, host=Host(), versions={}, conditions={},
        cases=cases, schema=SCHEMA,
    )  # fmt: skip
    (folder / "report.json").write_bytes(msgspec.json.encode(report))
    return folder / "report.json"


@pytest.mark.parametrize(
    ("half", "choice"),
    [
        (0.5, "Build int8 with `--precision int8 --builder-option float=fp16` here."),
        (0.95, "Build int8 with `--precision int8 --builder-option float=fp16` here."),
        (1.05, "brings nothing measurable"),
    ],
)
def test_half_precision_is_chosen_where_it_is_faster_in_the_same_rounds(
    tmp_path: Path, half: float, choice: str
) -> None:
    # The machine gets slower, so the intervals of both latencies overlap; the pairs of each round do not.
    report = write(tmp_path, case("model.int8.plan", 1, drift=1.5), case("model.int8.half.plan", half, drift=1.5))
    text = compare(report)
    assert choice in text
    assert f"fp16 is {1 / half:.3f}×" in text
    assert "In fp16: " in text and "1,000 [900, 1,100] images/s with batch 8" in text


def test_a_faster_plan_is_not_chosen_when_its_accuracy_drops_or_the_machine_was_busy(tmp_path: Path) -> None:
    single, half = case("model.int8.plan", 1), case("model.int8.half.plan", 0.5, drop=0.02)
    assert "Its accuracy drops by more than the limit" in compare(write(tmp_path, single, half))
    noisy = Control(case="model.int8.plan", ratio=Estimate(1.1, 1.05, 1.15))
    text = compare(write(tmp_path, single, case("model.int8.half.plan", 0.5), control=noisy))
    assert "too noisy" in text and "Nothing is recommended." in text


@pytest.mark.parametrize("failing", ["build model.int8.plan", "build model.int8.half.plan", "benchmark"])
def test_what_this_run_did_not_build_and_measure_is_not_compared(failing: str) -> None:
    names = ["build model.fp32.plan", "build model.int8.plan", "build model.int8.half.plan", "benchmark"]

    def steps(failed: str) -> list[Step]:
        return [Step(name=name, command=[], code=int(name == failed), seconds=1, words="") for name in names]

    assert were_measured(steps("build model.fp32.plan"))
    assert not were_measured(steps(failing))


def test_without_both_plans_nothing_is_compared(tmp_path: Path) -> None:
    assert compare(tmp_path / "report.json") == ""
    assert compare(write(tmp_path, case("model.int8.plan", 1), case("model.fp16.plan", 1))) == ""
