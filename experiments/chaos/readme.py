"""The README's table of what was tried to break Temper, made from reliability.json."""

import json
from pathlib import Path
from typing import Any

from experiments.chaos.record import COUNTS
from temper.cli.tables import Table

# The table is between these lines.
BEGIN, END = "<!-- table of reliability.json -->", "<!-- end of the table -->"


def table_of(report: dict[str, Any]) -> str:
    """The table as Markdown: a row for each suite, with its counts.

    report: the content of reliability.json.
    """
    rows = [(each["name"], *(f"{each[name]:,}" for name in COUNTS)) for each in report["suites"]]
    headings = ("suite", *COUNTS)
    return Table(headings=headings, rows=rows, right=frozenset(range(1, len(headings)))).markdown().strip()


def update(readme: Path, report: Path) -> None:
    """Replace the table in the README. Raises ValueError where the README has no place for it."""
    from temper.storage.atomic import write_text

    before, begin, rest = readme.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{readme} does not contain the lines {BEGIN} and {END}")
    write_text(readme, f"{before}{begin}\n{table_of(json.loads(report.read_text()))}\n{end}{after}")
