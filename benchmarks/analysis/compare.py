"""The comparison of two reports: which cases became worse, as far as the intervals can decide."""

import re
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.analysis.report import CONTROL_TOLERANCE, CaseResult, Report
from benchmarks.analysis.report_file import read_report
from benchmarks.analysis.statistics import Estimate, independent_ratio
from temper.cli.tables import Table
from temper.errors import DataError, QualityError, UsageError

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
        """True when the complete 95 % interval is beyond the limit: noise alone fails nothing."""
        return self.change.low > self.limit.max_change


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

    Raises DataError for reports that cannot be compared: of other images or another size, without a case in common, or
    with a case or a measure missing in one of them; QualityError for one whose A/A control failed or is missing.
    """
    reports = {path: read_report(path) for path in (before, after)}
    for path, report in reports.items():
        _refuse_noise(path, report)
    _refuse_other_images(reports)
    old, new = ({case.name: case for case in reports[path].measured} for path in (before, after))
    if not old.keys() & new.keys():
        raise DataError(
            f"{before} and {after} measured no case in common", fix="Compare reports of the same artifacts."
        )
    if missing := [name for name in old if name not in new]:
        raise DataError(
            f"{after} has not measured {', '.join(missing)}, which {before} has",
            fix="Find out why they are missing, or measure the same artifacts both times.",
        )
    changes = [
        Change(case=name, limit=limit, change=measure_change(old[name], new[name], limit))
        for name in old
        for limit in limits
    ]
    return Comparison(changes=changes, differences=_differences(reports[before], reports[after]))


def measure_change(old: CaseResult, new: CaseResult, limit: Limit) -> Estimate:
    """How much worse the new result is. Raises DataError when a report has not measured it."""
    before, after = (_value_of(case, limit.measure) for case in (old, new))
    if limit.measure == "top1":
        # Predictions of separate runs are not paired: the two errors add up.
        half = float(np.hypot(before.high - before.low, after.high - after.low)) / 2
        drop = before.value - after.value
        return Estimate(drop, drop - half, drop + half)
    is_rate = limit.measure.startswith("throughput")
    ratio = independent_ratio(before, after) if is_rate else independent_ratio(after, before)
    return Estimate(*(100 * (each - 1) for each in (ratio.value, ratio.low, ratio.high)))


def changes_table(changes: list[Change]) -> Table:
    """A row for each change."""
    rows = [
        [
            "FAILED" if each.failed else "ok",
            each.case,
            each.limit.measure,
            f"{each.change.value:+.1f}",
            f"[{each.change.low:+.1f}, {each.change.high:+.1f}]",
            f"+{each.limit.max_change:g} {each.limit.unit}",
        ]
        for each in changes
    ]
    headings = ["result", "artifact", "measure", "worse by", "95 % interval", "limit"]
    return Table(headings=headings, rows=rows, right=frozenset({3, 4, 5}))


def _value_of(case: CaseResult, measure: str) -> Estimate:
    name, _, batch = measure.partition("@")
    if name == "throughput":
        value = case.images_per_second(int(batch))
    elif name == "top1":
        value = case.accuracy.top1.scaled(100) if case.accuracy else None
    else:
        value = getattr(case.latency, f"{name}_ms", None)
    if value is None:
        raise DataError(
            f"{measure} of {case.name} was not measured", fix="For a throughput, add the batch size to --batch-sizes."
        )
    return value


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
    if control is None:
        raise QualityError(
            f"{path} has no A/A control, so the noise of its machine is unknown", fix="Measure the artifacts again."
        )
    if not control.passed:
        raise QualityError(
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
        raise DataError(
            f"the reports are of different images ({details})", fix="Measure both with the same --data and artifacts."
        )
