"""Publish one version of an artifact of random bytes: the program whose system calls are made to fail.

python experiments/chaos/publications/publish.py companions FOLDER 2
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[3])

from temper.cli.entry_point import run_command

SHAPES = ("file", "companions", "folder")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    from temper.cli.console import add_verbosity_options

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shape", choices=SHAPES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("version", type=int)
    add_verbosity_options(parser)
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Publish."""
    from experiments.chaos.publications import versions

    versions.publish_version(options.folder, options.shape, options.version)
    return 0


if __name__ == "__main__":
    run_command(parse, run)
