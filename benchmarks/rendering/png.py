"""Latency against accuracy as a PNG, one point a row."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from benchmarks.analysis.report import Report
from temper.storage.atomic import atomic_write

COLOURS = {"fp32": "#4477aa", "fp16": "#228833", "int8": "#cc3311"}
LEAST_POINTS = 1.5


def draw(report: Report, target: Path) -> None:
    """Median milliseconds at batch 1 and held-out top-1, with their intervals."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120, layout="constrained")
    lines = [line for line in report.lines if line.latency and line.accuracy]
    for i, line in enumerate(sorted(lines, key=lambda each: each.latency.p50_ms.value if each.latency else 0)):
        if line.latency is None or line.accuracy is None:
            continue
        x, y = line.latency.p50_ms, 100 * line.accuracy.top1.value
        spread = [[x.value - x.low], [x.high - x.value]]
        axes.errorbar(x.value, y, xerr=spread, fmt="o", capsize=3, color=COLOURS[line.precision])
        # Names of neighbours alternate above and below, further and further out.
        height = (14 + 14 * (i // 2 % 5)) * (1 if i % 2 else -1)
        axes.annotate(
            line.name,
            (x.value, y),
            xytext=(6, height),
            textcoords="offset points",
            fontsize=8,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4},
        )
    axes.set_xscale("log")
    axes.set_xlabel("median latency at batch 1, milliseconds (log), with 95 % interval")
    axes.set_ylabel("held-out top-1, %")
    axes.set_title(report.title)
    axes.grid(alpha=0.3)
    axes.margins(x=0.25)
    heights = [100 * line.accuracy.top1.value for line in lines if line.accuracy] or [50.0]
    reach = max(LEAST_POINTS, max(heights) - min(heights))
    axes.set_ylim(min(heights) - reach, max(heights) + reach)
    with atomic_write(target) as path:
        figure.savefig(path)
    pyplot.close(figure)
