"""The files of a report."""

from pathlib import Path

from benchmarks.analysis.report import Report
from benchmarks.analysis.report_file import report_text
from benchmarks.measurement.mlperf import SUMMARY
from benchmarks.rendering.html import as_page
from benchmarks.rendering.markdown import as_markdown
from benchmarks.rendering.plots import latency_accuracy_figure, png, standalone_svg
from temper.storage.atomic import atomic_write, write_text


def write_report(report: Report, folder: Path, images: dict[str, Path]) -> list[Path]:
    """Write report.html, .md, .json, .svg and .png, and LoadGen's summaries if there are any; returns the paths.

    images: files by the name that label flips use, for thumbnails; empty leaves them out.
    """
    figure = latency_accuracy_figure(report)
    texts = {
        "report.html": as_page(report, images),
        "report.md": as_markdown(report),
        "report.json": report_text(report),
        "report.svg": standalone_svg(figure),
    }
    if summaries := loadgen_summaries(report, folder):
        texts["loadgen-summaries.txt"] = summaries
    for name, text in texts.items():
        write_text(folder / name, text)
    with atomic_write(folder / "report.png") as path:
        path.write_bytes(png(figure))
    return [*(folder / name for name in texts), folder / "report.png"]


def loadgen_summaries(report: Report, folder: Path) -> str:
    """The summaries of all LoadGen runs of a report, each after the name of its logs' folder."""
    logs = [(run.logs, folder / run.logs / SUMMARY) for case in report.cases for run in case.scenarios]
    return "\n".join(f"{name}\n{path.read_text(encoding='utf-8')}" for name, path in logs if path.is_file())
