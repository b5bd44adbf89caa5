"""Measure artifacts side by side on the same held-out images: latency, throughput, accuracy, agreement with Keras.

    python benchmarks/run.py                                every artifact in artifacts/
    python benchmarks/run.py artifacts/demo --quick         in a minute or two
    python benchmarks/run.py --scenario-seconds 10          also the scenarios of MLPerf
    python benchmarks/run.py compare old.json new.json --fail-if "p50>5%"

Without a command, `run` is assumed.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.config import BenchmarkConfig
from temper.cli.console import add_verbosity_options
from temper.cli.entry_point import run_command
from temper.exit_codes import ExitCode

RUN_DESCRIPTION = """Every case (an artifact, and a mode to call it in) runs in a process of its own; one at a time is
measured, in rounds of random order. Prints a table and writes report.json, .md, .html, .png and .svg."""
COMPARE_DESCRIPTION = """Compare two reports of the same artifacts. The exit code is 1 when a case became worse than a
limit allows, beyond what its 95 % interval leaves to chance."""
DEFAULT_LIMIT = "p50>5%"
DEFAULT = "(default: %(default)s)"


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line; without a command, `run` is assumed."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(
        prog="benchmarks/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    _add_run(commands)
    _add_compare(commands)
    if arguments[:1] and arguments[0] in (*commands.choices, "-h", "--help"):
        return parser.parse_args(arguments)
    return parser.parse_args(["run", *arguments])


def run(options: argparse.Namespace) -> int:
    """Measure and write the report, or compare two reports."""
    return _compare(options) if options.command == "compare" else _benchmark(options)


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("run", help="measure artifacts (the default)", description=RUN_DESCRIPTION)
    default = BenchmarkConfig()
    add = parser.add_argument
    paths = [Path("artifacts")]
    add("paths", nargs="*", type=Path, default=paths, help="artifacts, or folders with some (default: artifacts)")
    add("--data", type=Path, help="folder of the model's images, if they have moved")
    add("--max-images", type=_count, default=400, help=f"held-out images that every case classifies {DEFAULT}")
    add("--seconds", type=_seconds, default=default.seconds, help=f"of samples per case and batch size {DEFAULT}")
    add("--batch-sizes", type=_counts, default="1,8", metavar="N,N", help=f"of the throughput {DEFAULT}")
    add("--cold-starts", type=_count, default=default.cold_starts, help=f"new processes per case {DEFAULT}")
    add(
        "--scenario-seconds",
        type=_seconds,
        default=default.scenario_seconds,
        help=f"of each run of MLPerf's LoadGen, 0 for none {DEFAULT}",
    )
    add(
        "--server-latency-bound-ms",
        type=_seconds,
        default=default.server_latency_bound_ms,
        help=f"limit of the p99 latency in LoadGen's Server scenario {DEFAULT}",
    )
    add("--quick", action="store_true", help="leave out rare Keras modes, end-to-end runs and peak compute")
    add("--no-thumbnails", action="store_true", help="show no images in report.html")
    add("--out", type=Path, help="folder of the report (default: report/ beside the artifacts)")
    add_verbosity_options(parser)


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("compare", help="compare two reports", description=COMPARE_DESCRIPTION)
    parser.add_argument("before", type=Path, help="the earlier report.json")
    parser.add_argument("after", type=Path, help="the later report.json")
    parser.add_argument(
        "--fail-if",
        action="append",
        metavar="LIMIT",
        help='"p50>5%%" (the default), "p90>5%%", "p99>10%%", "throughput@8>5%%" or "top1>1points"; may be repeated',
    )
    add_verbosity_options(parser)


def _benchmark(options: argparse.Namespace) -> int:
    from benchmarks.benchmark import run_benchmark
    from benchmarks.cases import find_cases
    from benchmarks.evaluation_set import load_evaluation_set
    from benchmarks.rendering.report_files import write_report
    from benchmarks.rendering.terminal import terminal_text
    from temper.cli.progress import ProgressDisplay

    out: Path = options.out or _default_out(options.paths[0])
    config = BenchmarkConfig(
        seconds=options.seconds,
        batch_sizes=options.batch_sizes,
        cold_starts=options.cold_starts,
        scenario_seconds=options.scenario_seconds,
        server_latency_bound_ms=options.server_latency_bound_ms,
        quick=options.quick,
        logs=out / "loadgen",
    )
    command = shlex.join(["python", "benchmarks/run.py", *sys.argv[1:]])
    cases = find_cases(options.paths, options.quick)
    evaluation = load_evaluation_set(cases[0].artifact, options.data, options.max_images)
    with ProgressDisplay() as progress:
        report = run_benchmark(cases, evaluation, config, progress, command)
    files = write_report(report, out, {} if options.no_thumbnails else evaluation.files)
    print(terminal_text(report))
    print(f"\nreport: {', '.join(map(str, files))}")
    return ExitCode.OK


def _compare(options: argparse.Namespace) -> int:
    from benchmarks.analysis.compare import compare, parse_limit

    comparison = compare(
        options.before, options.after, [parse_limit(text) for text in options.fail_if or [DEFAULT_LIMIT]]
    )
    for difference in comparison.differences:
        print(f"different: {difference}")
    for change in comparison.changes:
        print(change)
    return ExitCode.SOME_FAILED if any(change.failed for change in comparison.changes) else ExitCode.OK


def _default_out(path: Path) -> Path:
    from temper.formats import format_of

    return (path if path.is_dir() and not format_of(path.name) else path.parent) / "report"


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected 1 or more")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected 0 or more")
    return number


def _counts(text: str) -> tuple[int, ...]:
    return tuple(sorted({_count(each) for each in text.split(",")}))


if __name__ == "__main__":
    run_command(parse, run)
