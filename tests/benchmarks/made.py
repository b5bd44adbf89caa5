"""Reports made by hand, for what words, tables and comparisons say of figures that are known."""

import numpy as np

from benchmarks.analysis.report import Accuracy, Control, Costs, Flip, Latency, Line, Report, Speedup, Throughput
from benchmarks.analysis.statistics import Estimate

KERAS = "Keras tf.function"


def estimate(value: float, spread: float = 0.02) -> Estimate:
    return Estimate(value, value * (1 - spread), value * (1 + spread))


def line(
    name: str, milliseconds: float, times: Estimate | None, loss: Estimate | None = None, precision: str = "fp32"
) -> Line:
    random = np.random.default_rng(int(10 * milliseconds))
    turns = milliseconds * (1 + 0.01 * np.abs(random.normal(size=(40, 4))))
    rate = estimate(1000 / milliseconds)
    runtime = "Keras 3" if name.startswith("Keras") else "ONNX Runtime 1"
    return Line(
        name=name,
        artifact="model.keras" if name.startswith("Keras") else name,
        precision=precision,
        executed=precision,
        runtime=runtime,
        device="CPU",
        skipped="",
        accuracy=Accuracy(
            Estimate(0.95, 0.93, 0.97), estimate(0.99, 0.01), loss, 0.02, (Flip("cat/1.jpg", "cat", "cat", "<dog>"),)
        ),
        latency=Latency(
            p50_ms=estimate(float(np.percentile(turns, 50))),
            p90_ms=estimate(float(np.percentile(turns, 90))),
            p99_ms=estimate(float(np.percentile(turns, 99))),
            cpu_ms=milliseconds,
            stable=True,
            turns_ms=tuple(tuple(turn) for turn in turns.tolist()),
        ),
        throughput=(Throughput(8, rate, ((80, 0.08 * milliseconds), (80, 0.081 * milliseconds))),),
        speedups=() if times is None else (Speedup(KERAS, None, times), Speedup(KERAS, 8, times)),
        costs=Costs(12.5, 400.0, (1.0, 3.0, 2.0)),
    )


def report(*lines: Line, control: float = 1.003) -> Report:
    return Report(
        title="Temper on <pictures> & more",
        made_at="2026-01-01 00:00 UTC",
        command="python benchmarks/run.py",
        pictures=400,
        size=224,
        reference=KERAS,
        control=Control("model.int8.onnx", Estimate(control, control - 0.01, control + 0.01)),
        overhead_microseconds=0.5,
        peaks_gops={},
        bound_ms=100.0,
        machine={"processor": "some"},
        versions={"python": "3"},
        conditions={"before": {"load": "0.10"}, "after": {"load": "0.20"}},
        lines=lines,
    )
