"""The one table: the terminal, the Markdown file and the page show the same cells."""

import statistics
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.analysis.report import Costs, Line, Report
from benchmarks.analysis.statistics import Estimate

Figure = Estimate | float | None
Source = Callable[[Line], Figure]
NONE = "–"


@dataclass(frozen=True)
class Column:
    """A head, where a line's figure comes from, and how many decimals it is shown with.

    brief: shown in the terminal too. interval: the 95 % interval is shown. at_least: the figure is a lower bound.
    """

    head: str
    of: Source
    decimals: int = 1
    brief: bool = True
    interval: bool = False
    at_least: Callable[[Line], bool] = lambda line: False

    def value(self, line: Line) -> float | None:
        """The bare figure."""
        figure = self.of(line)
        return figure.value if isinstance(figure, Estimate) else figure

    def text(self, line: Line) -> str:
        """The figure as it is shown."""
        figure = self.of(line)
        if figure is None:
            return NONE
        if isinstance(figure, Estimate) and self.interval:
            return " ".join((self._round(figure.value), f"[{self._round(figure.low)}, {self._round(figure.high)}]"))
        mark = "≥ " if self.at_least(line) else ""
        return mark + self._round(figure.value if isinstance(figure, Estimate) else figure)

    def _round(self, value: float) -> str:
        # Tiny networks answer in hundredths of a millisecond, and their files are kilobytes.
        tiny = 0.5 * 10.0 ** -(self.decimals + 2) <= abs(value) < 10.0 ** (1 - self.decimals)
        decimals = self.decimals + 2 if tiny else self.decimals
        return f"{value:,.{decimals}f}"


def columns(report: Report) -> list[Column]:
    """Every column there is something to show in."""
    reference, largest = report.reference, report.batches[-1:]
    every = [
        Column("top-1 %", _percent(lambda line: line.accuracy.top1 if line.accuracy else None)),
        Column("agree %", _percent(lambda line: line.accuracy.agreement if line.accuracy else None)),
        Column("max Δ", lambda line: line.accuracy.max_difference if line.accuracy else None, 3, brief=False),
        Column("p50 ms", lambda line: line.latency.p50_ms if line.latency else None, 2),
        Column("p90 ms", lambda line: line.latency.p90_ms if line.latency else None, 2, brief=False),
        Column("p99 ms", lambda line: line.latency.p99_ms if line.latency else None, 2, at_least=_has_few_calls),
        Column("network ms", lambda line: line.latency.network_p50_ms if line.latency else None, 2),
        Column("CPU ms", lambda line: line.latency.cpu_ms if line.latency else None, 2, brief=False),
        *(Column(f"images/s, batch {batch}", _rate(batch)) for batch in report.batches),
        Column(f"× {reference}", lambda line: line.speedup(reference), 2, interval=True),
        *(Column(f"× at batch {batch}", _speedup(reference, batch), 2, False, True) for batch in largest),
        Column("MB", _cost(lambda costs: costs.megabytes)),
        Column("cold start s", _cost(lambda costs: statistics.median(costs.cold_starts_seconds or [0.0]) or None)),
        Column("× its cold start", lambda line: _sooner(report, line), 1, brief=False, interval=True),
        Column("peak RSS MiB", _cost(lambda costs: costs.peak_mib or None), 0, brief=False),
        Column("GPU MiB", _cost(lambda costs: costs.gpu_mib), 0, brief=False),
        Column("build s", _cost(lambda costs: costs.build_seconds), 0, brief=False),
        Column("% of peak", _percent(_cost(lambda costs: costs.share_of_peak)), 0, brief=False),
        Column("J/image", _cost(lambda costs: costs.joules_per_image), 3, brief=False),
        Column("server images/s", lambda line: line.server_images_per_second, brief=False),
    ]
    return [column for column in every if any(column.of(line) is not None for line in report.lines)]


def rows(report: Report, brief: bool = False) -> list[list[str]]:
    """Head and lines, as text."""
    shown = [column for column in columns(report) if column.brief or not brief]
    head = ["artifact", "runs as", *(column.head for column in shown)]
    return [head, *([line.name, runs_as(line), *(column.text(line) for column in shown)] for line in report.lines)]


def runs_as(line: Line) -> str:
    """The executed precision, or that the row was skipped."""
    return "skipped" if line.skipped else line.executed


def _has_few_calls(line: Line) -> bool:
    return line.latency is not None and line.latency.p99_is_lower_bound


def _rate(batch: int) -> Source:
    return lambda line: line.rate(batch)


def _speedup(over: str, batch: int) -> Source:
    return lambda line: line.speedup(over, batch)


def _sooner(report: Report, line: Line) -> Estimate | None:
    """How many times sooner than the reference a fresh process answers: of the medians, and of the extremes."""
    by_name = {each.name: each.costs.cold_starts_seconds for each in report.lines if each.costs}
    theirs, ours = by_name.get(report.reference), by_name.get(line.name)
    if not theirs or not ours or line.name == report.reference:
        return None
    middle = statistics.median(theirs) / statistics.median(ours)
    return Estimate(middle, min(theirs) / max(ours), max(theirs) / min(ours))


def _cost(of: Callable[[Costs], float | None]) -> Source:
    return lambda line: of(line.costs) if line.costs else None


def _percent(of: Source) -> Source:
    def percent(line: Line) -> Figure:
        figure = of(line)
        if isinstance(figure, Estimate):
            return Estimate(100 * figure.value, 100 * figure.low, 100 * figure.high)
        return None if figure is None else 100 * figure

    return percent
