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
    """What to use, what it is worth, and when to use another one; nothing to use where the A/A control failed."""
    chosen = report.measurement.artifact(report.chosen)
    if chosen is None:
        return [*_noise(report), f"No artifact is within the limits. {report.limits.sentence()}", *_nearest(report)]
    name = f"{chosen.backbone} at {chosen.size} pixels, {chosen.test.precision} ({chosen.test.artifact})"
    origin = (
        f"It was chosen on {plural(report.measurement.validation_images, 'validation image')}, "
        f"{_percent(chosen.validation)} of them correct. {report.limits.sentence()}"
    )
    if not report.is_confirmed:
        by_rule = f"By these figures the rule takes {name}; after another measurement it may take another one."
        return [*_noise(report), f"{by_rule} {worth(chosen, report)}", origin]
    return [f"{name}: use it. {worth(chosen, report)}", origin, *_alternatives(chosen, report)]


def next_steps(report: ChoiceReport, folder: Path) -> list[str]:
    """Where the report and the chosen artifact are, and a command that uses it; without a recommendation, the same
    command again."""
    chosen = report.measurement.artifact(report.chosen)
    path = folder / chosen.path if chosen else None
    where = [f"report:   {folder / 'report.md'}", *([f"artifact: {path}"] if path else [])]
    if not report.is_confirmed:
        return [*where, f"again:    {report.command}"]
    return [*where, *([f"use it:   python infer/run.py --engine {path} IMAGE"] if path else [])]


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


def _noise(report: ChoiceReport) -> list[str]:
    control = report.measurement.control
    return [f"{control_sentence(control)} Nothing is recommended."] if control and not control.passed else []


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
