"""Two reports of the same rows: has anything become worse, as far as the intervals can tell?"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.analysis.report import CONTROL_TOLERANCE, lines_of, read_record
from benchmarks.analysis.statistics import Estimate, percentile, quotient, rate
from temper.errors import UserError

Measure = Callable[[dict[str, Any]], Estimate]
CONDITION = re.compile(r"\s*([a-z0-9@-]+)\s*>\s*(\d+(?:\.\d+)?)\s*(%|points)\s*")


@dataclass(frozen=True)
class Limit:
    """How much worse a measure may become: per cent of it, or points of top-1."""

    measure: str
    most: float

    def __str__(self) -> str:
        return f"{self.measure}>{self.most:g}{'points' if self.measure == 'top1' else '%'}"


@dataclass(frozen=True)
class Change:
    """How much worse a row became: per cent, or points of top-1; below zero it became better."""

    row: str
    limit: Limit
    worse: Estimate

    @property
    def failed(self) -> bool:
        """True when even the interval's better end lies beyond the limit: noise alone fails nothing."""
        return self.worse.low > self.limit.most

    def __str__(self) -> str:
        unit = " points" if self.limit.measure == "top1" else " %"
        said = "FAILED" if self.failed else "ok"
        worse = f"{self.worse.value:+.1f}{unit} [{self.worse.low:+.1f}, {self.worse.high:+.1f}]"
        return f"{said:6}  {self.row}: {self.limit.measure} {worse} (limit +{self.limit.most:g}{unit})"


def parse_limit(text: str) -> Limit:
    """Read "p50>5%", "p99>10%", "throughput@8>5%" or "top1>0.5points". Raises UserError for others."""
    found = CONDITION.fullmatch(text)
    known = found and (found[1] in ("p50", "p90", "p99", "top1") or re.fullmatch(r"throughput@\d+", found[1]))
    if not found or not known or (found[3] == "points") != (found[1] == "top1"):
        raise UserError(
            f'"{text}" is no limit. Expected "p50>5%", "p90>5%", "p99>10%", "throughput@8>5%" or "top1>0.5points".'
        )
    return Limit(found[1], float(found[2]))


def compare(before: Path, after: Path, limits: list[Limit]) -> list[Change]:
    """Changes of all rows that both reports measured.

    Raises UserError where figures would say nothing: no row in common, a row that is gone, other pictures or another
    size, or a report whose A/A control failed.
    """
    records = {path: read_record(path) for path in (before, after)}
    for path, record in records.items():
        _refuse_noise(path, record)
    _refuse_other_pictures(records)
    old, new = lines_of(records[before]), lines_of(records[after])
    shared = [name for name in old if name in new]
    if not shared:
        raise UserError(f"{before} and {after} measured no row in common: compare reports of the same artifacts.")
    if lost := [name for name in old if name not in new]:
        raise UserError(
            f"{after} has not measured {', '.join(lost)}, which {before} has. Find out why they are gone, or measure "
            "both times the same artifacts."
        )
    return [Change(name, limit, worse(old[name], new[name], limit)) for name in shared for limit in limits]


def other_conditions(before: Path, after: Path) -> list[str]:
    """What differs between the machines and packages of two reports, a sentence each."""
    old, new = read_record(before), read_record(after)
    return [
        f"{name} was {old[group].get(name, 'absent')} and is {new[group].get(name, 'absent')}"
        for group in ("machine", "versions")
        for name in sorted(old[group].keys() | new[group].keys())
        if old[group].get(name) != new[group].get(name)
    ]


def _refuse_noise(path: Path, record: dict[str, Any]) -> None:
    control = record["control"]
    if control and abs(control["ratio"]["value"] - 1) > CONTROL_TOLERANCE:
        raise UserError(
            f"{path} was measured on a busy machine: {control['row']} against itself came to "
            f"{control['ratio']['value']:.3f}, where 1.00 ± {CONTROL_TOLERANCE:g} was expected. Measure it again when "
            "nothing else runs, longer with --seconds."
        )


def _refuse_other_pictures(records: dict[Path, dict[str, Any]]) -> None:
    told = {
        path: f"{record['title']}, {record['pictures']} pictures at {record['size']} pixels"
        for path, record in records.items()
    }
    if len(set(told.values())) > 1:
        said = "; ".join(f"{path}: {words}" for path, words in told.items())
        raise UserError(f"The reports asked other pictures ({said}). Measure both with the same --data and artifacts.")


def worse(old: dict[str, Any], new: dict[str, Any], limit: Limit) -> Estimate:
    """How much worse the new line is. Raises UserError when a report has not measured it."""
    if limit.measure == "top1":
        # Answers of other runs are not paired: the two errors add up.
        fall = 100 * (old["accuracy"]["top1"]["value"] - new["accuracy"]["top1"]["value"])
        half = float(np.hypot(_half(old), _half(new)))
        return Estimate(fall, fall - half, fall + half)
    if limit.measure.startswith("throughput@"):
        batch = int(limit.measure.partition("@")[2])
        ratio = quotient(_rate(old, batch), _rate(new, batch))
    else:
        percent = float(limit.measure[1:])
        ratio = quotient(_latency(new, percent), _latency(old, percent))
    return Estimate(*(100 * (each - 1) for each in (ratio.value, ratio.low, ratio.high)))


def _latency(line: dict[str, Any], percent: float) -> Estimate:
    return percentile([np.array(turn) for turn in line["latency"]["turns_ms"]], percent)


def _rate(line: dict[str, Any], batch: int) -> Estimate:
    for each in line["throughput"]:
        if each["batch"] == batch:
            images, seconds = zip(*each["blocks"], strict=True)
            return rate(images, seconds)
    raise UserError(f"{line['name']} was not measured at batch {batch}: add it to --batches.")


def _half(line: dict[str, Any]) -> float:
    top1 = line["accuracy"]["top1"]
    return 100 * float(top1["high"] - top1["low"]) / 2
