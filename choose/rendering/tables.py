"""The tables of the report."""

from benchmarks.analysis.statistics import Estimate
from choose.records import ChoiceReport, Measured
from choose.rule import violations
from temper.cli.tables import Table

MISSING = "–"


def main_table(report: ChoiceReport) -> Table:
    """A row for each artifact, in the order in which they were made."""
    batch = report.measurement.batch
    headings = [
        "artifact", "validation %", "test %", "points from the baseline", "p50 ms", f"images/s, batch {batch}",
        "speedup", f"speedup at batch {batch}", "MB", "",
    ]  # fmt: skip
    rows = [_row(each, report) for each in report.measurement.artifacts]
    return Table(headings=headings, rows=rows, right=frozenset(range(1, len(headings) - 1)))


def failure_table(report: ChoiceReport) -> Table:
    """What could not be made or measured."""
    rows = [[each.name, each.reason] for each in (*report.failures, *report.measurement.failures)]
    return Table(headings=["left out", "reason"], rows=rows)


def choice_mark(report: ChoiceReport) -> str:
    """How the artifact that the rule takes is marked."""
    return "chosen" if report.is_confirmed else "chosen, not confirmed"


def signed(points: Estimate) -> str:
    """With a sign in front of each number.

    >>> signed(Estimate(0.5, -0.7, 1.7))
    '+0.5 [-0.7, +1.7]'
    """
    return f"{points.value:+.1f} [{points.low:+.1f}, {points.high:+.1f}]"


def _row(measured: Measured, report: ChoiceReport) -> list[str]:
    test, baseline, batch = measured.test, report.measurement.baseline, report.measurement.batch
    is_baseline = measured.name == baseline
    difference = None if is_baseline else measured.points_from_baseline
    rate = test.images_per_second(batch)
    return [
        measured.name,
        f"{100 * measured.validation.value:.1f}",
        test.accuracy.top1.scaled(100).text(1) if test.accuracy else MISSING,
        signed(difference) if difference else MISSING,
        f"{measured.milliseconds:.2f}",
        f"{rate.value:,.1f}" if rate else MISSING,
        *(_interval(test.speedup(baseline, each)) for each in (None, batch)),
        f"{measured.megabytes:.1f}",
        _remark(measured, report),
    ]


def _remark(measured: Measured, report: ChoiceReport) -> str:
    """Whether it is the choice, the baseline or on the front, and which limits it exceeds."""
    return "; ".join(
        [
            *([choice_mark(report)] if measured.name == report.chosen else []),
            *(["baseline"] if measured.name == report.measurement.baseline else []),
            *(["Pareto front"] if measured.name in report.front else []),
            *violations(measured, report.measurement.artifacts, report.limits),
        ]
    )


def _interval(estimate: Estimate | None) -> str:
    return estimate.text(2) if estimate else MISSING
