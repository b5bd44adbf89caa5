"""Two reports of the same cases: has anything become worse, as far as the intervals allow to decide?"""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.analysis.report import CONTROL_TOLERANCE, CaseResult, Report
from benchmarks.analysis.report_file import read_report
from benchmarks.analysis.statistics import Estimate, independent_ratio
from temper.errors import UsageError

CONDITION = re.compile(r"\s*(p50|p90|p99|top1|throughput@\d+)\s*>\s*(\d+(?:\.\d+)?)\s*(%|points)\s*")
EXAMPLES = '"p50>5%", "p90>5%", "p99>10%", "throughput@8>5%" or "top1>0.5points"'


@dataclass(frozen=True)
class Limit:
    """How much worse a measure may become: percent of it, or points of top-1."""

    measure: str
    max_change: float

    @property
    def unit(self) -> str:
        """The unit of changes."""
        return "points" if self.measure == "top1" else "%"


@dataclass(frozen=True, kw_only=True)
class Change:
    """How much worse a case became: percent, or points of top-1; below zero it became better."""

    case: str
    limit: Limit
    change: Estimate

    @property
    def failed(self) -> bool:
        """True when even the better end of the interval is beyond the limit: noise alone fails nothing."""
        return self.change.low > self.limit.max_change

    def __str__(self) -> str:
        status, unit, change = "FAILED" if self.failed else "ok", self.limit.unit, self.change
        interval = f"[{change.low:+.1f}, {change.high:+.1f}]"
        limit = f"(limit +{self.limit.max_change:g} {unit})"
        return f"{status:6}  {self.case}: {self.limit.measure} {change.value:+.1f} {unit} {interval} {limit}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Changes of every case, and differences between the machines and packages, a sentence each."""

    changes: list[Change]
    differences: list[str]


def parse_limit(text: str) -> Limit:
    """Read "p50>5%", "p99>10%", "throughput@8>5%" or "top1>0.5points". Raises UsageError for others."""
    match = CONDITION.fullmatch(text)
    if not match or (match[3] == "points") != (match[1] == "top1"):
        raise UsageError(f'"{text}" is not a limit. Expected {EXAMPLES}')
    return Limit(match[1], float(match[2]))


def compare(before: Path, after: Path, limits: list[Limit]) -> Comparison:
    """Changes of all cases that both reports measured.

    Raises UsageError where numbers would mean nothing: no case in common, a case that is missing, other images or
    another size, or a report whose A/A control failed.
    """
    reports = {path: read_report(path) for path in (before, after)}
    for path, report in reports.items():
        _refuse_noise(path, report)
    _refuse_other_images(reports)
    old, new = ({case.name: case for case in reports[path].measured} for path in (before, after))
    common = [name for name in old if name in new]
    if not common:
        raise UsageError(
            f"{before} and {after} measured no case in common", fix="Compare reports of the same artifacts."
        )
    if missing := [name for name in old if name not in new]:
        raise UsageError(
            f"{after} has not measured {', '.join(missing)}, which {before} has",
            fix="Find out why they are missing, or measure the same artifacts both times.",
        )
    changes = [
        Change(case=name, limit=limit, change=measure_change(old[name], new[name], limit))
        for name in common
        for limit in limits
    ]
    return Comparison(changes=changes, differences=_differences(reports[before], reports[after]))


def measure_change(old: CaseResult, new: CaseResult, limit: Limit) -> Estimate:
    """How much worse the new result is. Raises UsageError when a report has not measured it."""
    if limit.measure == "top1":
        before, after = (_top1(case).scaled(100) for case in (old, new))
        # Predictions of separate runs are not paired: the two errors add up.
        half = float(np.hypot(before.high - before.low, after.high - after.low)) / 2
        drop = before.value - after.value
        return Estimate(drop, drop - half, drop + half)
    if limit.measure.startswith("throughput@"):
        batch = int(limit.measure.partition("@")[2])
        ratio = independent_ratio(_throughput(old, batch), _throughput(new, batch))
    else:
        ratio = independent_ratio(_latency(new, limit.measure), _latency(old, limit.measure))
    return Estimate(*(100 * (each - 1) for each in (ratio.value, ratio.low, ratio.high)))


def _differences(before: Report, after: Report) -> list[str]:
    pairs = (
        (msgspec.to_builtins(before.host), msgspec.to_builtins(after.host)),
        (before.versions, after.versions),
    )
    return [
        f"{name} was {old.get(name, 'absent')} and is {new.get(name, 'absent')}"
        for old, new in pairs
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _refuse_noise(path: Path, report: Report) -> None:
    control = report.control
    if control and not control.passed:
        raise UsageError(
            f"{path} was measured on a busy machine: {control.case} against itself is {control.ratio.value:.3f}, where "
            f"1.00 ± {CONTROL_TOLERANCE:g} was expected",
            fix="Measure it again when nothing else runs, longer with --seconds.",
        )


def _refuse_other_images(reports: dict[Path, Report]) -> None:
    descriptions = {
        path: f"{report.dataset}, {report.images} images at {report.size} pixels" for path, report in reports.items()
    }
    if len(set(descriptions.values())) > 1:
        details = "; ".join(f"{path}: {text}" for path, text in descriptions.items())
        raise UsageError(
            f"the reports are of different images ({details})", fix="Measure both with the same --data and artifacts."
        )


def _top1(case: CaseResult) -> Estimate:
    if case.accuracy is None:
        raise UsageError(f"the accuracy of {case.name} was not measured")
    return case.accuracy.top1


def _latency(case: CaseResult, measure: str) -> Estimate:
    if case.latency is None:
        raise UsageError(f"the latency of {case.name} was not measured")
    return {"p50": case.latency.p50_ms, "p90": case.latency.p90_ms, "p99": case.latency.p99_ms}[measure]


def _throughput(case: CaseResult, batch: int) -> Estimate:
    estimate = case.images_per_second(batch)
    if estimate is None:
        raise UsageError(f"{case.name} was not measured at batch {batch}", fix="Add it to --batch-sizes.")
    return estimate
