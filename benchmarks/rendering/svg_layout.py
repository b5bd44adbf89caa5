"""Where things lie in the page's drawings: scales, ticks and labels that do not cover each other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.analysis.report import Line, Report

WIDTH, HEIGHT = 760, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 16, 44
LANE, LANE_LEFT = 34, 190
BINS = 60
LABEL_HEIGHT, LETTER, DOT = 15, 7.8, 7
# Rows share their pictures, so points of accuracy compare directly; a hair's breadth must not fill the drawing.
LEAST_POINTS = 3.0


@dataclass(frozen=True)
class Scale:
    """Maps figures to pixels, linearly or by their logarithm."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def at(self, value: float) -> float:
        """The pixel of a figure."""
        low, high, x = (
            (math.log10(v) for v in (self.low, self.high, value)) if self.log else (self.low, self.high, value)
        )
        return round(self.start + (x - low) / (high - low) * (self.end - self.start), 1)

    def ticks(self) -> list[tuple[float, str]]:
        """Pixels and texts of round figures."""
        return [(self.at(value), f"{value:g}") for value in self._round_figures() if self.low <= value <= self.high]

    def _round_figures(self) -> list[float]:
        if self.log:
            decades = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
            return [round(m * 10.0**d, 9) for d in decades for m in (1, 2, 5)]
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / 2))
        step *= next(m for m in (1, 2, 5) if (self.high - self.low) / (m * step) <= 6 or m == 5)
        return [round(i * step, 9) for i in range(math.floor(self.low / step), math.ceil(self.high / step) + 1)]


@dataclass(frozen=True)
class Point:
    """A row in the drawing of latency against accuracy; x_low, x_high: its interval's ends."""

    name: str
    kind: str
    x: float
    y: float
    x_low: float
    x_high: float
    label_y: float
    label_left: bool


@dataclass(frozen=True)
class Lane:
    """A row's samples: the outline of their histogram, its foot, and the pixels of its percentiles."""

    name: str
    kind: str
    foot: float
    outline: str
    p50: float
    p99: float
    told: str


@dataclass(frozen=True)
class Bar:
    """A row's throughput at a batch size, with its interval."""

    name: str
    kind: str
    batch: int
    y: float
    end: float
    low: float
    high: float
    told: str


def kind_of(line: Line) -> str:
    """What decides a row's colour: plain Keras, or the precision that is really executed."""
    return "keras" if line.runtime.startswith("Keras") else line.main_precision


def scatter(report: Report) -> tuple[list[Point], Scale, Scale]:
    """Median latency at batch 1 (log) against top-1."""
    lines = measured(report)
    xs = [line.latency.p50_ms for line in lines if line.latency]
    ys = [100 * line.accuracy.top1.value for line in lines if line.accuracy]
    across = Scale(min(x.low for x in xs) / 1.6, max(x.high for x in xs) * 2.2, LEFT, WIDTH - RIGHT, log=True)
    middle = (min(ys) + max(ys)) / 2
    half = max(LEAST_POINTS, max(ys) - min(ys)) * 0.7
    up = Scale(middle - half, middle + half, HEIGHT - BOTTOM, TOP)
    taken = [(up.at(y), across.at(x.value) - DOT, across.at(x.value) + DOT) for x, y in zip(xs, ys, strict=True)]
    points = []
    for line, x, y in sorted(zip(lines, xs, ys, strict=True), key=lambda each: each[1].value):
        left = across.at(x.value) + LETTER * len(line.name) + 12 > WIDTH
        at = _free_place(across.at(x.value), up.at(y), LETTER * len(line.name), left, taken)
        ends = (across.at(x.low), across.at(x.high))
        points.append(Point(line.name, kind_of(line), across.at(x.value), up.at(y), *ends, at, left))
    return points, across, up


def distributions(report: Report) -> tuple[list[Lane], Scale, float]:
    """Histograms of every latency sample, a lane for each row, and the height of all."""
    lines = measured(report)
    samples = [np.concatenate([np.array(turn) for turn in line.latency.turns_ms]) for line in lines if line.latency]
    low, high = min(s.min() for s in samples), max(s.max() for s in samples)
    across = Scale(float(low) / 1.1, float(high) * 1.1, LANE_LEFT, WIDTH - RIGHT, log=True)
    edges = np.geomspace(across.low, across.high, BINS + 1)
    lanes = []
    for i, (line, taken) in enumerate(zip(lines, samples, strict=True)):
        foot = TOP + (i + 1) * LANE
        counts = np.histogram(taken, edges)[0]
        tops = foot - (LANE - 8) * counts / counts.max()
        corners = [f"{across.at(edges[j])},{tops[j]:.1f} {across.at(edges[j + 1])},{tops[j]:.1f}" for j in range(BINS)]
        outline = f"{across.start},{foot} {' '.join(corners)} {across.end},{foot}"
        p50, p99 = line.latency.p50_ms, line.latency.p99_ms  # type: ignore[union-attr]
        told = f"{len(taken)} calls: p50 {p50}, p99 {p99} ms"
        lanes.append(Lane(line.name, kind_of(line), foot, outline, across.at(p50.value), across.at(p99.value), told))
    return lanes, across, TOP + len(lanes) * LANE + BOTTOM


def throughputs(report: Report) -> tuple[list[Bar], Scale, float]:
    """Images a second of each row and batch size, and the height of all."""
    lines = measured(report)
    most = max(each.images_per_second.high for line in lines for each in line.throughput)
    across = Scale(0.0, most * 1.12, LANE_LEFT, WIDTH - RIGHT)
    bars, y = [], float(TOP)
    for line in lines:
        for each in line.throughput:
            rate = each.images_per_second
            ends = (across.at(rate.value), across.at(rate.low), across.at(rate.high))
            bars.append(Bar(line.name, kind_of(line), each.batch, y, *ends, f"{rate.value:,.1f}"))
            y += LANE / 2
        y += 8
    return bars, across, y + BOTTOM


def measured(report: Report) -> list[Line]:
    """Lines there is something to draw of."""
    return [line for line in report.lines if line.latency and line.accuracy]


def _free_place(x: float, y: float, width: float, left: bool, taken: list[tuple[float, float, float]]) -> float:
    start = x - width - 10 if left else x + 10
    for step in sorted((step for step in range(-12, 13) if step), key=abs):
        place = y + step * LABEL_HEIGHT
        if TOP <= place <= HEIGHT - BOTTOM and _is_free(place, start, start + width, taken):
            break
    taken.append((place, start, start + width))
    return round(place, 1)


def _is_free(y: float, start: float, end: float, taken: Sequence[tuple[float, float, float]]) -> bool:
    return all(abs(y - other) >= LABEL_HEIGHT or end < a or start > b for other, a, b in taken)
