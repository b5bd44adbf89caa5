"""A recommendation for each artifact, in words."""

import msgspec

from benchmarks.analysis.report import CONTROL_TOLERANCE, CaseResult, Control, Report
from benchmarks.analysis.statistics import Estimate

# The drop of top-1 that a faster artifact may have; the limit of the accuracy gate of conversions.
MAX_DROP = 0.005
# Throughput blocks are fewer and longer than latency blocks, and another program disturbs complete ones.
THROUGHPUT_TOLERANCE = 0.05
NOISE_FIX = "Close other programs and measure again."


def with_verdicts(report: Report) -> Report:
    """The same report, each case with its verdict."""
    best = pick_best(report)
    cases = tuple(msgspec.structs.replace(case, verdict=_verdict(case, best, report)) for case in report.cases)
    return msgspec.structs.replace(report, cases=cases)


def pick_best(report: Report) -> CaseResult | None:
    """The fastest artifact beside Keras that has a proven speedup and passes the limit on the drop of top-1."""
    candidates = [case for case in report.cases if _is_faster(case, report.baseline) and not _drops_too_much(case)]
    return max(candidates, key=lambda case: _ratio(case, report.baseline).value, default=None)


def headline(report: Report) -> list[str]:
    """The first sentences of a report: whether it can be trusted, then what to use."""
    sentences = []
    if report.control is not None and not report.control.passed:
        sentences.append(control_sentence(report.control))
    if best := pick_best(report):
        sentences.append(best.verdict)
    elif report.measured and report.baseline:
        sentences.append(f"No artifact is faster than {report.baseline} without a drop in accuracy.")
    elif report.measured:
        sentences.append("No artifact could be compared with Keras.")
    return sentences


def warnings(report: Report) -> list[str]:
    """What else a reader must know before trusting a value."""
    sentences = [
        f"The latency of {case.name} did not become stable during warm-up."
        for case in report.cases
        if case.latency and not case.latency.stable
    ]
    if not report.baseline and any(case.accuracy and case.accuracy.agreement for case in report.cases):
        sentences.append(
            "Keras did not run here: agreement is with its stored predictions from the machine that converted."
        )
    for each in report.control.throughput if report.control else ():
        if abs(each.ratio.value - 1) > THROUGHPUT_TOLERANCE:
            sentences.append(
                f"Throughput at batch {each.batch} was disturbed: {each.baseline} against itself is "
                f"{_interval(each.ratio, 2)}. {NOISE_FIX}"
            )
    if report.control is None and report.measured:
        sentences.append("There is no A/A control: the noise of the machine is unknown.")
    return sentences


def control_sentence(control: Control) -> str:
    """The result of the A/A control."""
    if control.passed:
        return f"A/A control: {control.case} against itself is {control.ratio.value:.3f}, within {CONTROL_TOLERANCE}."
    return (
        f"The machine is too noisy: {control.case} against itself is {_interval(control.ratio, 3)}, not "
        f"1.00 ± {CONTROL_TOLERANCE:.2f}. {NOISE_FIX}"
    )


def _verdict(case: CaseResult, best: CaseResult | None, report: Report) -> str:
    if case.skipped or case.latency is None:
        return f"{case.name} did not run: {case.skipped}."
    if case.name == report.baseline:
        return f"{case.name} is the baseline."
    ratio = case.speedup(report.baseline)
    if ratio is None:
        return f"{case.name} was not compared, because no Keras model ran beside it."
    speed = f"{case.name} has {_interval(ratio, 2, '×')} the speed of {report.baseline}"
    if case.is_keras:
        return f"{speed}: the same model, called in another mode."
    return f"{speed}; its top-1 accuracy is {_accuracy_change(case)}. {_recommendation(case, best, report)}"


def _recommendation(case: CaseResult, best: CaseResult | None, report: Report) -> str:
    alternative = best.name if best else report.baseline
    if case is best:
        return "Recommended."
    if not _is_faster(case, report.baseline):
        return f"No speedup is proven. Use {alternative}."
    if _drops_too_much(case):
        return f"The drop exceeds the limit of {100 * MAX_DROP} points. Use {alternative}."
    fp32 = _same_format_fp32(case, report)
    if fp32 is not None and _ratio(case, report.baseline).low <= _ratio(fp32, report.baseline).high:
        return f"It is not faster than {fp32.name} on this machine. Use {alternative}."
    return f"It can be used, but {alternative} is faster."


def _is_faster(case: CaseResult, baseline: str) -> bool:
    return not case.is_keras and _ratio(case, baseline).low > 1


def _drops_too_much(case: CaseResult) -> bool:
    drop = case.accuracy.drop if case.accuracy else None
    return drop is not None and drop.value > MAX_DROP and drop.low > 0


def _same_format_fp32(case: CaseResult, report: Report) -> CaseResult | None:
    suffix = case.artifact.rpartition(".")[2]
    same_format = [each for each in report.cases if each.latency and each.artifact.endswith(suffix)]
    return next((each for each in same_format if each is not case and each.precision == "fp32"), None)


def _ratio(case: CaseResult, baseline: str) -> Estimate:
    return case.speedup(baseline) or Estimate(0.0, 0.0, 0.0)


def _accuracy_change(case: CaseResult) -> str:
    drop = case.accuracy.drop if case.accuracy else None
    if drop is None:
        return "unknown"
    points = drop.scaled(100)
    if not points.value:
        return f"the same [{points.low:.1f}, {points.high:.1f} points]"
    if points.value < 0:
        points = Estimate(-points.value, -points.high, -points.low)
    direction = "higher" if drop.value < 0 else "lower"
    return f"{_interval(points, 1, ' points')} {direction}"


def _interval(estimate: Estimate, digits: int, unit: str = "") -> str:
    value, low, high = (f"{each:.{digits}f}" for each in (estimate.value, estimate.low, estimate.high))
    return f"{value}{unit} [{low}, {high}]"
