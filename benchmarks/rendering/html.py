"""A report as one HTML page that needs nothing but itself: drawings inline, no script, no network."""

import base64
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from PIL import Image, ImageOps

from benchmarks.analysis.report import Flip, Report
from benchmarks.analysis.verdict import headline, noise, warnings
from benchmarks.rendering import svg_layout as charts
from benchmarks.rendering.markdown import METHOD, end_to_end_rows, scenario_rows
from benchmarks.rendering.table import columns, runs_as

THUMBNAIL = (112, 112)
MOST_FLIPS = 24


@dataclass(frozen=True)
class Shown:
    """A flipped picture with its thumbnail as a data URL, "" where pictures are kept out of the page."""

    flip: Flip
    source: str


def as_page(report: Report, pictures: dict[str, Path]) -> str:
    """The page. pictures: files by the name that flips bear; empty keeps thumbnails out of it."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    drawn = charts.measured(report)
    return environment.get_template("report.html").render(
        report=report,
        headline=headline(report),
        noise=noise(report.control) if report.control else "",
        warnings=warnings(report),
        method=METHOD,
        columns=columns(report),
        runs_as=runs_as,
        kind_of=charts.kind_of,
        scatter=charts.scatter(report) if drawn else None,
        distributions=charts.distributions(report) if drawn else None,
        throughputs=charts.throughputs(report) if drawn else None,
        chart=charts,
        end_to_end=end_to_end_rows(report),
        scenarios=scenario_rows(report),
        flips={line.name: list(_shown(line.accuracy.flips, pictures)) for line in drawn if line.accuracy},
        most_flips=MOST_FLIPS,
    )


def _shown(flips: tuple[Flip, ...], pictures: dict[str, Path]) -> Iterator[Shown]:
    for flip in flips[:MOST_FLIPS]:
        path = pictures.get(flip.file)
        yield Shown(flip, _thumbnail(path) if path else "")


def _thumbnail(path: Path) -> str:
    kept = io.BytesIO()
    with Image.open(path) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        upright.thumbnail(THUMBNAIL)
        upright.save(kept, "JPEG", quality=80)
    return f"data:image/jpeg;base64,{base64.b64encode(kept.getvalue()).decode()}"
