"""Reports with known values, for tests of words, tables, plots and comparisons."""

from pathlib import Path

import msgspec
import numpy as np

from benchmarks.analysis.report import (
    SCHEMA,
    Accuracy,
    CaseResult,
    Control,
    Costs,
    EndToEnd,
    Latency,
    Report,
    Speedup,
    Throughput,
)
from benchmarks.analysis.report_file import report_text
from benchmarks.analysis.statistics import Estimate
from benchmarks.measurement.mlperf import ScenarioName, ScenarioRun
from temper.card import Host, LabelFlip

KERAS = "Keras tf.function"


def estimate(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value, value * (1 - spread), value * (1 + spread))


def case_result(
    name: str, milliseconds: float, ratio: Estimate | None = None, drop: Estimate | None = None, precision: str = "fp32"
) -> CaseResult:
    random = np.random.default_rng(int(10 * milliseconds))
    blocks = milliseconds * (1 + 0.01 * np.abs(random.normal(size=(40, 4))))
    rate = estimate(1000 / milliseconds)
    speedups = () if ratio is None else tuple(Speedup(baseline=KERAS, batch=b, ratio=ratio) for b in (None, 8))
    return CaseResult(
        name=name,
        artifact="model.keras" if name.startswith("Keras") else name,
        precision=precision,
        executed=precision,
        runtime="Keras 3" if name.startswith("Keras") else "ONNX Runtime 1",
        device="CPU",
        accuracy=Accuracy(
            top1=Estimate(0.95, 0.93, 0.97),
            agreement=estimate(0.99, 0.01),
            drop=drop,
            max_difference=0.02,
            flips=(LabelFlip(file="cat/1.jpg", truth="cat", keras="cat", predicted="<dog>"),),
        ),
        latency=Latency(
            p50_ms=estimate(float(np.percentile(blocks, 50))),
            p90_ms=estimate(float(np.percentile(blocks, 90))),
            p99_ms=estimate(float(np.percentile(blocks, 99))),
            cpu_ms=milliseconds,
            stable=True,
            blocks_ms=tuple(tuple(block) for block in blocks.tolist()),
        ),
        throughput=(
            Throughput(batch=8, images_per_second=rate, blocks=((80, 0.08 * milliseconds), (80, 0.081 * milliseconds))),
        ),
        speedups=speedups,
        costs=Costs(megabytes=12.5, peak_rss_mib=400.0, cold_start_seconds=(1.0, 3.0, 2.0)),
    )


def skipped_case(name: str) -> CaseResult:
    case = case_result(name, 1)
    return msgspec.structs.replace(case, skipped="no GPU here", accuracy=None, latency=None, throughput=())


def report(*cases: CaseResult, control: float = 1.003) -> Report:
    return Report(
        dataset="<images> & more",
        created="2026-01-01 00:00 UTC",
        command="python benchmarks/run.py",
        images=400,
        size=224,
        baseline=KERAS,
        control=Control(case="model.int8.onnx", ratio=Estimate(control, control - 0.01, control + 0.01)),
        timer_overhead_us=0.5,
        peak_gops={},
        server_latency_bound_ms=100.0,
        host=Host(processor="some processor", cores=2),
        versions={"python": "3"},
        conditions={"before": {"load": "0.10"}, "after": {"load": "0.20"}},
        cases=cases,
        schema=SCHEMA,
    )


def scenario(name: ScenarioName, rate: float | None = None, logs: str = "") -> ScenarioRun:
    return ScenarioRun(
        name=name,
        valid=True,
        offered_rate=rate,
        latency_ms={"50.00": 1.0, "90.00": 2.0, "99.00": 3.0},
        images_per_second=rate,
        logs=logs or f"loadgen/{rate}",
    )


def complete() -> Report:
    """A report with scenarios and end-to-end runs."""
    files = EndToEnd(
        files="original size",
        method="overlapped",
        images_per_second=estimate(100.0),
        decode_ms=1.0,
        waiting_ms=2.0,
        network_ms=3.0,
        top1=0.5,
        speedup=None,
    )
    case = msgspec.structs.replace(
        case_result("model.onnx", 20, estimate(4.0)),
        scenarios=tuple(scenario("Server", rate) for rate in (60.0, 70.0, 80.0)),
        server_images_per_second=70.0,
        end_to_end=(files,),
    )
    return report(case_result(KERAS, 80), case)


def write(path: Path, made: Report) -> Path:
    path.write_text(report_text(made), encoding="utf-8")
    return path
