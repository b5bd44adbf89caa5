"""Kill a job over many images at random moments, start the same command again, and check every row at the end.

    python experiments/folders/kills.py --artifact artifacts/demo/model.int8.onnx --photos photos

Damaged files are planted among the images. Every other kill comes at any moment of the first two seconds after a start,
imports and the reading of earlier rows included; the others when a random number of rows is written.
"""

import argparse
import json
import os
import random
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.progress import ProgressCallback
from temper.cli.tables import Table

PHOTOS = 200
# One of so many images is damaged.
DAMAGED_EVERY = 400
EARLY_SECONDS = 2.0
POLL_SECONDS = 0.005


@dataclass(frozen=True, kw_only=True)
class Kill:
    """seconds: after the start of the process. rows: complete ones on the disk afterwards."""

    seconds: float
    rows: int


@dataclass(frozen=True, kw_only=True)
class Check:
    """How the rows at the end compare with the images.

    wrong: rows with another label than without kills; those that have none, `others_marked`, are among them.
    """

    rows: int
    unique: int
    missing: int
    damaged_marked: int
    others_marked: int
    wrong: int

    def is_right(self, images: int, damaged: int) -> bool:
        """Every image has one row, and every damaged one, and no other, an error."""
        is_complete = self.rows == self.unique == images and not self.missing
        return is_complete and self.damaged_marked == damaged and not self.others_marked and not self.wrong


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "folder-kills.md")
    add = parser.add_argument
    add("--artifact", type=Path, required=True, metavar="FILE", help="a small one keeps this short")
    add("--photos", type=Path, required=True, metavar="FOLDER", help="images of any size")
    add("--images", type=int, default=20_000, metavar="N", help="images of the job (default: %(default)s)")
    add("--kills", type=int, default=30, metavar="N", help="how often the job is killed (default: %(default)s)")
    add("--seed", type=int, default=0, metavar="N", help="of the moments of the kills (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Kill and resume, and write the table."""
    from experiments.folders.jobs import resize_photos
    from temper.cli.progress import ProgressDisplay

    with tempfile.TemporaryDirectory() as name, ProgressDisplay() as progress:
        folder = Path(name)
        photos = resize_photos(options.photos, folder / "photos", PHOTOS, progress)
        images = plant(photos, folder / "images", options.images)
        kills = kill_often(options, images, folder / "results.jsonl", progress)
        check = check_rows(options.artifact, images, folder / "results.jsonl")
    n_damaged = -(-options.images // DAMAGED_EVERY)
    write_report(
        options.out,
        "A job over a folder that is killed at random moments",
        f"`temper classify FOLDER --out results.jsonl` over {options.images:,} images, of which {n_damaged} are "
        "damaged; `kill -9`, then the same command again. "
        f"`python experiments/folders/kills.py --artifact {options.artifact.name} --photos PHOTOS --images "
        f"{options.images} --kills {options.kills} --seed {options.seed}` repeats the measurement.",
        Table(
            headings=("kill", "seconds after the start", "rows on disk"),
            rows=[(str(i), f"{kill.seconds:.2f}", f"{kill.rows:,}") for i, kill in enumerate(kills, start=1)],
            right=frozenset({0, 1, 2}),
        ),
        f"Kills: {len(kills)}. Rows: {check.rows:,}. Unique by file and content: {check.unique:,}. Images without a "
        f"row: {check.missing}. Damaged images marked: {check.damaged_marked} of {n_damaged}; others marked: "
        f"{check.others_marked}. Rows whose label differs from that without kills: {check.wrong}.",
        packages=("onnxruntime", "openvino", "pillow"),
    )
    return 0 if check.is_right(options.images, n_damaged) else 1


def plant(photos: list[Path], target: Path, count: int) -> Path:
    """A folder with links to photos, of which some lead to half a photo; those have "damaged" in their names."""
    target.mkdir()
    half = photos[0].with_name("half.bin")
    content = photos[0].read_bytes()
    half.write_bytes(content[: len(content) // 2])
    for number in range(count):
        is_damaged = number % DAMAGED_EVERY == 0
        name = f"{number:08}-damaged.jpg" if is_damaged else f"{number:08}.jpg"
        (target / name).symlink_to(half if is_damaged else photos[number % len(photos)])
    return target


def kill_often(options: argparse.Namespace, images: Path, out: Path, progress: ProgressCallback) -> list[Kill]:
    """Start the job, kill it `options.kills` times, then let it end. Raises RuntimeError when it fails."""
    from experiments.folders.jobs import count_rows, start_job

    moments, kills, written = random.Random(options.seed), list[Kill](), RowCounter(out)
    while len(kills) < options.kills:
        progress("killing jobs", len(kills), options.kills)
        wanted = round((len(kills) + moments.random()) / (options.kills + 1) * options.images)
        seconds = moments.uniform(0, EARLY_SECONDS) if len(kills) % 2 else None
        job, started = start_job(options.artifact, images, out), time.monotonic()
        while job.poll() is None:
            passed = time.monotonic() - started
            if (seconds is not None and passed >= seconds) or written.count() >= wanted:
                break
            time.sleep(POLL_SECONDS)
        job.kill()
        if job.wait() >= 0:
            raise RuntimeError(f"the job ended with exit code {job.returncode} before kill {len(kills) + 1}")
        kills.append(Kill(seconds=time.monotonic() - started, rows=count_rows(out)))
    progress("killing jobs", options.kills, options.kills)
    if (code := start_job(options.artifact, images, out).wait()) != 1:
        raise RuntimeError(f"the last job ended with exit code {code}; expected 1, because some images are damaged")
    return kills


class RowCounter:
    """Counts the complete lines of a file that grows, and reads each part of it once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._bytes = self._rows = 0

    def count(self) -> int:
        """Lines until now; 0 where there is no file."""
        if not self._path.exists():
            return 0
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) < self._bytes:
                # Half a row was removed.
                self._bytes = self._rows = 0
            file.seek(self._bytes)
            new = file.read()
        self._bytes += len(new)
        self._rows += new.count(b"\n")
        return self._rows


def check_rows(artifact: Path, images: Path, out: Path) -> Check:
    """Compare every row with the image it is of."""
    import temper

    with os.scandir(images) as entries:
        targets = {each.path: str(Path(each.path).readlink()) if each.is_symlink() else each.path for each in entries}
    with temper.load(artifact) as classifier:
        labels = {each.source: each.label for each in classifier(sorted(set(targets.values())))}
    # A row is not kept: there may be a million.
    rows, wrong, files, identities, marked = 0, 0, set[str](), set[tuple[str, str]](), list[str]()
    with out.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            rows += 1
            wrong += row["label"] != labels[targets[row["file"]]]
            files.add(row["file"])
            identities.add((row["file"], row["sha256"]))
            marked += [row["file"]] if row["error"] else []
    return Check(
        rows=rows,
        unique=len(identities),
        missing=len(targets.keys() - files),
        damaged_marked=sum("damaged" in Path(each).name for each in marked),
        others_marked=sum("damaged" not in Path(each).name for each in marked),
        wrong=wrong,
    )


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
