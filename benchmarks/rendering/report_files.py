"""The files of a report, of which Markdown is made here."""

from pathlib import Path

from benchmarks.analysis.report import Report
from benchmarks.analysis.report_file import report_text
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.measurement.mlperf import SUMMARY
from benchmarks.rendering.html import as_page
from benchmarks.rendering.plots import latency_accuracy_figure
from benchmarks.rendering.sections import (
    END_TO_END,
    METHOD,
    WITHIN_LIMIT,
    end_to_end_table,
    facts,
    scenario_table,
    scenarios_text,
    within_limit_table,
)
from benchmarks.rendering.table import main_table
from pages.figures import png, standalone_svg
from temper.cli.tables import Table
from temper.storage.atomic import atomic_write, write_text


def write_report(report: Report, folder: Path, images: dict[str, Path]) -> Path:
    """Write report.html, .md, .json, .svg and .png, and LoadGen's summaries if there are any; returns report.html.

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
    return folder / "report.html"


def loadgen_summaries(report: Report, folder: Path) -> str:
    """The summaries of all LoadGen runs of a report, each after the name of its logs' folder."""
    logs = [(run.logs, folder / run.logs / SUMMARY) for case in report.cases for run in case.scenarios]
    return "\n".join(f"{name}\n{path.read_text(encoding='utf-8')}" for name, path in logs if path.is_file())


def as_markdown(report: Report) -> str:
    """A report as Markdown: verdicts, tables, method, machine and versions."""
    parts = [
        f"# {report.title}",
        *headline(report),
        f"{report.images} held-out images at {report.size} pixels.",
        main_table(report).markdown(),
        *(["![Latency against accuracy](report.png)"] if report.measured else []),
        "\n".join(f"* {case.verdict}" for case in report.cases),
        *warnings(report),
        *_section("From files to labels", END_TO_END, end_to_end_table(report)),
        *_section("Within a limit of latency", WITHIN_LIMIT, within_limit_table(report)),
        *_section("MLPerf scenarios", scenarios_text(report), scenario_table(report)),
        "## Method",
        f"{METHOD} The timer adds {report.timer_overhead_us:.1f} µs to a call.",
        *([control_sentence(report.control)] if report.control else []),
        "## Machine and versions",
        "\n".join(f"* {name}: {value}" for name, value in facts(report).items()),
    ]
    return "\n\n".join(parts) + "\n"


def _section(title: str, text: str, table: Table) -> list[str]:
    return [f"## {title}", text, table.markdown()] if table.rows else []
