"""Measurements with known figures, for tests of the rule, words, tables and the plot."""

import msgspec

from benchmarks.analysis.report import Accuracy, Control, Speedup, Throughput
from benchmarks.analysis.statistics import Estimate, proportion
from choose.records import ChoiceReport, Failure, Measured, Measurement
from choose.report import decide
from choose.rule import Limits
from temper.card import Host
from tests.benchmarks.sample_reports import case_result, estimate

BASELINE = "resnet50-224 int8.xml"


def measured(
    name: str, milliseconds: float, validation: float, points: float = 0.0, megabytes: float = 12.5
) -> Measured:
    """An artifact with these figures: percent of 200 validation images, and points from the baseline on test images."""
    network, _, file = name.partition(" ")
    backbone, _, size = network.rpartition("-")
    case = case_result(f"model.{file}", milliseconds, precision=file.partition(".")[0])
    drop = -points / 100
    latency = case.latency
    assert latency
    ratio = estimate(7.0 / milliseconds)
    test = msgspec.structs.replace(
        case,
        name=name,
        latency=msgspec.structs.replace(latency, p50_ms=estimate(milliseconds)),
        accuracy=Accuracy(top1=Estimate(0.95, 0.93, 0.97), drop=Estimate(drop, drop - 0.012, drop + 0.012)),
        throughput=tuple(
            Throughput(batch=batch, images_per_second=estimate(batch**0.1 * 1000 / milliseconds), blocks=())
            for batch in (1, 8)
        ),
        speedups=() if name == BASELINE else tuple(Speedup(baseline=BASELINE, batch=b, ratio=ratio) for b in (None, 8)),
        costs=msgspec.structs.replace(case.costs, megabytes=megabytes),
    )
    return Measured(
        backbone=backbone,
        size=int(size),
        path=f"{network}/model.{file}",
        validation=proportion(round(2 * validation), 200),
        test=test,
    )


def measurement(*artifacts: Measured, control: float = 1.003) -> Measurement:
    return Measurement(
        key="some key",
        dataset="tiny images",
        validation_images=200,
        test_images=400,
        baseline=BASELINE,
        batch=8,
        seconds=4.0,
        control=Control(case=BASELINE, ratio=Estimate(control, control - 0.01, control + 0.01)),
        host=Host(processor="some processor", cores=2),
        versions={"python": "3"},
        conditions={"before": {"load": "0.10"}, "after": {"load": "0.20"}},
        created="2026-01-01 00:00 UTC",
        artifacts=artifacts,
    )


def report(
    *artifacts: Measured, limits: Limits | None = None, failures: tuple[Failure, ...] = (), control: float = 1.003
) -> ChoiceReport:
    made = measurement(*artifacts, control=control)
    return decide(made, list(failures), limits or Limits(), "python choose/run.py --data photos")


def several() -> tuple[Measured, ...]:
    """A slow and accurate network, a fast and nearly as accurate one, and a faster one that is worse."""
    return (
        measured("resnet50-224 fp32.xml", 20.0, 97.5, points=0.0, megabytes=94.0),
        measured(BASELINE, 7.0, 97.0, megabytes=24.0),
        measured("small-224 int8.xml", 2.0, 96.5, points=0.5, megabytes=5.0),
        measured("small-160 int8.xml", 1.0, 93.0, points=-3.0, megabytes=5.0),
    )
