"""Make a folder of labeled images for training, or scan one for unusable and duplicate images.

  python data/run.py draw photos/drawn-sample      draw images of cats and dogs; nothing is downloaded
  python data/run.py fetch photos/cats-and-dogs    download the public cats_and_dogs_filtered.zip, 69 MB
  python data/run.py scan photos                   list unusable images, duplicates, and leaks between train and test

draw and fetch write FOLDER/train/LABEL and FOLDER/test/LABEL; a folder that exists is not changed.
scan changes no image. Training leaves out the images that it lists in FOLDER/quarantine.csv. FOLDER/scan.html shows
what it found.
"""

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
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from temper.cli.console import CommandParser, add_verbosity_options
from temper.cli.entry_point import run_command
from temper.cli.options import whole_number
from temper.cli.progress import ProgressDisplay
from temper.cli.tables import Table
from temper.cli.text import plural
from temper.errors import DataError, UsageError

if TYPE_CHECKING:
    from data.scan import Scan

# A terabyte.
MAX_ARCHIVE_BYTES = 10**12
# Twelve gigabytes of files.
MAX_DRAWN = 1_000_000
MAX_SEED = 2**32 - 1
LOGGER = logging.getLogger("temper.data")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = CommandParser(
        prog="python data/run.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    draw = _add_command(commands, "draw", "draw images of cats and dogs", "the folder that is made")
    for name, default, number, text in (
        ("--train", 1000, whole_number(1, MAX_DRAWN), "training images of each label"),
        ("--test", 200, whole_number(1, MAX_DRAWN), "test images of each label"),
        ("--seed", 0, whole_number(0, MAX_SEED), "another seed draws other images"),
    ):
        draw.add_argument(name, type=number, default=default, metavar="N", help=f"{text} (default: %(default)s)")
    fetch = _add_command(commands, "fetch", "download the public photos of cats and dogs", "the folder that is made")
    fetch.add_argument("--url", help="address of the archive, http or https (default: that of the public archive)")
    fetch.add_argument(
        "--size",
        type=whole_number(1, MAX_ARCHIVE_BYTES),
        metavar="BYTES",
        help="size of the archive (default: that of the public archive)",
    )
    fetch.add_argument(
        "--sha256", type=_sha256, metavar="HEX", help="expected SHA-256 of the archive (default: not checked)"
    )
    scan = _add_command(commands, "scan", "scan a folder for unusable and duplicate images", "the labeled images")
    scan.add_argument("--accept-leaks", action="store_true", help="exit with 0 although images are in train/ and test/")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run the chosen command; returns the exit code."""
    return {"draw": run_draw, "fetch": run_fetch, "scan": run_scan}[str(options.command)](options)


def run_draw(options: argparse.Namespace) -> int:
    """Draw the sample."""
    from data.drawn.sample import Sample, draw_sample

    sample = Sample(train=options.train, test=options.test, seed=options.seed)
    with ProgressDisplay() as progress:
        n_images = draw_sample(options.folder, sample, progress)
    if n_images:
        print(f"{options.folder}: {plural(n_images, 'image')}")
    else:
        LOGGER.info("%s has this sample already: nothing was drawn", options.folder)
    return 0


def run_fetch(options: argparse.Namespace) -> int:
    """Download and unpack the public photos."""
    from data.archive import Archive, download, unpack

    if options.folder.exists():
        LOGGER.info("%s exists already: nothing was downloaded", options.folder)
        return 0
    if options.url and not options.sha256:
        raise UsageError(
            "--url needs --sha256: another server may send anything", fix="Name the SHA-256 of the expected archive."
        )
    archive = Archive(url=options.url or Archive.url, size=options.size or Archive.size, sha256=options.sha256 or "")
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    file = options.folder.with_name(f"{options.folder.name}.zip.part")
    with ProgressDisplay() as progress:
        download(archive, file, progress)
    print(f"{options.folder}: {plural(unpack(file, options.folder), 'image')}")
    file.unlink()
    return 0


def run_scan(options: argparse.Namespace) -> int:
    """Print the issues of a dataset, and write the lists that training reads and a page for the user."""
    from data.scan import scan
    from data.scan_page import PAGE, scan_page
    from temper.dataset.listing import NEAR_DUPLICATES, QUARANTINE, write_near_duplicates, write_quarantine
    from temper.storage.atomic import write_text

    folder: Path = options.folder
    with ProgressDisplay() as progress:
        result = scan(folder, progress)
        page = scan_page(result, progress)
    print("\n\n".join(table.plain() for table in _tables(result)))
    write_quarantine(folder, result.quarantine)
    LOGGER.info("%s: %s that training leaves out", folder / QUARANTINE, plural(len(result.quarantine), "image"))
    write_near_duplicates(folder, result.near_duplicates)
    n_similar = sum(map(len, result.near_duplicates))
    groups = f"{plural(n_similar, 'image')} in {plural(len(result.near_duplicates), 'group')}"
    LOGGER.info("%s: %s; training puts a group in one subset", folder / NEAR_DUPLICATES, groups)
    write_text(folder / PAGE, page)
    LOGGER.info("%s: the same with the images, to open in a browser", folder / PAGE)
    if result.n_leaks and not options.accept_leaks:
        raise DataError(
            f"{plural(result.n_leaks, 'image of train/ is', 'images of train/ are')} also in test/, so the accuracy "
            "would be too high",
            fix="Training leaves them out; scan with --accept-leaks to accept that.",
        )
    return 0


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-fA-F]{64}", text):
        raise argparse.ArgumentTypeError(f"expected the 64 hexadecimal digits of a SHA-256, got {text!r}")
    return text.lower()


def _tables(result: "Scan") -> Iterator[Table]:
    from data.scan import QUARANTINED

    rows = [
        (
            each.path.relative_to(result.folder).as_posix(),
            each.kind,
            each.detail,
            "left out" if each.kind in QUARANTINED else "used",
        )
        for each in result.issues
    ]
    if rows:
        yield Table(headings=("image", "issue", "detail", "in training"), rows=rows)
        yield _count_table("issue", Counter(each.kind for each in result.issues))
    yield _count_table("folder", result.counts)


def _count_table(heading: str, counts: Mapping[str, int]) -> Table:
    rows = [(name, f"{count:,}") for name, count in sorted(counts.items())]
    return Table(headings=(heading, "images"), rows=rows, right=frozenset({1}))


def _add_command(commands: Any, name: str, description: str, folder: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=f"{description.capitalize()}."
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER", help=folder)
    add_verbosity_options(parser)
    return parser


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
