"""Latency against accuracy, one point a row."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot

from benchmarks.report import Report
from temper.files import staged

COLOURS = {"fp32": "#4477aa", "fp16": "#228833", "int8": "#cc3311"}


def draw(report: Report, target: Path) -> None:
    """Write a PNG: median milliseconds at batch 1 with its interval, and held-out top-1."""
    figure, axes = pyplot.subplots(figsize=(8, 4.5), dpi=120, layout="constrained")
    drawn = [each for each in report.lines if each.p50_ms is not None and each.top1 is not None]
    for i, each in enumerate(drawn):
        assert each.p50_ms is not None and each.top1 is not None
        spread = [[each.p50_ms.value - each.p50_ms.low], [each.p50_ms.high - each.p50_ms.value]]
        axes.errorbar(
            each.p50_ms.value, 100 * each.top1, xerr=spread, fmt="o", capsize=3, color=COLOURS[each.precision]
        )
        axes.annotate(
            each.name,
            (each.p50_ms.value, 100 * each.top1),
            xytext=(6, 8 if i % 2 else -14),
            textcoords="offset points",
            fontsize=8,
        )
    axes.set_xscale("log")
    axes.set_xlabel("median latency at batch 1, milliseconds (log), with 95 % interval")
    axes.set_ylabel("held-out top-1, %")
    axes.set_title(report.title)
    axes.grid(alpha=0.3)
    axes.margins(x=0.25, y=0.25)
    with staged(target) as path:
        figure.savefig(path)
    pyplot.close(figure)
