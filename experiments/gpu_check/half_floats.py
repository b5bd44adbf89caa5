"""Whether an int8 plan is faster with half precision in place of its remaining fp32; the benchmark measured both."""

from pathlib import Path

import msgspec

from benchmarks.analysis.report import CaseResult, Report
from experiments.gpu_check.steps import HALF_FLOATS

BUILD = "--precision int8 --builder-option float=fp16"


def compare(report: Path) -> str:
    """One paragraph; "" where the benchmark did not measure both plans."""
    if not report.exists():
        return ""
    cases = msgspec.json.decode(report.read_bytes(), type=Report).cases
    half = next((each for each in cases if each.artifact.endswith(f".{HALF_FLOATS}")), None)
    single = next((each for each in cases if each.artifact.endswith(".int8.plan")), None)
    if not (half and single and half.latency and single.latency):
        return ""
    is_faster = half.latency.p50_ms.high < single.latency.p50_ms.low
    choice = f"Build int8 with `{BUILD}` here." if is_faster else "Half precision brings nothing measurable here."
    single_precision, half_precision = _figures(single), _figures(half)
    return f"What int8 leaves in floating point, in fp32: {single_precision}. In fp16: {half_precision}. {choice}"


def _figures(case: CaseResult) -> str:
    assert case.latency
    figures = [f"{case.latency.p50_ms.text(3, ' ms')} for one image"]
    figures += [f"{each.images_per_second.text(0)} images/s with batch {each.batch}" for each in case.throughput]
    if case.accuracy:
        figures.append(f"{case.accuracy.top1.scaled(100).text(1, ' %')} correct")
    return ", ".join(figures)
