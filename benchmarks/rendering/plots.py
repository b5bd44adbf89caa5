"""The plots of a report, once, for the page (SVG) and for a PNG file: the same points in the same colors."""

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter
from matplotlib.transforms import Bbox

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.analysis.statistics import Estimate
from benchmarks.rendering.label_placement import nearest_point, place_labels
from pages.colors import LIGHT
from temper.cli import plot_style

# The color of Keras, and of each precision that is executed.
PRECISION_COLORS = {
    "keras": plot_style.GRAY,
    "fp32": plot_style.BLUE,
    "fp16": plot_style.GREEN,
    "bf16": plot_style.OLIVE,
    "int8": plot_style.ORANGE,
    "other": plot_style.PURPLE,
}
WIDTH_INCHES = 10
BINS = 60
# A difference of a fraction of a point must not fill the plot.
MIN_ACCURACY_RANGE = 3.0
# In points, as all lengths below.
LABEL_GAP = 5
POINTS_PER_INCH = 72


def color_name(case: CaseResult) -> str:
    """What decides the color of a case: Keras, or the precision that is executed."""
    if case.is_keras:
        return "keras"
    return case.main_precision if case.main_precision in PRECISION_COLORS else "other"


def latency_accuracy_figure(report: Report) -> Figure:
    """Median latency at batch 1 (log) against top-1 accuracy, with the intervals of the latency."""
    with mpl.rc_context(plot_style.STYLE):
        cases = report.measured
        figure, axes = make_figure(max(4.6, 0.2 * len(cases)))
        latencies = [case.latency.p50_ms for case in cases if case.latency]
        accuracies = [100 * case.accuracy.top1.value for case in cases if case.accuracy]
        set_limits(axes, latencies, accuracies)
        for case, x, y in zip(cases, latencies, accuracies, strict=True):
            interval = [[x.value - x.low], [x.high - x.value]]
            mark = axes.errorbar(
                x.value, y, xerr=interval, fmt="o", ms=7, capsize=3, color=PRECISION_COLORS[color_name(case)]
            )
            mark.lines[0].set(gid=f"mark-{case.name}", markeredgecolor=LIGHT["panel"], markeredgewidth=0.7)
        axes.set_xlabel("median latency at batch 1 in milliseconds, with 95 % interval (better to the left)")
        axes.set_ylabel("top-1 accuracy on held-out images, % (better upward)")
        axes.grid(True)
        figure.tight_layout(rect=(0, 0, 1, 0.94))
        _add_legend(axes, cases)
        add_labels(axes, [case.name for case in cases], list(zip(latencies, accuracies, strict=True)))
    return figure


def latency_distribution_figure(report: Report) -> Figure:
    """Histograms of all latency samples, a lane for each case, with the median (solid) and p99 (dashed)."""
    with mpl.rc_context(plot_style.STYLE):
        latencies = [case.latency for case in report.measured if case.latency]
        samples = [np.concatenate([np.array(block) for block in latency.blocks_ms]) for latency in latencies]
        figure, axes = make_figure(1.0 + 0.36 * len(samples))
        edges = np.geomspace(min(s.min() for s in samples) / 1.1, max(s.max() for s in samples) * 1.1, BINS + 1)
        lanes = range(len(samples))
        for lane, case, latency, values in zip(lanes, report.measured, latencies, samples, strict=True):
            counts = np.histogram(values, edges)[0]
            color = PRECISION_COLORS[color_name(case)]
            heights = lane - 0.85 * counts / counts.max()
            axes.stairs(heights, edges, baseline=lane, fill=True, facecolor=color, alpha=0.4, gid=f"mark-{case.name}")
            axes.stairs(heights, edges, baseline=lane, color=color)
            for percentile, style in ((latency.p50_ms, "-"), (latency.p99_ms, (0, (2, 2)))):
                axes.vlines(percentile.value, lane - 0.85, lane, color=LIGHT["ink"], linewidth=1.4, linestyles=[style])
        _set_log_axis(axes, edges[0], edges[-1])
        axes.set_yticks(list(lanes), [case.name for case in report.measured])
        axes.set_ylim(len(samples) - 0.8, -1)
        axes.set_xlabel("milliseconds")
        axes.grid(True, axis="x")
        figure.tight_layout()
    return figure


