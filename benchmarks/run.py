"""Measure artifacts side by side on the same held-out pictures: speed, accuracy, agreement with Keras.

    python benchmarks/run.py                                every artifact in artifacts/
    python benchmarks/run.py artifacts/demo --quick         in a minute or two
    python benchmarks/run.py --scenario-seconds 10          MLPerf's scenarios too
    python benchmarks/run.py compare old.json new.json --fail-if "p50>5%"

Every row runs in a process of its own, one at a time, in rounds of random order. Writes report.json, report.md,
report.html and report.png to artifacts' report/ folder, and prints the table. `compare` exits with 1 when a row has
become worse than the limit, by more than the intervals leave to chance.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from temper.cli.entry_point import enter

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.analysis.report import Report

FORMATTER = argparse.RawDescriptionHelpFormatter


def parse(words: list[str]) -> argparse.Namespace:
    """The command line of a measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=FORMATTER)
    places = [Path("artifacts")]
    parser.add_argument("places", nargs="*", type=Path, default=places, help="artifacts, or folders (artifacts)")
    parser.add_argument("--data", type=Path, help="where the model's pictures lie, if they have moved")
    parser.add_argument("--pictures", type=_positive, default=400, help="held-out pictures that are asked (400)")
    parser.add_argument(
        "--seconds", type=_seconds, default=8.0, help="a row's timing: latency, and each batch size (8)"
    )
    parser.add_argument("--batches", type=_batches, default=(1, 8), help="batch sizes of the throughput (1,8)")
    parser.add_argument("--cold-starts", type=_positive, default=1, help="fresh processes a row (1)")
    parser.add_argument("--scenario-seconds", type=_seconds, default=0.0, help="of each LoadGen run (0: none)")
    parser.add_argument("--bound-ms", type=_seconds, default=100.0, help="p99 that LoadGen's Server must keep (100)")
    parser.add_argument("--quick", action="store_true", help="no rarer Keras calls, no files to labels, no peak")
    parser.add_argument("--no-thumbnails", action="store_true", help="keep the pictures themselves out of the page")
    parser.add_argument("--out", type=Path, help="folder of the report (report/ beside the first artifact)")
    return parser.parse_args(words)


def parse_compare(words: list[str]) -> argparse.Namespace:
    """The command line of a comparison."""
    parser = argparse.ArgumentParser(prog="run.py compare", description=__doc__, formatter_class=FORMATTER)
    parser.add_argument("before", type=Path, help="report.json of before")
    parser.add_argument("after", type=Path, help="report.json of after")
    parser.add_argument(
        "--fail-if", action="append", help='"p50>5%%" (the default), "throughput@8>5%%", "top1>1points"'
    )
    return parser.parse_args(words)


def main() -> int:
    """Measure and write the report, or compare two."""
    if sys.argv[1:2] == ["compare"]:
        return main_compare(parse_compare(sys.argv[2:]))
    options = parse(sys.argv[1:])
    from benchmarks.benchmark import Choices, conduct, write

    out = options.out or _default_out(options.places[0])
    choices = Choices(**{name: value for name, value in vars(options).items() if name != "out"}, out=out)
    report = conduct(choices, _progress())
    write(report, choices)
    show(report, out)
    return 0


def main_compare(options: argparse.Namespace) -> int:
    """Print each change; 1 if any lies beyond its limit."""
    from benchmarks.analysis.compare import compare, other_conditions, parse_limit

    limits = [parse_limit(text) for text in options.fail_if or ["p50>5%"]]
    changes = compare(options.before, options.after, limits)
    for said in other_conditions(options.before, options.after):
        print(f"not alike: {said}")
    for change in changes:
        print(change)
    return int(any(change.failed for change in changes))


def show(report: Report, out: Path) -> None:
    """Print the table, the verdicts and where the report lies."""
    from benchmarks.analysis.verdict import noise, warnings
    from benchmarks.rendering.table import rows

    lines = rows(report, brief=True)
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    if report.control is not None and not report.control.passed:
        print(f"\n{noise(report.control)}")
    print(f"\n{report.title}: {report.pictures} held-out pictures at {report.size} pixels\n")
    for line in lines:
        padded = [
            cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        ]
        print("  ".join(padded).rstrip())
    print()
    if report.control is not None and report.control.passed:
        print(noise(report.control))
    for said in (*warnings(report), *(line.verdict for line in report.lines)):
        print(said)
    files = ", ".join(str(out / f"report.{suffix}") for suffix in ("html", "md", "png", "json"))
    print(f"\nlook at {files}")


def _progress() -> Callable[[str], None]:
    """A line that rewrites itself on a terminal; elsewhere a line for each stage, not for each round."""
    said: list[str] = []

    def say(text: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif (stage := text.partition(",")[0]) not in said:
            said.append(stage)
            print(stage, flush=True)

    return say


def _default_out(place: Path) -> Path:
    return (place if place.is_dir() else place.parent) / "report"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected 0 or more")
    return number


def _batches(text: str) -> tuple[int, ...]:
    return tuple(sorted({_positive(each) for each in text.split(",")}))


if __name__ == "__main__":
    enter(main)
