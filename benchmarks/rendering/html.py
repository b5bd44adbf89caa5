"""A report as one HTML page that contains everything it needs: plots inline, no script, no network."""

from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.rendering import plots, sections
from benchmarks.rendering.table import columns, executed_precision
from pages.figures import inline_svg
from pages.render import render_page
from pages.thumbnails import thumbnail_of_file
from temper.card import LabelFlip

TEMPLATE = Path(__file__).with_name("report.html")
MAX_FLIPS = 24
PLOTS: dict[str, tuple[str, str, Callable[[Report], Figure]]] = {
    "scatter": (
        "Latency against accuracy",
        "The color is the precision that is executed.",
        plots.latency_accuracy_figure,
    ),
    "distributions": (
        "Every call",
        "All samples at batch 1, nothing removed. Solid line: median; dashed line: p99.",
        plots.latency_distribution_figure,
    ),
    "throughput": ("Throughput by batch size", "", plots.throughput_figure),
}


def as_page(report: Report, images: dict[str, Path]) -> str:
    """The page. images: files by the name that label flips use; empty leaves thumbnails out."""
    return render_page(
        TEMPLATE,
        report=report,
        headline=headline(report),
        control=control_sentence(report.control) if report.control else "",
        warnings=warnings(report),
        columns=columns(report),
        executed_precision=executed_precision,
        plots=_plots(report) if report.measured else [],
        sections=sections,
        flips={case.name: flips for case in report.measured if (flips := _flips(case, images))},
    )


def _plots(report: Report) -> list[dict[str, str]]:
    return [
        {"name": name, "title": title, "text": text, "svg": Markup(inline_svg(draw(report)))}
        for name, (title, text, draw) in PLOTS.items()
    ]


def _flips(case: CaseResult, images: dict[str, Path]) -> list[tuple[LabelFlip, str]]:
    """Label flips, each with its thumbnail as a data URL, "" where the page shows no images."""
    flips = case.accuracy.flips[:MAX_FLIPS] if case.accuracy else ()
    return [(flip, thumbnail_of_file(images[flip.file]) if flip.file in images else "") for flip in flips]
