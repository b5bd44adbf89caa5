"""A report in the terminal."""

from benchmarks.analysis.report import Report
from benchmarks.analysis.verdict import control_sentence, warnings
from benchmarks.rendering.table import main_table


def terminal_text(report: Report) -> str:
    """A table with the most important columns, warnings and verdicts; a noisy machine is reported first."""
    control = report.control
    noise = [control_sentence(control)] if control else []
    passed = control is None or control.passed
    return "\n".join(
        [
            *([] if passed else [*noise, ""]),
            f"{report.title}: {report.images} held-out images at {report.size} pixels",
            "",
            main_table(report, brief=True).plain(),
            "",
            *(noise if passed else []),
            *warnings(report),
            *(case.verdict for case in report.cases),
        ]
    )
