"""A report as one HTML page that contains everything it needs: plots inline, no script, no network."""

from collections.abc import Callable
from pathlib import Path

from markupsafe import Markup
from matplotlib.figure import Figure

from benchmarks.analysis.report import Report
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.rendering import plots, sections
from benchmarks.rendering.table import columns, executed_precision
from pages.figures import inline_svg
from pages.render import render_page
from pages.thumbnails import CaptionedImage, thumbnail_of_file
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
        flips=[
            (
                case.name,
                len(case.accuracy.flips),
                [_flipped(flip, report, images) for flip in case.accuracy.flips[:MAX_FLIPS]],
            )
            for case in report.measured
            if case.accuracy and case.accuracy.flips
        ],
    )


def _plots(report: Report) -> list[dict[str, str]]:
    return [
        {"name": name, "title": title, "text": text, "svg": Markup(inline_svg(draw(report)))}
        for name, (title, text, draw) in PLOTS.items()
    ]


def _flipped(flip: LabelFlip, report: Report, images: dict[str, Path]) -> CaptionedImage:
    """An image with both labels; without its thumbnail where the page shows no images."""
    sources = ((thumbnail_of_file(images[flip.file]), flip.file),) if flip.file in images else ()
    return CaptionedImage(sources, (flip.file, f"{report.reference}: {flip.keras}", f"artifact: {flip.predicted}"))
