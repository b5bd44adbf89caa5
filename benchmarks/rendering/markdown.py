"""A report as Markdown."""

from benchmarks.analysis.report import Report
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.rendering.sections import END_TO_END, METHOD, end_to_end_table, facts, scenario_table, scenarios_text
from benchmarks.rendering.table import main_table
from temper.cli.tables import Table


def as_markdown(report: Report) -> str:
    """Verdicts, tables, method, machine and versions."""
    parts = [
        f"# {report.title}",
        *headline(report),
        f"{report.images} held-out images at {report.size} pixels.",
        main_table(report).markdown(),
        *(["![Latency against accuracy](report.png)"] if report.measured else []),
        "\n".join(f"* {case.verdict}" for case in report.cases),
        *warnings(report),
        *_section("From files to labels", END_TO_END, end_to_end_table(report)),
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
