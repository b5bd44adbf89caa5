"""Measure artifacts side by side on the same held-out images: latency, throughput, accuracy, agreement with Keras.

    python benchmarks/run.py                                every artifact in artifacts/
    python benchmarks/run.py artifacts/demo --quick         in a minute or two
    python benchmarks/run.py --scenario-seconds 10          also the scenarios of MLPerf
    python benchmarks/run.py compare old.json new.json --fail-if "p50>5%"

Without a command, `run` is assumed.
"""

from __future__ import annotations

import os
import sys

if not __package__:
    # Without pathlib, whose import takes longer than all before the next statement.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
if __name__ == "__main__":
    # Before the other imports: a signal in the middle of them ends the command with one line.
    from temper.system.early_signals import exit_at_signals

    exit_at_signals()

import argparse
import shlex
import shutil
from pathlib import Path

from benchmarks.config import BenchmarkConfig
from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.errors import ResourceError
from temper.exit_codes import ExitCode

RUN_DESCRIPTION = """Every case (an artifact, and a mode to call it in) runs in a process of its own; one at a time is
measured, in rounds of random order. Prints a table and writes report.json, .md, .html, .png and .svg."""
COMPARE_DESCRIPTION = """Compare two reports of the same artifacts. The exit code is 1 when a case became worse, and the
complete 95 % interval of the change is beyond a limit."""
DEFAULT_LIMIT = "p50>5%"
DEFAULT = "(default: %(default)s)"
VERBOSITY = ("-q", "--quiet", "-v", "--verbose")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; without a command, `run` is assumed."""
    parser = CommandParser(
        prog="python benchmarks/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands)
    _add_compare(commands)
    words = sys.argv[1:] if arguments is None else arguments
    if words and words[0] in ("-h", "--help"):
        return parser.parse_args(words)
    # -q and -v may precede the command.
    first = next((i for i, word in enumerate(words) if word not in VERBOSITY), len(words))
    if words[first:] and words[first] in commands.choices:
        return parser.parse_args([words[first], *words[:first], *words[first + 1 :]])
    return parser.parse_args(["run", *words])


def run(options: argparse.Namespace) -> int:
    """Measure and write the report, or compare two reports."""
    return _compare(options) if options.command == "compare" else _benchmark(options)


def _add_run(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = commands.add_parser("run", help="measure artifacts (the default)", description=RUN_DESCRIPTION)
    default = BenchmarkConfig()
    add, paths = parser.add_argument, [Path("artifacts")]
    add("paths", nargs="*", type=Path, default=paths, help="artifacts, or folders with some (default: artifacts)")
    add("--data", type=Path, metavar="FOLDER", help="the model's images, if they have moved (default: as in the card)")
    add("--max-images", type=_count, metavar="N", default=400, help=f"held-out images that are classified {DEFAULT}")
    _add_number(parser, "--seconds", default.seconds, "measurement time of each case and batch size")
    add("--batch-sizes", type=_counts, metavar="N,N", default="1,8", help=f"batch sizes for the throughput {DEFAULT}")
    add(
        "--cold-starts",
        type=_count,
        metavar="N",
        default=default.cold_starts,
        help=f"how often each case is started to measure its cold start {DEFAULT}",
    )
    _add_number(
        parser,
        "--scenario-seconds",
        default.scenario_seconds,
        "duration of each LoadGen run (MLPerf), from 60 on at least; 0 for none",
    )
    _add_number(
        parser,
        "--server-latency-bound-ms",
        default.server_latency_bound_ms,
        "limit of the p99 latency in LoadGen's Server scenario",
        "MS",
    )
    text = "find the highest rate with a p99 of at most so many milliseconds, and write it into the cards; 0: do not"
    _add_number(parser, "--p99-ms", default.p99_ms, text, "MS")
    add("--quick", action="store_true", help="leave out rare Keras modes, end-to-end runs and peak compute")
    add("--no-thumbnails", action="store_true", help="show no images in report.html")
    add("--out", type=Path, metavar="FOLDER", help="where to write the report (default: report/ beside the artifacts)")
    add_verbosity_options(parser)


def _add_number(
    parser: argparse.ArgumentParser, name: str, default: float, text: str, metavar: str = "SECONDS"
) -> None:
    parser.add_argument(name, type=_number, metavar=metavar, default=default, help=f"{text} (default: {default:g})")


def _add_compare(commands: argparse._SubParsersAction[CommandParser]) -> None:
    parser = commands.add_parser("compare", help="compare two reports", description=COMPARE_DESCRIPTION)
    parser.add_argument("before", type=Path, help="the earlier report.json")
    parser.add_argument("after", type=Path, help="the later report.json")
    parser.add_argument(
        "--fail-if",
        action="append",
        metavar="LIMIT",
        help='such as "p50>5%%", "p90>5%%", "p99>10%%", "throughput@8>5%%" or "top1>0.5points"; may be repeated '
        f"(default: {DEFAULT_LIMIT}%)",
    )
    add_verbosity_options(parser)


def _benchmark(options: argparse.Namespace) -> int:
    from benchmarks.benchmark import run_benchmark
    from benchmarks.cases import find_cases
    from benchmarks.evaluation_set import load_evaluation_set
    from benchmarks.latency_budgets import write_budgets
    from benchmarks.rendering.report_files import write_report
    from benchmarks.rendering.terminal import terminal_text
    from temper.cli.progress import ProgressDisplay

    out: Path = options.out or _default_out(options.paths[0])
    _check_folder(out)
    config = BenchmarkConfig(
        seconds=options.seconds,
        batch_sizes=options.batch_sizes,
        cold_starts=options.cold_starts,
        scenario_seconds=options.scenario_seconds,
        server_latency_bound_ms=options.server_latency_bound_ms,
        p99_ms=options.p99_ms,
        quick=options.quick,
        logs=out / "loadgen",
    )
    command = shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]])
    cases = find_cases(options.paths, options.quick)
    evaluation = load_evaluation_set(cases[0].artifact, options.data, options.max_images)
    with ProgressDisplay() as progress:
        report = run_benchmark(cases, evaluation, config, progress, command)
    write_budgets(cases, report)
    page = write_report(report, out, {} if options.no_thumbnails else evaluation.files)
    print(terminal_text(report, shutil.get_terminal_size().columns if sys.stdout.isatty() else None))
    print(f"\nreport: {page}")
    # The reasons are in the report, and were logged.
    return ExitCode.SOME_FAILED if all(case.skipped for case in report.cases) else ExitCode.OK


def _compare(options: argparse.Namespace) -> int:
    from benchmarks.analysis.compare import changes_table, compare, parse_limit

    limits = [parse_limit(text) for text in options.fail_if or [DEFAULT_LIMIT]]
    comparison = compare(options.before, options.after, limits)
    for difference in comparison.differences:
        print(f"different: {difference}")
    print(changes_table(comparison.changes).plain())
    return ExitCode.SOME_FAILED if any(change.failed for change in comparison.changes) else ExitCode.OK


def _default_out(path: Path) -> Path:
    from temper.formats import format_of

    return (path if path.is_dir() and not format_of(path.name) else path.parent) / "report"


def _check_folder(out: Path) -> None:
    """Raise ResourceError where no report can be written: not after minutes of measurement."""
    existing = next(each for each in (out, *out.absolute().parents) if each.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise ResourceError(
            f"the report cannot be written to {out}: {existing} is no folder that can be written",
            fix="Name another folder with --out.",
        )


def _count(text: str) -> int:
    if not (text.isdecimal() and int(text) >= 1):
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text!r}")
    return int(text)


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(each.strip()) for each in text.split(",")}))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number of at least 0, got {text!r}")
    return number


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
