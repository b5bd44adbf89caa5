"""Scan a dataset with one image for each kind of issue, and report which issues the scan detects.

python experiments/dirty_scan.py
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.dirty_dataset import PlantedIssue

HEADINGS = ("image", "how it was made", "expected issue", "detected", "left out of training")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    return make_parser(__doc__, "scan.md").parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Plant the issues, scan, and write the tables."""
    from data.scan import scan
    from experiments.dirty_dataset import plant_issues, plant_undetected_copies, write_clean_dataset

    with tempfile.TemporaryDirectory() as name:
        folder = write_clean_dataset(Path(name))
        planted, undetected = plant_issues(folder), plant_undetected_copies(folder)
        issues = scan(folder).issues
    reported: set[tuple[str, str]] = {(each.path.relative_to(folder).as_posix(), each.kind) for each in issues}
    n_detected = sum((each.path, each.kind) in reported for each in planted)
    n_unplanted = len(reported - {(each.path, each.kind) for each in [*planted, *undetected]})
    write_report(
        options.out,
        "A scan of a dataset with known issues",
        "Sixteen drawn images without issues in train/ and test/, and one image for each kind of issue. Written by "
        "`python experiments/dirty_scan.py`; experiments/dirty_dataset.py makes the images.",
        f"{n_detected} of {len(planted)} planted issues were detected; {n_unplanted} issues were reported that were "
        "not planted.",
        _table(planted, reported),
        "Copies that the scan is not made for:",
        _table(undetected, reported),
        packages=("pillow", "numpy"),
    )
    return 0


def _table(planted: list["PlantedIssue"], reported: set[tuple[str, str]]) -> Table:
    from data.scan import QUARANTINED

    rows = []
    for each in planted:
        is_detected = (each.path, each.kind) in reported
        flags = (is_detected, is_detected and each.kind in QUARANTINED)
        rows.append((each.path, each.cause, each.kind, *("yes" if flag else "no" for flag in flags)))
    return Table(headings=HEADINGS, rows=rows)


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
