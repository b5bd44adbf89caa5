"""Write the generated parts of README.md anew, from benchmarks/results/ and docs/.

    python docs/readme/run.py

They are between a line <!-- name --> and a line <!-- end -->; the rest of the file stays as it is.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python docs/readme/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_verbosity_options(parser)
    return parser.parse_args(arguments)


def run(_: argparse.Namespace) -> int:
    """Write the file; returns the exit code."""
    from docs.readme.blocks import README, update

    update()
    print(README)
    return 0


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
