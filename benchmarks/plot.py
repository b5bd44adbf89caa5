"""Latency against accuracy as a PNG, one point a row."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from benchmarks.report import Report
from temper.files import staged

COLOURS = {"fp32": "#4477aa", "fp16": "#228833", "int8": "#cc3311"}


def draw(report: Report, target: Path) -> None:
    """Median milliseconds at batch 1 and held-out top-1, with their intervals."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120, layout="constrained")
    for i, line in enumerate(report.lines):
        if line.latency is None or line.accuracy is None:
            continue
        x, y = line.latency.p50_ms, line.accuracy.top1
        axes.errorbar(
            x.value,
            100 * y.value,
            xerr=[[x.value - x.low], [x.high - x.value]],
            fmt="o",
            capsize=3,
            color=COLOURS[line.precision],
        )
        place = {"xytext": (6, 8 if i % 2 else -14), "textcoords": "offset points", "fontsize": 8}
        axes.annotate(line.name, (x.value, 100 * y.value), **place)
    axes.set_xscale("log")
    axes.set_xlabel("median latency at batch 1, milliseconds (log), with 95 % interval")
    axes.set_ylabel("held-out top-1, %")
    axes.set_title(report.title)
    axes.grid(alpha=0.3)
    axes.margins(x=0.25, y=0.25)
    with staged(target) as path:
        figure.savefig(path)
    pyplot.close(figure)
