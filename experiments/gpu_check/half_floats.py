"""Whether an int8 plan is faster with half precision in place of its remaining fp32; the benchmark measured both."""

import statistics
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks.analysis.report import CaseResult, Latency, Report
from benchmarks.analysis.statistics import Estimate, paired_ratio
from benchmarks.analysis.verdict import control_sentence, drops_too_much
from experiments.gpu_check.steps import HALF_FLOATS, Step

BUILD = "--precision int8 --builder-option float=fp16"
PLANS = (".int8.plan", f".{HALF_FLOATS}")


def were_measured(steps: Sequence[Step]) -> bool:
    """Whether these steps built and accepted both plans, and the benchmark, the last one, measured them.

    Otherwise a report in the folder, or one of its plans, may be of an earlier run.
    """
    built = [each.passed for each in steps if each.name.startswith("build ") and each.name.endswith(PLANS)]
    return built == [True, True] and steps[-1].passed


def compare(report: Path) -> str:
    """One paragraph; "" where the benchmark did not measure both plans."""
    if not report.exists():
        return ""
    measured = msgspec.json.decode(report.read_bytes(), type=Report)
    single, half = (next((each for each in measured.cases if each.artifact.endswith(plan)), None) for plan in PLANS)
    if not (half and single and half.latency and single.latency):
        return ""
    ratio = _speedup(single.latency, half.latency)
    single_precision, half_precision = _figures(single), _figures(half)
    return (
        f"What int8 leaves in floating point, in fp32: {single_precision}. In fp16: {half_precision}. "
        f"In the same rounds, fp16 is {ratio.text(3, '×')} as fast. {_choice(half, ratio, measured)}"
    )


def _choice(half: CaseResult, ratio: Estimate, report: Report) -> str:
    if report.control and not report.control.passed:
        return f"{control_sentence(report.control)} Nothing is recommended."
    if ratio.low <= 1:
        return "Half precision brings nothing measurable here."
    if drops_too_much(half):
        return "Its accuracy drops by more than the limit, so it is not recommended."
    return f"Build int8 with `{BUILD}` here."


def _speedup(slow: Latency, fast: Latency) -> Estimate:
    """How many times faster: the median latency of each round, in pairs, as the benchmark does with its baselines."""
    medians = ([statistics.median(block) for block in each.blocks_ms] for each in (slow, fast))
    return paired_ratio(*medians)


def _figures(case: CaseResult) -> str:
    assert case.latency
    figures = [f"{case.latency.p50_ms.text(3, ' ms')} for one image"]
    figures += [f"{each.images_per_second.text(0)} images/s with batch {each.batch}" for each in case.throughput]
    if case.accuracy:
        figures.append(f"{case.accuracy.top1.scaled(100).text(1, ' %')} correct")
    return ", ".join(figures)
