"""The choice in words."""

from pathlib import Path

from benchmarks.analysis.statistics import Estimate
from benchmarks.analysis.verdict import control_sentence
from choose.records import ChoiceReport, Measured
from choose.rendering.tables import failure_table, main_table, signed
from choose.rule import violations
from temper.cli.text import plural


def terminal_text(report: ChoiceReport, folder: Path) -> str:
    """The table, what failed, the choice, and the next command. folder: of the report."""
    failed = failure_table(report)
    return "\n".join(
        [
            main_table(report).plain(),
            *(["", failed.plain()] if failed.rows else []),
            "",
            *choice_sentences(report),
            "",
            *next_steps(report, folder),
        ]
    )


def choice_sentences(report: ChoiceReport) -> list[str]:
    """What to use, what it is worth, and when to use another one."""
    control, chosen = report.measurement.control, report.measurement.artifact(report.chosen)
    noise = [control_sentence(control)] if control and not control.passed else []
    if chosen is None:
        return [*noise, f"No artifact is within the limits. {report.limits.sentence()}", *_nearest(report)]
    return [
        *noise,
        f"{chosen.backbone} at {chosen.size} pixels, {chosen.test.precision} ({chosen.test.artifact}): use it. "
        f"{worth(chosen, report)}",
        f"It was chosen on {plural(report.measurement.validation_images, 'validation image')}, "
        f"{_percent(chosen.validation)} of them correct. {report.limits.sentence()}",
        *_alternatives(chosen, report),
    ]


def next_steps(report: ChoiceReport, folder: Path) -> list[str]:
    """Where the report and the chosen artifact are, and a command that uses it."""
    chosen = report.measurement.artifact(report.chosen)
    path = folder / chosen.path if chosen else None
    command = [f"artifact: {path}", f"use it:   python infer/run.py --engine {path} IMAGE"] if path else []
    return [f"report:   {folder / 'report.md'}", *command]


def worth(chosen: Measured, report: ChoiceReport) -> str:
    """Speed and accuracy on the test images, compared with the baseline."""
    measurement, test = report.measurement, chosen.test
    baseline, batch = measurement.baseline, measurement.batch
    accuracy = _percent(test.accuracy.top1) if test.accuracy else "an unknown part"
    on_test = f"{accuracy} of {plural(measurement.test_images, 'test image')}"
    latency, throughput = test.speedup(baseline, None), test.speedup(baseline, batch)
    if latency is None or throughput is None:
        return f"It is the baseline: {chosen.milliseconds:.2f} ms, {on_test}."
    return (
        f"{throughput.text(1, '×')} the images/s of {baseline} at batch {batch}, {latency.text(1, '×')} at batch 1; "
        f"{_difference(chosen)}; {on_test}."
    )


def _difference(chosen: Measured) -> str:
    points = chosen.points_from_baseline or Estimate(0.0, 0.0, 0.0)
    is_proven = points.low > 0 or points.high < 0
    return f"{signed(points)} points on test images{'' if is_proven else ', which proves no difference'}"


def _percent(estimate: Estimate) -> str:
    return estimate.scaled(100).text(1, " %")


def _alternatives(chosen: Measured, report: ChoiceReport) -> list[str]:
    """The artifacts on the Pareto front that are more accurate, and what they cost."""
    return [
        f"{each.name} only if {100 * (each.validation.value - chosen.validation.value):.1f} more points on validation "
        f"images are worth {each.milliseconds / chosen.milliseconds:.1f} times the latency."
        for each in report.front_artifacts
        if each.validation.value > chosen.validation.value
    ]


def _nearest(report: ChoiceReport) -> list[str]:
    """The artifacts on the Pareto front with the limits that they exceed."""
    every = report.measurement.artifacts
    return [f"{each.name}: {'; '.join(violations(each, every, report.limits))}." for each in report.front_artifacts]
