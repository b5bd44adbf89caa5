"""The tables of cold starts."""

import os
import statistics
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from experiments.cold_start.processes import Start
from temper.cli.tables import Table

if TYPE_CHECKING:
    from benchmarks.analysis.statistics import Estimate

# The suffix of an artifact, and whose code opens it: a name of a tree, such as NOW, or ALONE.
Program = tuple[str, str]
KERAS, NOW, ALONE = ".keras", "now", "the library alone"
# A module that takes less in all columns is a part of the row of the others.
MIN_MILLISECONDS = 1.0


@dataclass(kw_only=True)
class Measured:
    """By artifact and code: the starts of each round; milliseconds of each stage and of each module."""

    starts: dict[Program, list[list[Start]]]
    stages: dict[Program, dict[str, float]] = field(default_factory=dict)
    imports: dict[Program, dict[str, float]] = field(default_factory=dict)


def sections(measured: Measured, trees: Mapping[str, Path]) -> Iterator[str | Table]:
    """Texts and tables of the report."""
    yield _method(trees)
    yield _starts_table(measured)
    yield (
        "## Stages\n\nMilliseconds of processor time of the main thread, the smallest of several starts each. Other "
        "threads run at the same time: they hash the artifact, import the decoders, and wait for work of the network."
    )
    yield _columns("stage", measured.stages, 0.0)
    yield (
        "## Imports\n\nMilliseconds that each module takes itself, without those that it imports (`python -X "
        "importtime`), the smallest of several starts each."
    )
    yield _columns("module", measured.imports, MIN_MILLISECONDS)


def ratio(numerators: list[list[Start]], denominators: list[list[Start]], figure: str) -> "Estimate":
    """How many times larger a figure of Start is, from the medians of each round."""
    from benchmarks.analysis.statistics import paired_ratio

    def of_rounds(rounds: list[list[Start]]) -> list[float]:
        return [statistics.median(getattr(each, figure) for each in starts) for starts in rounds]

    return paired_ratio(of_rounds(numerators), of_rounds(denominators))


def _method(trees: Mapping[str, Path]) -> str:
    commits = ", ".join(f"{name}: {_commit(tree)}" for name, tree in trees.items())
    return (
        f"`python experiments/cold_start/run.py`; load {os.getloadavg()[0]:.1f} at the end. Code: {commits}. A program "
        "is started, and labels one image: `python infer/run.py --engine ARTIFACT IMAGE` with all checks, or the "
        "shortest program for the library alone, without any. In "
        "interleaved rounds of random order; medians, and in brackets the smallest. Ratios are to Keras by the same "
        "command, from the medians of each round, with 95 % intervals. Optimized graphs and compiled networks are in "
        "the cache, Python's own compiled files too. The shortest program imports its library as a user writes it, "
        "which is no lower bound. Where other work runs on the machine, processor time says more than the clock."
    )


def _commit(tree: Path) -> str:
    words = ["git", "-C", str(tree), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(words, capture_output=True, text=True).stdout.strip() or "unknown"
    except FileNotFoundError:
        return "unknown"


def _starts_table(measured: Measured) -> Table:
    keras = measured.starts.get((KERAS, NOW))
    rows = []
    for (suffix, code), rounds in measured.starts.items():
        starts = [each for some in rounds for each in some]
        figures = [_median(starts, name) for name in ("label", "end", "cpu")]
        ratios = [ratio(keras, rounds, name).text(1) if keras else "–" for name in ("label", "cpu")]
        rows.append((suffix, code, *figures, *ratios))
    headings = ("artifact", "code", "first label ms", "end ms", "CPU-ms", "sooner than Keras", "CPU time of Keras")
    return Table(headings=headings, rows=rows, right=frozenset(range(2, len(headings))))


def _median(starts: list[Start], figure: str) -> str:
    values = [getattr(each, figure) for each in starts]
    return f"{statistics.median(values):,.0f} [{min(values):,.0f}]"


def _columns(what: str, columns: Mapping[Program, Mapping[str, float]], smallest: float) -> Table:
    """One row for each name, the sum last; names below `smallest` everywhere are one row."""
    names = dict.fromkeys(name for values in columns.values() for name in values)
    large = [name for name in names if max(values.get(name, 0.0) for values in columns.values()) >= smallest]
    rows = [(name, *(_number(values.get(name)) for values in columns.values())) for name in large]
    if len(large) < len(names):
        rest = [sum(value for name, value in values.items() if name not in large) for values in columns.values()]
        rows.append((f"{len(names) - len(large)} others", *map(_number, rest)))
    rows.append(("sum", *(_number(sum(values.values())) for values in columns.values())))
    headings = (what, *(" ".join(program) for program in columns))
    return Table(headings=headings, rows=rows, right=frozenset(range(1, len(headings))))


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.1f}"
