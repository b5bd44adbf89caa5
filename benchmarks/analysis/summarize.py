"""From what was seen of the candidates to the lines of a report."""

from dataclasses import dataclass

import numpy as np

from benchmarks.analysis import accuracy
from benchmarks.analysis.report import Control, Costs, EndToEnd, Latency, Line, Scenario, Speedup, Throughput
from benchmarks.analysis.statistics import Estimate, paired_ratio, percentile, rate
from benchmarks.cases import Row
from benchmarks.measurement.end_to_end import Passage
from benchmarks.measurement.mlperf import Outcome
from benchmarks.measurement.samples import Measured
from benchmarks.measurement.worker_process import Calls
from temper.card import Card
from temper.dataset.split import Example
from temper.formats import format_of
from temper.runners.base import Probabilities
from temper.storage.atomic import bytes_of

MILLI, MEGA, GIGA = 1e3, 1e6, 1e9
SAMPLE_DIGITS = 4


@dataclass(frozen=True)
class FileSet:
    """Files to label. truth: index of each label. Milliseconds to decode one: as this project does, and in full."""

    title: str
    truth: tuple[int, ...]
    decode_ms: float
    full_decode_ms: float


def make_line(each: Measured, rivals: list[Measured], keras: Probabilities | None, examples: list[Example]) -> Line:
    """The figures of a row but its end to end, peak and verdict.

    rivals: Keras rows, which its speed is compared with. keras: the answers it is compared with, [n, classes].
    """
    row = _row(each)
    costs = Costs(
        megabytes=bytes_of(*format_of(row.artifact).files(row.artifact)) / MEGA,
        peak_mib=each.peak_mib,
        cold_starts_seconds=tuple(each.cold_starts_seconds),
        joules_per_image=_joules(each),
        build_seconds=_build_seconds(row.card),
        gpu_mib=each.gpu_mib,
    )
    told = (row.name, row.artifact.name, row.card.precision)
    known = (each.facts.get("executed", ""), each.facts.get("runtime", ""), each.facts.get("device", ""))
    if each.skipped or each.answers is None:
        return Line(*told, *known, each.skipped, costs=costs)
    return Line(
        *told,
        *known,
        skipped="",
        accuracy=accuracy.compare(each.answers, keras, examples, row.card.labels),
        latency=_latency(each),
        throughput=tuple(_throughput(batch, blocks) for batch, blocks in sorted(each.throughput.items())),
        speedups=tuple(
            Speedup(rival.name, batch, speedup(rival, each, batch))
            for rival in rivals
            if not rival.skipped and rival is not each
            for batch in (None, *sorted(each.throughput))
        ),
        scenarios=tuple(_scenario(outcome) for outcome in each.outcomes),
        server_images_per_second=each.server_images_per_second,
        costs=costs,
    )


def make_control(one: Measured | None, other: Measured | None) -> Control | None:
    """The A/A control, if both processes ran."""
    if one is None or other is None or one.skipped or other.skipped:
        return None
    throughput = tuple(Speedup(one.name, batch, speedup(one, other, batch)) for batch in sorted(one.throughput))
    return Control(one.name, speedup(one, other, None), throughput)


def speedup(slow: Measured, fast: Measured, batch: int | None) -> Estimate:
    """How many times faster, paired by round: median latencies (batch None) or the wall clock of blocks."""
    if batch is None:
        return paired_ratio(_medians(slow.latency), _medians(fast.latency))
    return paired_ratio(_seconds_per_image(slow.throughput[batch]), _seconds_per_image(fast.throughput[batch]))


def make_end_to_end(each: Measured, plain: Measured | None, sets: list[FileSet]) -> tuple[EndToEnd, ...]:
    """From files to labels: each set of files, each way. plain: Keras `predict`, to compare with."""
    return tuple(
        _end_to_end(files, way, kept[files.title], None if plain is None else plain.plain_passages.get(files.title))
        for files in sets
        for way, kept in (("overlapped", each.passages), ("plain", each.plain_passages))
        if kept.get(files.title)
    )


def _end_to_end(files: FileSet, way: str, passages: list[Passage], plain: list[Passage] | None) -> EndToEnd:
    n = len(files.truth)
    times = None if not plain else paired_ratio([p.seconds for p in plain], [p.seconds for p in passages])
    return EndToEnd(
        files=files.title,
        way=way,
        images_per_second=rate([n] * len(passages), [p.seconds for p in passages]),
        decode_ms=files.full_decode_ms if way == "plain" else files.decode_ms,
        waiting_ms=MILLI / n * float(np.median([p.waiting_seconds for p in passages])),
        network_ms=MILLI / n * float(np.median([p.network_seconds for p in passages])),
        top1=float(np.mean(np.equal(passages[0].labels, files.truth))),
        speedup=times,
    )


def _latency(each: Measured) -> Latency:
    turns = [MILLI * np.array(calls.wall_seconds) for calls in each.latency]
    return Latency(
        p50_ms=percentile(turns, 50),
        p90_ms=percentile(turns, 90),
        p99_ms=percentile(turns, 99),
        cpu_ms=MILLI * float(np.median([s for calls in each.latency for s in calls.cpu_seconds])),
        stable=each.stable,
        turns_ms=tuple(tuple(round(float(ms), SAMPLE_DIGITS) for ms in turn) for turn in turns),
        network_p50_ms=percentile([MILLI * np.array(calls.wall_seconds) for calls in each.network], 50)
        if each.network
        else None,
    )


def _throughput(batch: int, blocks: list[Calls]) -> Throughput:
    images = [batch * len(calls.wall_seconds) for calls in blocks]
    seconds = [calls.total_seconds for calls in blocks]
    return Throughput(batch, rate(images, seconds), tuple(zip(images, seconds, strict=True)))


def _scenario(outcome: Outcome) -> Scenario:
    return Scenario(
        name=outcome.settings.scenario,
        valid=outcome.valid,
        offered=outcome.settings.rate if outcome.settings.scenario == "Server" else None,
        latency_ms={percent: MILLI * seconds for percent, seconds in outcome.latency_seconds.items()},
        images_per_second=outcome.images_per_second,
        logs="/".join(outcome.settings.logs.parts[-3:]),
    )


def _medians(turns: list[Calls]) -> list[float]:
    return [float(np.median(calls.wall_seconds)) for calls in turns]


def _seconds_per_image(blocks: list[Calls]) -> list[float]:
    return [calls.total_seconds / (calls.batch * len(calls.wall_seconds)) for calls in blocks]


def _joules(each: Measured) -> float | None:
    if each.facts.get("device") == "CPU":
        return None
    told = [calls for blocks in each.throughput.values() for calls in blocks if calls.joules is not None]
    images = sum(calls.batch * len(calls.wall_seconds) for calls in told)
    return sum(calls.joules or 0.0 for calls in told) / images if images else None


def _build_seconds(card: Card) -> float | None:
    told = card.made_on.get("build_seconds")
    return float(told) if told else None


def _row(each: Measured) -> Row:
    if each.row is None:
        raise ValueError(f"{each.name} is no row of the report")
    return each.row
