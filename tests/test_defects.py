"""The table of defects has a row for each, and the tests and suites that it names exist."""

import ast
import re
from pathlib import Path

from experiments.chaos.registry import SUITES
from tests.source import ROOT, tree_of

TEXT = (ROOT / "benchmarks" / "results" / "defects.md").read_text(encoding="utf-8")
TABLE, _, REST = TEXT.partition("\n## Not closed\n")
PARTS, _, NAMED_SUITES = REST.partition("\n## Suites of ")
CODE = re.compile(r"`([^`]*)`")
MAX_CELL = 300


def rows_of(text: str) -> list[list[str]]:
    """The cells of the rows that begin with the number of a defect."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if re.match(r"\| \d", line)]


def functions_of(path: Path) -> set[str]:
    return {node.name for node in tree_of(path).body if isinstance(node, ast.FunctionDef)} if path.is_file() else set()


def test_each_of_the_32_defects_has_one_row() -> None:
    assert [int(row[0]) for row in rows_of(TABLE)] == list(range(1, 33))


def test_no_cell_is_empty_or_too_long_to_read() -> None:
    for number, before, now, tests in rows_of(TABLE):
        assert before and now and CODE.findall(tests), number
        assert max(len(before), len(now), len(tests)) <= MAX_CELL, number


def test_every_named_test_exists() -> None:
    named = {name for row in rows_of(TABLE) + rows_of(PARTS) for name in CODE.findall(row[-1])}
    assert len(named) > 32
    split = {name: name.partition("::") for name in named}
    assert not [name for name, (path, _, function) in split.items() if function not in functions_of(ROOT / path)]


def test_every_named_suite_exists() -> None:
    named = {name for row in rows_of(NAMED_SUITES) for name in CODE.findall(row[-1])}
    assert named
    assert named <= {suite.name for suite in SUITES}


def test_what_is_not_closed_is_explained() -> None:
    marked = {row[0] for row in rows_of(TABLE) if re.search(r"\b(partly|open):", row[2])}
    assert marked == set(re.findall(r"^\* \*\*(\d+):\*\*", REST, re.MULTILINE))
