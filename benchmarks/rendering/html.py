"""A report as one HTML page that contains everything it needs: plots inline, no script, no network."""

import base64
import io
from collections.abc import Callable
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from benchmarks.analysis.report import CaseResult, Report
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.rendering import plots, sections
from benchmarks.rendering.table import columns, executed_precision
from temper.card import LabelFlip
from temper.errors import UnreadableImage
from temper.images import open_image

THUMBNAIL_SIZE = (112, 112)
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
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html").render(
        report=report,
        colors=Markup(plots.css_variables(":root")),
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
    # matplotlib escapes the names of artifacts.
    return [
        {"name": name, "title": title, "text": text, "svg": Markup(plots.inline_svg(draw(report)))}
        for name, (title, text, draw) in PLOTS.items()
    ]


def _flips(case: CaseResult, images: dict[str, Path]) -> list[tuple[LabelFlip, str]]:
    """Label flips, each with its thumbnail as a data URL, "" where the page shows no images."""
    flips = case.accuracy.flips[:MAX_FLIPS] if case.accuracy else ()
    return [(flip, _thumbnail(images[flip.file]) if flip.file in images else "") for flip in flips]


def _thumbnail(path: Path) -> str:
    """A data URL; "" for an image that can no longer be read."""
    file = io.BytesIO()
    try:
        image = open_image(path)
    except UnreadableImage:
        return ""
    image.thumbnail(THUMBNAIL_SIZE)
    image.save(file, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode()}"
