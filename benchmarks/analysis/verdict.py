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
    cases = tuple(msgspec.structs.replace(case, verdict=_verdict(case, report)) for case in report.cases)
    return msgspec.structs.replace(report, cases=cases)


def pick_best(report: Report) -> CaseResult | None:
    """The fastest artifact beside Keras with a proven speedup and no proven drop of top-1; None for a busy machine.

    An artifact with a drop beyond the limit that is not proven is picked only if there is no other.
    """
    if report.control and not report.control.passed:
        return None
    candidates = [case for case in report.cases if _is_faster(case, report.baseline) and not drops_too_much(case)]
    return max(
        candidates,
        key=lambda case: (_drop(case).value <= MAX_DROP, _ratio(case, report.baseline).value),
        default=None,
    )


def headline(report: Report) -> list[str]:
    """The first sentences of a report: whether it can be trusted, then what to use."""
    if report.control and not report.control.passed:
        return [f"{control_sentence(report.control)} Nothing is recommended."]
    if best := pick_best(report):
        return [best.verdict]
    if report.measured and report.baseline:
        return [f"No artifact is faster than {report.baseline} without a drop in accuracy."]
    return [f"No artifact could be compared with {report.reference}."] if report.measured else []


def warnings(report: Report) -> list[str]:
    """What else a reader must know before the values can be trusted."""
    sentences = [
        f"The latency of {case.name} did not become stable during warm-up."
        for case in report.cases
        if case.latency and not case.latency.stable
    ]
    if not report.baseline and any(case.accuracy and case.accuracy.agreement for case in report.cases):
        sentences.append(
            f"{report.reference[:1].upper()}{report.reference[1:]} did not run here: agreement is with its stored "
            "predictions from the machine that converted."
        )
    for each in report.control.throughput if report.control else ():
        if abs(each.ratio.value - 1) > THROUGHPUT_TOLERANCE:
            sentences.append(
                f"Throughput at batch {each.batch} was disturbed: {each.baseline} against itself is "
                f"{each.ratio.text(2)}. {NOISE_FIX}"
            )
    if report.control is None and report.measured:
        sentences.append("There is no A/A control: the noise of the machine is unknown.")
    return sentences


def control_sentence(control: Control) -> str:
    """The result of the A/A control."""
    if control.passed:
        return f"A/A control: {control.case} against itself is {control.ratio.value:.3f}, within {CONTROL_TOLERANCE}."
    return (
        f"The machine is too noisy: {control.case} against itself is {control.ratio.text(3)}, not "
        f"1.00 ± {CONTROL_TOLERANCE:.2f}. {NOISE_FIX}"
    )


def recommendation(case: CaseResult, report: Report) -> str:
    """Whether to use an artifact, in one or two sentences; after a name, where it begins with a small letter."""
    if case.skipped or case.latency is None:
        return f"did not run: {case.skipped}."
    if case.name == report.baseline:
        return "is the baseline."
    if case.speedup(report.baseline) is None:
        return f"was not compared, because {report.reference} did not run beside it."
    if case.is_keras:
        return "The same model, called in another mode."
    if report.control and not report.control.passed:
        return "No recommendation, because the A/A control failed."
    return _choice(case, report)


def drops_too_much(case: CaseResult) -> bool:
    """Whether a drop of top-1 beyond the limit is proven; False without predictions to compare with."""
    return _drop(case).value > MAX_DROP and _drop(case).low > 0


def _choice(case: CaseResult, report: Report) -> str:
    best = pick_best(report)
    instead = f"Use {best.name if best else report.baseline}."
    if not _is_faster(case, report.baseline):
        return f"No speedup is proven. {instead}"
    if drops_too_much(case):
        return f"The drop exceeds the limit of {100 * MAX_DROP} points. {instead}"
    drop = _drop(case)
    undecided = f"ccuracy is not decided with {report.images} images (up to {100 * drop.high:.1f} points lower)."
    if best and case.name == best.name:
        return "Recommended." if drop.high <= MAX_DROP else f"Recommended for its speed; a{undecided}"
    if drop.value > MAX_DROP:
        return f"A{undecided} {instead}"
    fp32 = _same_format_fp32(case, report)
    if fp32 is not None and _ratio(case, report.baseline).low <= _ratio(fp32, report.baseline).high:
        return f"It is not faster than {fp32.name} on this machine. {instead}"
    return f"It can be used, but {best.name if best else report.baseline} is faster."


def _verdict(case: CaseResult, report: Report) -> str:
    advice, ratio = recommendation(case, report), case.speedup(report.baseline)
    if case.skipped or ratio is None:
        return f"{case.name} {advice}"
    speed = f"{case.name} is {ratio.text(2, '×')} as fast as {report.baseline}"
    return (
        f"{speed}. {advice}" if case.is_keras else f"{speed}; its top-1 accuracy is {_accuracy_change(case)}. {advice}"
    )


def _is_faster(case: CaseResult, baseline: str) -> bool:
    return not case.is_keras and _ratio(case, baseline).low > 1


def _drop(case: CaseResult) -> Estimate:
    drop = case.accuracy.drop if case.accuracy else None
    return drop or Estimate(0.0, 0.0, 0.0)


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
    return f"{points.text(1, ' points')} {direction}"
