"""What was measured, as one record, and the record as JSON and Markdown."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.measure import BATCHES, Measured
from benchmarks.rows import PLAIN_KERAS
from benchmarks.statistics import Estimate, bootstrap, paired_ratio
from temper.files import bytes_of
from temper.formats import format_of

SCHEMA = 1
MILLI, MEGA = 1e3, 1e6


@dataclass(frozen=True)
class Line:
    """One row of the report. Shares in [0, 1], times in milliseconds, None for what could not be told.

    images_per_second: by the wall clock, for each batch size. speedup: over plain Keras in the same rounds, batch 1.
    cpu_milliseconds: median CPU time of a call at batch 1, all threads.
    """

    name: str
    precision: str
    executed: str
    runtime: str
    skipped: str
    top1: float | None = None
    agreement: float | None = None
    flipped: tuple[str, ...] = ()
    p50_ms: Estimate | None = None
    p90_ms: Estimate | None = None
    p99_ms: Estimate | None = None
    cpu_milliseconds: float | None = None
    images_per_second: dict[str, float] = dataclasses.field(default_factory=dict)
    speedup: Estimate | None = None
    megabytes: float = 0.0
    peak_mib: float = 0.0
    cold_start_seconds: float = 0.0
    samples_ms: dict[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """All lines, the pictures they were asked, and the machine they ran on."""

    title: str
    pictures: int
    size: int
    machine: dict[str, str]
    versions: dict[str, str]
    lines: tuple[Line, ...]
    schema: int = SCHEMA


def make_line(measured: Measured, truth: NDArray[np.int64], files: list[str], keras: Measured | None) -> Line:
    """The figures of a row. truth: index of each picture's label, files: their names. keras: the plain Keras row."""
    row = measured.row
    megabytes = bytes_of(*format_of(row.artifact).files(row.artifact)) / MEGA
    if measured.answers is None:
        return Line(row.name, row.card.precision, "", "", measured.skipped, megabytes=megabytes)
    said = measured.answers.argmax(axis=1)
    expected = keras.answers.argmax(axis=1) if keras is not None and keras.answers is not None else None
    flipped = () if expected is None else tuple(files[i] for i in np.flatnonzero(said != expected))
    walls = [np.array(calls.wall_seconds) * MILLI for calls in measured.rounds[1]]
    return Line(
        name=row.name,
        precision=row.card.precision,
        executed=measured.facts["executed"],
        runtime=measured.facts["runtime"],
        skipped="",
        top1=float((said == truth).mean()),
        agreement=None if expected is None else float((said == expected).mean()),
        flipped=flipped,
        p50_ms=bootstrap(walls, 50),
        p90_ms=bootstrap(walls, 90),
        p99_ms=bootstrap(walls, 99),
        cpu_milliseconds=MILLI * float(np.median([s for calls in measured.rounds[1] for s in calls.cpu_seconds])),
        images_per_second={str(batch): _throughput(measured, batch) for batch in BATCHES},
        speedup=None if keras is None else paired_ratio(_medians(keras), _medians(measured)),
        megabytes=megabytes,
        peak_mib=measured.peak_mib,
        cold_start_seconds=measured.cold_start_seconds,
        samples_ms={
            str(batch): tuple(round(MILLI * s, 4) for calls in measured.rounds[batch] for s in calls.wall_seconds)
            for batch in BATCHES
        },
    )


def plain_keras(found: list[Measured]) -> Measured | None:
    """The row all are compared with, if it ran."""
    return next((each for each in found if each.row.name == PLAIN_KERAS and each.answers is not None), None)


def as_json(report: Report) -> str:
    """The whole record."""
    return json.dumps(dataclasses.asdict(report), indent=1) + "\n"


def table(report: Report) -> list[list[str]]:
    """Head and lines of the table, as text."""
    head = ["artifact", "runs as", "top-1 %", "agree %", "p50 ms", "p99 ms", "images/s, batch 1", "batch 8"]
    lines = [[*head, "× Keras tf.function", "MB", "cold start s"]]
    for each in report.lines:
        if each.skipped:
            lines.append([each.name, "skipped", *["–"] * 7, f"{each.megabytes:.1f}", "–"])
            continue
        lines.append(
            [
                each.name,
                each.executed,
                _percent(each.top1),
                _percent(each.agreement),
                _figure(each.p50_ms),
                _figure(each.p99_ms),
                *(f"{each.images_per_second[str(batch)]:.1f}" for batch in BATCHES),
                "–" if each.speedup is None else str(each.speedup),
                f"{each.megabytes:.1f}",
                f"{each.cold_start_seconds:.1f}",
            ]
        )
    return lines


def as_markdown(report: Report) -> str:
    """Title, table, reasons of skipped rows, machine and versions."""
    head, *lines = table(report)
    rows = ["| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *lines)]
    skipped = [f"* {each.name}: {each.skipped}" for each in report.lines if each.skipped]
    machine = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in report.machine.items())
    versions = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return "\n".join(
        [
            f"# {report.title}",
            "",
            f"{report.pictures} held-out pictures at {report.size} pixels. Rows ran in processes of their own, one "
            "at a time, in rounds of random order; images/s by the wall clock; 95 % intervals in brackets.",
            "",
            *rows,
            *([""] if skipped else []),
            *skipped,
            "",
            f"Machine: {machine}.",
            f"Versions: {versions}.",
            "",
        ]
    )


def _throughput(measured: Measured, batch: int) -> float:
    blocks = measured.rounds[batch]
    return batch * sum(len(calls.wall_seconds) for calls in blocks) / sum(calls.block_seconds for calls in blocks)


def _medians(measured: Measured) -> NDArray[np.float64]:
    return np.array([np.median(calls.wall_seconds) for calls in measured.rounds[1]])


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.2f}"


def _figure(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{estimate.value:.2f}"


def as_dict(report: Report) -> dict[str, Any]:
    """The record as plain data."""
    return dataclasses.asdict(report)
