"""The columns of the main table: the terminal, the Markdown file and the page show the same cells."""

import statistics
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.analysis.statistics import Estimate
from temper.cli.tables import Table

Value = Estimate | float | None
# A path of fields, such as "latency.p50_ms", or a function.
Source = str | Callable[[CaseResult], Value]
MISSING = "–"


@dataclass(frozen=True)
class Column:
    """A heading, the source of its values, and how they are shown.

    factor: the unit that is shown. priority: in a narrow terminal, columns of 0 are always shown, of 1 before those
    of 2. interval: with the 95 % interval. lower_bound: path of a flag: the value is a lower bound.
    """

    heading: str
    source: Source
    _: KW_ONLY
    decimals: int = 1
    factor: float = 1.0
    priority: int = 1
    interval: bool = False
    lower_bound: str = ""

    def estimate(self, case: CaseResult) -> Estimate | None:
        """The value in the unit that is shown, with its interval if it has one."""
        value = _follow(case, self.source) if isinstance(self.source, str) else self.source(case)
        if value is None:
            return None
        return (value if isinstance(value, Estimate) else Estimate(value, value, value)).scaled(self.factor)

    def value(self, case: CaseResult) -> float | None:
        """The value in the unit that is shown."""
        estimate = self.estimate(case)
        return estimate.value if estimate else None

    def text(self, case: CaseResult) -> str:
        """The cell."""
        estimate = self.estimate(case)
        if estimate is None:
            return MISSING
        decimals = self._decimals(estimate.value)
        if self.interval:
            return estimate.text(decimals)
        is_bound = self.lower_bound and _follow(case, self.lower_bound)
        return f"{'≥ ' if is_bound else ''}{estimate.value:,.{decimals}f}"

    def _decimals(self, value: float) -> int:
        """Two more at most, for two digits other than zero: tiny networks take hundredths of a millisecond."""
        if round(abs(value), self.decimals + 2) == 0:
            return self.decimals
        enough = (d for d in (self.decimals, self.decimals + 1) if round(abs(value) * 10**d) >= 10)
        return next(enough, self.decimals + 2)


def columns(report: Report) -> list[Column]:
    """Every column that has a value."""
    baseline = report.baseline
    throughput = [
        Column(f"images/s, batch {batch}", partial(CaseResult.images_per_second, batch=batch))
        for batch in report.batch_sizes
    ]
    speedup = partial(Column, decimals=2, interval=True)
    batch_speedups = [
        speedup(f"speedup at batch {batch}", partial(CaseResult.speedup, baseline=baseline, batch=batch), priority=2)
        for batch in report.batch_sizes[-1:]
    ]
    every = [
        Column("top-1 %", "accuracy.top1", factor=100, priority=0),
        Column("agreement %", "accuracy.agreement", factor=100, priority=0),
        Column("max Δ", "accuracy.max_difference", decimals=3, priority=2),
        Column("p50 ms", "latency.p50_ms", decimals=2, priority=0),
        Column("p90 ms", "latency.p90_ms", decimals=2, priority=2),
        Column("p99 ms", "latency.p99_ms", decimals=2, lower_bound="latency.p99_is_lower_bound"),
        Column("network ms", "latency.network_p50_ms", decimals=2),
        Column("CPU ms", "latency.cpu_ms", decimals=2, priority=2),
        *throughput,
        speedup(f"speedup vs {baseline}", partial(CaseResult.speedup, baseline=baseline), priority=0),
        *batch_speedups,
        Column("MB", "costs.megabytes"),
        Column("cold start s", "costs.median_cold_start_seconds"),
        speedup("cold-start speedup", partial(_cold_start_speedup, report), decimals=1, priority=2),
        Column("peak RSS MiB", "costs.peak_rss_mib", decimals=0, priority=2),
        Column("GPU MiB", "costs.gpu_mib", decimals=0, priority=2),
        Column("build s", "costs.build_seconds", decimals=0, priority=2),
        Column("% of peak", "costs.fraction_of_peak", factor=100, decimals=0, priority=2),
        Column("J/image", "costs.joules_per_image", decimals=3, priority=2),
        Column("server images/s", "server_images_per_second", priority=2),
    ]
    return [column for column in every if any(column.estimate(case) for case in report.cases)]


def main_table(report: Report, shown: list[Column] | None = None) -> Table:
    """One row for each case. shown: the columns; by default every column that has a value."""
    shown = columns(report) if shown is None else shown
    headings = ["artifact", "executed precision", *(column.heading for column in shown)]
    rows = [[case.name, executed_precision(case), *(column.text(case) for column in shown)] for case in report.cases]
    return Table(headings=headings, rows=rows, right=frozenset(range(2, len(headings))))


def executed_precision(case: CaseResult) -> str:
    """The precision that the runtime executes, or "skipped"."""
    return "skipped" if case.skipped else case.executed


def _follow(case: CaseResult, path: str) -> Any:
    value: Any = case
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    return value


def _cold_start_speedup(report: Report, case: CaseResult) -> Estimate | None:
    """The ratio of the median cold starts of baseline and case; as interval, the ratios of the extremes."""
    theirs = next((each.costs.cold_start_seconds for each in report.cases if each.name == report.baseline), ())
    ours = case.costs.cold_start_seconds
    if not theirs or not ours or case.name == report.baseline:
        return None
    ratio = statistics.median(theirs) / statistics.median(ours)
    return Estimate(ratio, min(theirs) / max(ours), max(theirs) / min(ours))
