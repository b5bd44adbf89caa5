"""Make a folder of labelled pictures to train on, or look one over.

  python data/run.py draw photos/drawn-sample      cats and dogs drawn here; nothing is downloaded
  python data/run.py fetch photos/cats-and-dogs    the public cats_and_dogs_filtered.zip, 69 MB
  python data/run.py scan photos                   broken, odd and double pictures, and leaks between train and test

The first two make FOLDER/train/LABEL and FOLDER/test/LABEL. A folder that is there already is used as it is.
scan changes no picture: it lists those to leave out in FOLDER/quarantine.csv, which training follows.
"""

import argparse
import sys
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from temper.cli.entry_point import enter
from temper.errors import UserError


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    draw = commands.add_parser("draw", help="draw cats and dogs")
    draw.add_argument("folder", type=Path, metavar="FOLDER")
    draw.add_argument("--train", type=int, default=1000, metavar="N", help="of each label to train on (%(default)s)")
    draw.add_argument("--test", type=int, default=200, metavar="N", help="of each label to hold out (%(default)s)")
    draw.add_argument("--seed", type=int, default=0, help="other seeds draw other pictures (%(default)s)")
    fetch = commands.add_parser("fetch", help="fetch the public photos of cats and dogs")
    fetch.add_argument("folder", type=Path, metavar="FOLDER")
    fetch.add_argument("--url", help="another address of the archive")
    fetch.add_argument("--size", type=int, metavar="BYTES", help="its length there")
    scan = commands.add_parser("scan", help="look a folder of pictures over")
    scan.add_argument("folder", type=Path, metavar="FOLDER")
    scan.add_argument("--accept-leaks", action="store_true", help="go on with equal pictures in train and test")
    return parser.parse_args(words)


def main() -> int:
    """Do what the command says; returns the exit code."""
    options = parse()
    return {"draw": draw, "fetch": fetch, "scan": look_over}[options.command](options)


def draw(options: argparse.Namespace) -> int:
    """Draw the sample."""
    from data.drawn.sample import Sample, draw_sample

    if min(options.train, options.test) < 1:
        raise UserError("--train and --test take a number of pictures of 1 or more.")
    drawn = 0
    for done, total in draw_sample(options.folder, Sample(options.train, options.test, options.seed)):
        drawn = total
        show(f"drawing {done:,} of {total:,}", last=done == total)
    print(f"{options.folder}: {f'{drawn:,} pictures drawn' if drawn else 'drawn sample is there already'}.")
    return 0


def fetch(options: argparse.Namespace) -> int:
    """Fetch and unpack the public photos."""
    from data.archive import Archive, download, unpack

    if options.folder.exists():
        print(f"{options.folder} is there already: nothing was fetched.")
        return 0
    archive = Archive(options.url or Archive.url, options.size or Archive.size)
    options.folder.parent.mkdir(parents=True, exist_ok=True)
    zipped = options.folder.with_name(f"{options.folder.name}.zip.part")
    for done in download(archive, zipped):
        show(f"fetching {done / 1e6:,.1f} of {archive.size / 1e6:,.1f} MB", last=done >= archive.size)
    print(f"{options.folder}: {unpack(zipped, options.folder):,} pictures.")
    zipped.unlink()
    return 0


def look_over(options: argparse.Namespace) -> int:
    """Report what is wrong with the pictures and list those to leave out."""
    from collections import Counter

    from data.scan import LEAKS, LOOK_ALIKES, QUARANTINE, QUARANTINED, scan, write_look_alikes, write_quarantine

    def say(done: int, total: int) -> None:
        if done % 25 == 0 or done == total:
            show(f"looking at {done:,} of {total:,}", last=done == total)

    found = scan(options.folder, say)
    findings, counts = found.findings, found.counts
    for each in findings:
        what = "left out" if each.fault in QUARANTINED else "kept"
        print(f"{what:9} {each.fault:14} {each.path.relative_to(options.folder)}  {each.other}")
    print("pictures  " + ", ".join(f"{count:,} in {name}" for name, count in sorted(counts.items())))
    print(
        "faults    " + (", ".join(f"{n} {fault}" for fault, n in Counter(f.fault for f in findings).items()) or "none")
    )
    listed = write_quarantine(options.folder / QUARANTINE, options.folder, findings)
    print(f"{listed} to be left out are listed in {options.folder / QUARANTINE}; nothing was moved or deleted.")
    if alike := write_look_alikes(options.folder / LOOK_ALIKES, options.folder, found.alike):
        print(f"{alike} that look alike are listed in {options.folder / LOOK_ALIKES}: training keeps them in one part.")
    leaks = sum(each.fault in LEAKS for each in findings)
    if leaks and not options.accept_leaks:
        raise UserError(
            f"{leaks} picture(s) of train/ are also in test/, which flatters the accuracy. They are listed to be left "
            "out of training; say --accept-leaks to take note and go on."
        )
    return 0


def show(line: str, last: bool) -> None:
    """Show progress: one line that is written over, and only its end where nobody watches."""
    if sys.stdout.isatty():
        print(f"\r{line}\x1b[K", end="\n" if last else "", flush=True)
    elif last:
        print(line)


if __name__ == "__main__":
    enter(main)
