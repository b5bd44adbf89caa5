"""The plot of the report: accuracy on validation images against latency, with the Pareto front."""

import itertools

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from benchmarks.analysis.statistics import Estimate
from benchmarks.rendering.plots import add_labels, make_figure, set_limits
from choose.records import ChoiceReport, Measured
from choose.rendering.tables import choice_mark
from pages.colors import LIGHT
from temper.cli import plot_style

COLORS = ("blue", "orange", "green", "purple", "olive", "gray")
MARKERS = {"fp32": "o", "fp16": "^", "int8": "s"}
HEIGHT_INCHES = 5.4


def pareto_figure(report: ChoiceReport) -> Figure:
    """Median latency at batch 1 (log) against top-1 on validation images.

    Colors are backbones, and shapes are precisions. The front has names and 95 % intervals, as the baseline has.
    """
    artifacts = report.measurement.artifacts
    backbones = list(dict.fromkeys(each.backbone for each in artifacts))
    colors = {name: LIGHT[COLORS[i % len(COLORS)]] for i, name in enumerate(backbones)}
    named = [each for each in artifacts if each.name in {*report.front, report.chosen, report.measurement.baseline}]
    with mpl.rc_context(plot_style.STYLE):
        figure, axes = make_figure(HEIGHT_INCHES)
        latencies = [each.test.latency.p50_ms for each in artifacts if each.test.latency]
        bounds = [100 * bound for each in named for bound in (each.validation.low, each.validation.high)]
        set_limits(axes, latencies, [*(100 * each.validation.value for each in artifacts), *bounds])
        _draw_front(axes, report)
        for each in artifacts:
            _draw(axes, each, colors[each.backbone], has_interval=each in named, is_chosen=each.name == report.chosen)
        axes.set_xlabel("median latency at batch 1 in milliseconds (better to the left)")
        axes.set_ylabel("top-1 accuracy on validation images, % (better upward)")
        axes.grid(True)
        figure.tight_layout(rect=(0, 0, 1, 0.94))
        _add_legend(figure, colors, list(dict.fromkeys(each.test.precision for each in artifacts)))
        _add_names(axes, report, named)
    return figure


def _draw_front(axes: Axes, report: ChoiceReport) -> None:
    front = report.front_artifacts
    x, y = [each.milliseconds for each in front], [100 * each.validation.value for each in front]
    axes.plot(x, y, color=LIGHT["soft"], linewidth=1, drawstyle="steps-post", zorder=1, gid="front")


def _draw(axes: Axes, one: Measured, color: str, has_interval: bool, is_chosen: bool) -> None:
    x, y = one.milliseconds, 100 * one.validation.value
    if has_interval:
        axes.vlines(x, 100 * one.validation.low, 100 * one.validation.high, color=color, linewidth=0.8, alpha=0.5)
    axes.plot(
        x, y, ls="", marker=MARKERS[one.test.precision], ms=11 if is_chosen else 7, color=color,
        markeredgecolor=LIGHT["ink"] if is_chosen else LIGHT["panel"], markeredgewidth=1.4 if is_chosen else 0.7,
        gid=f"mark-{one.name}",
    )  # fmt: skip


def _add_names(axes: Axes, report: ChoiceReport, named: list[Measured]) -> None:
    """Write the names so that they cover no point and no horizontal part of the front."""
    others = [each for each in report.measurement.artifacts if each not in named]
    points = [_point(each, each) for each in [*named, *others]]
    points += [_point(each, following) for each, following in itertools.pairwise(report.front_artifacts)]
    mark = f" ({choice_mark(report)})"
    add_labels(axes, [each.name + (mark if each.name == report.chosen else "") for each in named], points)
    for text in axes.texts:
        text.set_bbox({"facecolor": LIGHT["panel"], "edgecolor": "none", "alpha": 0.8, "pad": 0.5})


def _point(one: Measured, other: Measured) -> tuple[Estimate, float]:
    """An artifact with the line from its latency to that of another one."""
    return Estimate(one.milliseconds, one.milliseconds, other.milliseconds), 100 * one.validation.value


def _add_legend(figure: Figure, colors: dict[str, str], precisions: list[str]) -> None:
    shapes = {name: (MARKERS[name], LIGHT["soft"]) for name in precisions}
    marks = {**{name: ("o", color) for name, color in colors.items()}, **shapes}
    handles = [
        Line2D([], [], marker=shape, ls="", ms=7, color=color, label=name) for name, (shape, color) in marks.items()
    ]
    handles.append(Line2D([], [], color=LIGHT["soft"], linewidth=1, label="Pareto front"))
    figure.legend(handles=handles, loc="upper right", ncols=len(handles), frameon=False)
