"""What to do with each artifact, in words."""

import dataclasses

from benchmarks.analysis.report import CONTROL_TOLERANCE, Control, Line, Report
from benchmarks.analysis.statistics import Estimate

# Points of top-1 that a faster artifact may lose; the limit of the conversion's gate.
MOST_LOSS = 0.005
# Blocks are fewer and longer than turns, and a neighbour on the machine hits whole ones.
THROUGHPUT_TOLERANCE = 0.05


def with_verdicts(report: Report) -> Report:
    """The same report, each line with its verdict."""
    best = best_of(report)
    lines = tuple(dataclasses.replace(line, verdict=_verdict(line, best, report)) for line in report.lines)
    return dataclasses.replace(report, lines=lines)


def best_of(report: Report) -> Line | None:
    """The fastest artifact beside Keras that shows a gain and keeps its accuracy."""
    good = [line for line in report.lines if _gains(line, report.reference) and not _loses_too_much(line)]
    return max(good, key=lambda line: _times(line, report.reference).value, default=None)


def headline(report: Report) -> list[str]:
    """The first lines of a report: whether to trust it, then what to use."""
    said = []
    if report.control is not None and not report.control.passed:
        said.append(noise(report.control))
    if best := best_of(report):
        said.append(best.verdict)
    elif any(line.latency for line in report.lines):
        against = f"gains on {report.reference}" if report.reference else "could be compared with Keras"
        said.append(f"No artifact {against} without losing accuracy.")
    return said


def warnings(report: Report) -> list[str]:
    """What else a reader must know before believing a figure."""
    restless = [line.name for line in report.lines if line.latency and not line.latency.stable]
    said = [f"Never settled in its warm-up: {name}." for name in restless]
    if not report.reference and any(line.accuracy and line.accuracy.agreement for line in report.lines):
        said.append("Keras did not run here: agreement is with what it answered when the artifacts were made.")
    for each in report.control.throughput if report.control else ():
        if abs(each.times.value - 1) > THROUGHPUT_TOLERANCE:
            said.append(
                f"Throughput at batch {each.batch} was disturbed: {each.over} against itself is {each.times.value:.2f} "
                f"[{each.times.low:.2f}, {each.times.high:.2f}]. Close other programs and measure again."
            )
    if report.control is None and any(line.latency for line in report.lines):
        said.append("There is no A/A control: nothing says how far the machine can be trusted.")
    return said


def noise(control: Control) -> str:
    """What the control says, in a line."""
    if control.passed:
        return (
            f"A/A control: {control.row} against itself is {control.ratio.value:.3f}, within {CONTROL_TOLERANCE:.2f}."
        )
    return (
        f"Machine too noisy: {control.row} against itself is {control.ratio.value:.3f} "
        f"[{control.ratio.low:.3f}, {control.ratio.high:.3f}], not 1.00 ± {CONTROL_TOLERANCE:.2f}. "
        "Close other programs and measure again."
    )


def _verdict(line: Line, best: Line | None, report: Report) -> str:
    if line.skipped or line.latency is None:
        return f"{line.name} did not run: {line.skipped}"
    if line.name == report.reference:
        return f"{line.name} is what the others are measured against."
    times = line.speedup(report.reference)
    if times is None:
        return f"{line.name} was not compared: no Keras model ran beside it."
    said = f"{line.name} is {_as_times(times)} of {report.reference}{_loss(line)}"
    if _is_keras(line):
        return f"{said}: the same model, called another way."
    use = f"use {best.name}" if best else f"stay with {report.reference}"
    if line is best:
        return f"{said}: use it."
    if not _gains(line, report.reference):
        return f"{said}. No gain is shown: useless here, {use}."
    if _loses_too_much(line):
        return f"{said}. That is too much: {use}."
    plain = _same_format_fp32(line, report)
    if plain is not None and times.low <= _times(plain, report.reference).high:
        return f"{said}, but is not faster than {plain.name} on this machine: {use}."
    return f"{said}: good, but {best.name if best else report.reference} is faster."


def _gains(line: Line, reference: str) -> bool:
    times = line.speedup(reference)
    return times is not None and times.low > 1 and not _is_keras(line)


def _loses_too_much(line: Line) -> bool:
    loss = line.accuracy.loss if line.accuracy else None
    return loss is not None and loss.value > MOST_LOSS and loss.low > 0


def _same_format_fp32(line: Line, report: Report) -> Line | None:
    ending = line.artifact.rsplit(".", 1)[-1]
    return next(
        (
            each
            for each in report.lines
            if each.latency and each is not line and each.precision == "fp32" and each.artifact.endswith(ending)
        ),
        None,
    )


def _is_keras(line: Line) -> bool:
    return line.runtime.startswith("Keras")


def _times(line: Line, reference: str) -> Estimate:
    return line.speedup(reference) or Estimate(0.0, 0.0, 0.0)


def _as_times(times: Estimate) -> str:
    return f"{times.value:.2f}× [{times.low:.2f}, {times.high:.2f}] the speed"


def _loss(line: Line) -> str:
    if line.accuracy is None or line.accuracy.loss is None or _is_keras(line):
        return ""
    loss = line.accuracy.loss
    if not loss.value:
        return f" at the same accuracy [{100 * loss.low:.1f}, {100 * loss.high:.1f} points]"
    verb = "gains" if loss.value < 0 else "loses"
    low, high = (-loss.high, -loss.low) if loss.value < 0 else (loss.low, loss.high)
    return f" and {verb} {100 * abs(loss.value):.1f} points [{100 * low:.1f}, {100 * high:.1f}]"
