"""A report in the terminal."""

import textwrap

from rich.cells import cell_len

from benchmarks.analysis.report import Report
from benchmarks.analysis.verdict import control_sentence, headline, warnings
from benchmarks.rendering.sections import within_limit_table
from benchmarks.rendering.table import Column, columns, main_table


def terminal_text(report: Report, width: int | None = None) -> str:
    """The recommendation, or that the machine was too noisy; then the table, warnings and verdicts.

    width: of the terminal, in columns: the table shows what fits, and sentences are wrapped. None: everything.
    """
    first = headline(report)
    control = [control_sentence(report.control)] if report.control and report.control.passed else []
    verdicts = [case.verdict for case in report.cases if case.verdict not in first]
    shown = columns(report) if width is None else fitting_columns(report, width)
    within_limit = within_limit_table(report)
    hidden = len(columns(report)) - len(shown)
    return "\n".join(
        [
            *_wrapped([*first, f"{report.title}: {report.images} held-out images at {report.size} pixels."], width),
            "",
            main_table(report, shown).plain(),
            *([f"{hidden} more column{'s' if hidden > 1 else ''} in report.md"] if hidden else []),
            "",
            *([within_limit.plain(), ""] if within_limit.rows else []),
            *_wrapped([*control, *warnings(report), *verdicts], width),
        ]
    )


def fitting_columns(report: Report, width: int) -> list[Column]:
    """The columns of a table of at most `width` characters, by priority, in the order of the table.

    The columns of priority 0 are always among them.
    """
    every = columns(report)
    shown: list[Column] = []
    for column in sorted(every, key=lambda each: each.priority):
        more = [each for each in every if each in (*shown, column)]
        if column.priority == 0 or _width(report, more) <= width:
            shown = more
    return shown


def _width(report: Report, shown: list[Column]) -> int:
    return max(cell_len(line) for line in main_table(report, shown).plain().splitlines())


def _wrapped(sentences: list[str], width: int | None) -> list[str]:
    if width is None:
        return sentences
    wrap = textwrap.TextWrapper(width, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False).fill
    return [wrap(each) for each in sentences]
