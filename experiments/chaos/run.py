"""Run the suites that try to break Temper, and write their counts: reliability.json, and reliability.md with the table.

    python experiments/chaos/run.py
    python experiments/chaos/run.py --only "publications killed" --fraction 0.1

Each suite runs in a process of its own, and then a few times with a planted fault, which it must notice.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.chaos.record import Record
from experiments.chaos.registry import SUITES, Suite
from experiments.support import ROOT, make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.exit_codes import ExitCode

COLUMNS = ("tried", "ok", "refused", "lost", "wrong", "silent", "traceback", "crash", "hang")
FEWEST = 10
TIMEOUT_SECONDS = 1800


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "reliability.md")
    parser.prog = "python experiments/chaos/run.py"
    add = parser.add_argument
    names = ", ".join(f'"{each.name}"' for each in SUITES)
    add("--only", action="append", metavar="NAME", help=f"run this suite; may be repeated; one of {names}")
    add(
        "--fraction",
        type=float,
        default=1.0,
        metavar="X",
        help="of the tries of each suite (default: 1)",
    )
    add("--seed", type=int, default=0, metavar="N", help="of all that is random (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run the suites and write the report; 1 when something was lost, wrong or silent, or a fault went unnoticed."""
    chosen = [each for each in SUITES if not options.only or each.name in options.only]
    results = []
    for suite in chosen:
        count = max(min(FEWEST, suite.count), round(options.fraction * suite.count))
        record = run_alone(suite, ["--count", str(count), "--seed", str(options.seed)])
        faulty = run_alone(suite, ["--with-fault", "--seed", str(options.seed)]) if suite.fault else None
        results.append(result_of(suite, record, faulty))
        print(f"{suite.name}: {record.tried} tried, {record.failures} failed, {record.seconds:.0f} s", file=sys.stderr)
        # After every suite: an interruption leaves the figures so far.
        write(options, results)
    return ExitCode.OK if all(each["passed"] for each in results) else ExitCode.SOME_FAILED


def run_alone(suite: Suite, words: Sequence[str]) -> Record:
    """Run a suite in a process of its own; a process that crashes or does not end is a record too."""
    started = time.monotonic()
    command = [sys.executable, "experiments/chaos/suite.py", suite.name, *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        text, messages = process.communicate(timeout=TIMEOUT_SECONDS)
        return Record.of(json.loads(text.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        return Record(tried=1, hang=1, seconds=time.monotonic() - started)
    except (ValueError, IndexError):
        last = "".join(messages.splitlines()[-1:])
        return Record(tried=1, crash=1, seconds=time.monotonic() - started, more={"message": last})


def result_of(suite: Suite, record: Record, faulty: Record | None) -> dict[str, Any]:
    """What the report says of a suite. passed: nothing failed, and the planted fault was noticed."""
    noticed = faulty is None or faulty.failures > 0
    return {
        "name": suite.name,
        "what": suite.what,
        "passed": noticed and not record.failures and record.tried > 0,
        **asdict(record),
        "planted": asdict(faulty) if faulty else None,
    }


def write(options: argparse.Namespace, results: list[dict[str, Any]]) -> None:
    """Write both files."""
    from temper.provenance import provenance
    from temper.storage.atomic import write_text
    from temper.system.host import describe_host

    host = describe_host()
    report = {"temper": provenance(()).temper, "processor": host.processor, "seed": options.seed, "suites": results}
    write_text(options.out.with_suffix(".json"), json.dumps(report, indent=1) + "\n")
    minutes = sum(each["seconds"] for each in results) / 60
    write_report(
        options.out,
        "What was tried to break it",
        f"`make chaos` on {host.processor}, {minutes:.0f} minutes. lost: what was good before is gone or damaged; "
        "wrong and silent: another result than the right one, with and without an error; refused: an error that names "
        "the cause. The last column shows failures among the tries with a fault that was planted in Temper, so that "
        "the suite is known to notice one.",
        _table(results),
        "\n".join(f"* {each['name']}: {each['what']}." for each in results),
    )


def _table(results: list[dict[str, Any]]) -> Table:
    rows = [
        (each["name"], *(f"{each[name]:,}" for name in COLUMNS), f"{each['seconds']:.0f}", _planted(each["planted"]))
        for each in results
    ]
    headings = ("suite", *COLUMNS, "seconds", "planted fault")
    return Table(headings=headings, rows=rows, right=frozenset(range(1, len(headings))))


def _planted(faulty: dict[str, Any] | None) -> str:
    if faulty is None:
        return ""
    record = Record.of({name: value for name, value in faulty.items() if name != "more"})
    return f"{record.failures} of {record.tried}"


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
