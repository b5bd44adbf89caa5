"""Run the suites that try to break Temper, and write their counts: reliability.json, and reliability.md with the table.

    python experiments/chaos/run.py
    python experiments/chaos/run.py --only "publications killed" --fraction 0.1

Each suite runs in a process of its own, and then a few times with a planted fault, which it must notice. Both files are
written after each suite; at the end, the sums in README.md are renewed too. With --only, the other suites of the
report stay as they are.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from docs.readme import blocks
from experiments.chaos.record import Record
from experiments.chaos.registry import SUITES, Suite
from experiments.chaos.report import Result, read_suites, write_results
from experiments.support import RESULTS, ROOT, make_parser
from temper.cli.entry_point import run_command
from temper.exit_codes import ExitCode

REPORT = "reliability.md"
MIN_TRIES = 10
TIMEOUT_SECONDS = 3000
RUNNING = set["subprocess.Popen[str]"]()


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, REPORT)
    add = parser.add_argument
    names = ", ".join(f'"{each.name}"' for each in SUITES)
    add("--only", action="append", metavar="NAME", help=f"run this suite; may be repeated; one of {names}")
    add("--fraction", type=float, default=1.0, metavar="X", help="of the tries of each suite (default: 1)")
    add("--seed", type=int, default=0, metavar="N", help="of all that is random (default: %(default)s)")
    add("--at-once", type=int, default=2, metavar="N", help="suites that run at the same time (default: %(default)s)")
    options = parser.parse_args(arguments)
    unknown = set(options.only or ()) - {each.name for each in SUITES}
    if unknown:
        parser.error(f"there is no suite {min(unknown)!r}; expected one of {names}")
    return options


def run(options: argparse.Namespace) -> int:
    """Run the suites and write the report; 1 when something was lost, wrong or silent, or a fault went unnoticed."""
    chosen = [each for each in SUITES if not options.only or each.name in options.only]
    earlier = read_suites(options.out) if options.only else []
    results = list[Result]()
    text = ""
    with ThreadPoolExecutor(options.at_once) as pool:
        futures = [pool.submit(run_twice, each, options.fraction, options.seed) for each in chosen]
        try:
            for future in as_completed(futures):
                results.append(future.result())
                print(f"{len(results)} of {len(chosen)}: {results[-1].line()}", file=sys.stderr, flush=True)
                # After every suite: an interruption leaves the figures so far.
                text = write_results(options.out, results, options.seed, earlier)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):
                process.terminate()
            raise
    print(text)
    if options.out == RESULTS / REPORT and options.fraction >= 1:
        blocks.update()
    return ExitCode.OK if all(each.has_passed for each in results) else ExitCode.SOME_FAILED


def run_twice(suite: Suite, fraction: float, seed: int) -> Result:
    """Run a suite without and with its fault."""
    count = max(min(MIN_TRIES, suite.count), round(fraction * suite.count))
    record = run_alone(suite, ["--count", str(count), "--seed", str(seed)])
    return Result(suite=suite, record=record, faulty=run_alone(suite, ["--with-fault", "--seed", str(seed)]))


def run_alone(suite: Suite, words: Sequence[str]) -> Record:
    """Run a suite in a process of its own; a process that crashes or does not end is a record too."""
    started = time.monotonic()
    command = [sys.executable, "experiments/chaos/suite.py", suite.name, *words]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    RUNNING.add(process)
    try:
        text, messages = process.communicate(timeout=TIMEOUT_SECONDS)
        return Record.of(json.loads(text.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        message = f"no end after {TIMEOUT_SECONDS} s"
        return Record(tried=1, hang=1, seconds=time.monotonic() - started, more={"message": message})
    except (ValueError, IndexError):
        if process.returncode in (ExitCode.INTERRUPTED, ExitCode.TERMINATED):
            raise KeyboardInterrupt from None
        last = "".join(messages.splitlines()[-1:])
        return Record(tried=1, crash=1, seconds=time.monotonic() - started, more={"message": last})
    finally:
        RUNNING.discard(process)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
