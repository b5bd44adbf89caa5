"""Run one suite and print its record as JSON; `run.py` starts it in a process of its own.

python experiments/chaos/suite.py "publications killed" --count 100
"""

import argparse
import contextlib
import json
import os
import resource
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from unittest import mock

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.chaos.registry import SUITES, suite_named
from temper.cli.console import add_verbosity_options
from temper.cli.entry_point import run_command


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[each.name for each in SUITES])
    parser.add_argument("--count", type=int, metavar="N", help="how often it tries (default: that of `make chaos`)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of all that is random (default: 0)")
    parser.add_argument("--with-fault", action="store_true", help="plant the suite's fault, which it must notice")
    add_verbosity_options(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run it; 1 when something failed."""
    suite = suite_named(options.name)
    count = options.count or (suite.fault_count if options.with_fault else suite.count)
    with (
        tempfile.TemporaryDirectory(prefix="temper-chaos-") as name,
        mock.patch.dict(os.environ, own_folders(name)),
        suite.planted() if options.with_fault else contextlib.nullcontext(),
    ):
        record = suite.run(count, options.seed, Path(name) / "suite")
        usage = [resource.getrusage(each).ru_maxrss for each in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        record.more["peak MiB"] = max(usage) // 1024
        # Before a million files are removed.
        print(json.dumps(asdict(record)), flush=True)
    return int(record.failures > 0 or bool(suite.exceeded(record)))


def own_folders(folder: str) -> dict[str, str]:
    """Variables that keep commands off the caches, records and keys of the user, and let them buffer their output."""
    folders = {f"XDG_{each.upper()}_HOME": str(Path(folder) / each) for each in ("cache", "state", "config")}
    # Empty: with a value, Python would write each line at once, and none could be lost.
    return {"PYTHONUNBUFFERED": "", **folders}


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