def throughput_figure(report: Report) -> Figure:
    """Images per second by case and batch size."""
    with mpl.rc_context(plot_style.STYLE):
        count = sum(len(case.throughput) for case in report.measured)
        figure, axes = make_figure(1.0 + 0.22 * count + 0.1 * len(report.measured))
        ticks: dict[float, str] = {}
        row = 0.0
        for case in report.measured:
            row += 0.5
            for i, each in enumerate(case.throughput):
                rate, color = each.images_per_second, PRECISION_COLORS[color_name(case)]
                ticks[row] = f"batch {each.batch}" if i else f"{case.name}   batch {each.batch}"
                axes.barh(row, rate.value, height=0.8, color=color, gid=f"mark-{case.name}-{each.batch}")
                axes.hlines(row, rate.low, rate.high, color=LIGHT["ink"], linewidth=1)
                axes.annotate(f"{rate.value:,.1f}", (rate.high, row), (4, 0), textcoords="offset points", va="center")
                row += 1
        axes.set_yticks(list(ticks), list(ticks.values()))
        axes.set_ylim(row - 0.3, -0.3)
        axes.margins(x=0.08)
        axes.set_xlim(left=0)
        axes.set_xlabel("images per second by the wall clock, with 95 % interval")
        axes.grid(True, axis="x")
        figure.tight_layout()
    return figure


def make_figure(height: float) -> tuple[Figure, Axes]:
    """A figure of the width of all plots. height: in inches."""
    figure = Figure(figsize=(WIDTH_INCHES, height))
    return figure, figure.add_subplot()


def set_limits(axes: Axes, latencies: list[Estimate], accuracies: list[float]) -> None:
    """Limits of a plot of latency in milliseconds (log) against accuracy in percent."""
    if not latencies:
        return
    _set_log_axis(axes, min(x.low for x in latencies) / 1.6, max(x.high for x in latencies) * 1.6)
    middle = (min(accuracies) + max(accuracies)) / 2
    half = 0.7 * max(MIN_ACCURACY_RANGE, max(accuracies) - min(accuracies))
    axes.set_ylim(middle - half, middle + half)


def add_labels(axes: Axes, names: list[str], points: list[tuple[Estimate, float]]) -> None:
    """Write the names beside their points, with a line to a name that is not right next to its point.

    points: those beyond the names have none, and are not covered.
    """
    to_display = axes.transData.transform
    texts = [axes.text(0, 0, name, transform=axes.transAxes, va="bottom", gid="label") for name in names]
    sizes = [(extent.width + 2, extent.height + 2) for extent in (text.get_window_extent() for text in texts)]
    marks = [Bbox([to_display((x.low, y)), to_display((x.high, y))]) for x, y in points]
    gap = LABEL_GAP * axes.figure.dpi / POINTS_PER_INCH
    boxes = place_labels(marks, sizes, axes.get_window_extent(), gap)
    to_axes = axes.transAxes.inverted().transform
    for text, box, mark, point in zip(texts, boxes, marks, points, strict=False):
        if box is None:
            text.remove()
            continue
        left, bottom = to_axes((box.x0 + 1, box.y0 + 1))
        text.set_position((left, bottom))
        if not box.overlaps(mark.padded(1.5 * gap)):
            x, y = to_display((point[0].value, point[1]))
            (x0, y0), (x1, y1) = to_axes([(x, y), nearest_point(box, (x, y))])
            axes.plot([x0, x1], [y0, y1], color=LIGHT["soft"], linewidth=0.6, transform=axes.transAxes, zorder=1)


def _set_log_axis(axes: Axes, low: float, high: float) -> None:
    axes.set_xscale("log")
    axes.set_xlim(low, high)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.xaxis.set_minor_locator(NullLocator())


def _add_legend(axes: Axes, cases: list[CaseResult]) -> None:
    names = dict.fromkeys(color_name(case) for case in cases)
    markers = [
        Line2D(
            [], [], marker="o", ls="", ms=7, color=PRECISION_COLORS[name], label="Keras" if name == "keras" else name
        )
        for name in names
    ]
    axes.figure.legend(handles=markers, loc="upper right", ncols=len(markers) or 1, frameon=False)
