"""What was measured, from benchmarks/results/: each part names its file, and fits into lines of 99 columns."""

import json
import textwrap
from pathlib import Path

from experiments.chaos.record import COUNTS
from temper.cli.tables import Table

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "benchmarks" / "results"
WIDTH = 99


def demo() -> str:
    """The last step of `make demo`, as a terminal shows it, up to the verdicts."""
    from benchmarks.analysis.report_file import read_report
    from benchmarks.rendering.terminal import terminal_text

    report = read_report(RESULTS / "demo" / "report.json")
    lines = terminal_text(report, WIDTH).splitlines()
    end = next(i for i, line in enumerate(lines) if line == f"{report.baseline} is the baseline.")
    return "\n".join(["```", *lines[:end], "…", "```"])


def photos() -> str:
    """The first sentences of the report on photos, and where and when it was measured."""
    from benchmarks.analysis.report_file import read_report
    from benchmarks.analysis.verdict import headline

    name = "photos-224"
    report = read_report(RESULTS / name / "report.json")
    host = report.host
    return _wrapped(
        f"{report.images} held-out {report.dataset} at {report.size} pixels, {host.cores} cores of an "
        f"{host.processor}, {report.created[:10]}: {' '.join(headline(report))} Intervals, p99 and further columns: "
        f"[{name}](benchmarks/results/{name}/report.md)."
    )


def chaos() -> str:
    """The sums of all suites that try to break Temper: what was tried is the sum of the columns after it."""
    suites = json.loads((RESULTS / "reliability.json").read_text(encoding="utf-8"))["suites"]
    sums = {name: sum(each[name] for each in suites) for name in COUNTS}
    # A signal that comes before Python is ready: nothing of Temper was tried.
    before_start = sum(each["more"].get("before_start", 0) for each in suites)
    counts = {"suites": len(suites), "tried": sums.pop("tried"), "before start": before_start, **sums}
    row = tuple(f"{count:,}" for count in counts.values())
    return Table(headings=tuple(counts), rows=[row], right=frozenset(range(len(counts)))).markdown()


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_long_words=False, break_on_hyphens=False)
