"""Measure how training, conversion and classification grow with the number of images and of labels.

    python experiments/growth/run.py PHOTOS --weights FILE
    python experiments/growth/run.py PHOTOS --images 1000 10000 --labels 2

Trains a head on features that are computed in the same run, converts the model to int8, and classifies all images, each
in a process of its own. The images are the given photos, scaled down, each stored many times in different files.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.growth.dataset import write_dataset
from experiments.growth.stages import Cost, measure, stages
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.errors import DataError

PHOTOS = 100
Measured = dict[tuple[int, int], dict[str, Cost]]


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "growth.md")
    add = parser.add_argument
    add("photos", type=Path, help="a folder of photos")
    add("--images", type=int, nargs="+", default=[1000, 10_000, 100_000], metavar="N", help="numbers of images")
    add("--labels", type=int, nargs="+", default=[2, 100, 1000], metavar="N", help="numbers of labels")
    add("--many", type=int, default=10_000, metavar="N", help="images with the other numbers of labels than the first")
    add("--size", type=int, default=64, metavar="PIXELS", help="height and width (default: %(default)s)")
    add("--backbone", default="efficientnetlite0", metavar="NAME", help="as in train/run.py (default: %(default)s)")
    add("--weights", default="imagenet", metavar="WEIGHTS", help="as in train/run.py (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the table after every dataset."""
    measured: Measured = {}
    with tempfile.TemporaryDirectory(prefix="temper-growth-") as name:
        photos = small_photos(options.photos, Path(name) / "photos", options.size)
        for images, labels in _datasets(options):
            folder = Path(name) / f"{images}-{labels}"
            data = write_dataset(photos, folder / "data", images, labels)
            (folder / "work").mkdir()
            costs = measured.setdefault((images, labels), {})
            words = stages(data, folder / "work", options.size, options.backbone, options.weights)
            for stage, command in words.items():
                costs[stage] = measure(command, folder / "work")
                print(f"{images} images, {labels} labels, {stage}: {costs[stage]}", file=sys.stderr, flush=True)
            _report(options, measured)
    return 0


def small_photos(source: Path, folder: Path, size: int) -> list[Path]:
    """Some photos as JPEG files of twice this size: what is measured is the pipeline, not the decoding.

    Raises DataError where there is none.
    """
    from PIL import Image

    folder.mkdir()
    written: list[Path] = []
    for path in sorted(source.rglob("*.jpg"))[:PHOTOS]:
        with Image.open(path) as image:
            target = folder / f"{len(written):03}.jpg"
            image.convert("RGB").resize((2 * size, 2 * size)).save(target)
            written.append(target)
    if not written:
        raise DataError(f"{source} has no files that end in .jpg", fix="Name a folder of JPEG photos.")
    return written


def growth(before: Cost, after: Cost, images: tuple[int, int]) -> tuple[float, float]:
    """CPU seconds and memory of each added image: milliseconds and kibibytes."""
    added = images[1] - images[0]
    return 1000 * (after.cpu - before.cpu) / added, 1024 * (after.mebibytes - before.mebibytes) / added


def _datasets(options: argparse.Namespace) -> Iterator[tuple[int, int]]:
    yield from ((images, options.labels[0]) for images in options.images)
    yield from ((options.many, labels) for labels in options.labels[1:])


def _report(options: argparse.Namespace, measured: Measured) -> None:
    rows = [
        (f"{images:,}", f"{labels:,}", stage, *_columns(cost))
        for (images, labels), costs in measured.items()
        for stage, cost in costs.items()
    ]
    headings = ("images", "labels", "stage", "s", "CPU-s", "peak MiB", "with mapped files")
    write_report(
        options.out,
        "How cost grows with images and labels",
        f"`python experiments/growth/run.py`: {options.backbone} at {options.size} pixels. "
        "train: features of two versions of each image, and the optimum of a linear head. "
        "convert: to fp32 and int8 ONNX, with the verification on a tenth of the images. classify all: a job that "
        "writes a row for each image. The labels mean nothing here; only the cost is measured. peak MiB: resident "
        "memory of the processes. Arrays of more than 256 MiB are temporary files, mapped into memory, which the "
        "operating system takes away when others need it: the last column includes them and all other mapped files.",
        Table(headings=headings, rows=rows, right=frozenset(range(3, 7)) | {0, 1}),
        "\n".join(_growth_lines(options, measured)),
        packages=("keras", "tensorflow", "onnxruntime"),
    )


def _columns(cost: Cost) -> tuple[str, ...]:
    return f"{cost.seconds:.1f}", f"{cost.cpu:.1f}", f"{cost.mebibytes:,}", f"{cost.with_files:,}"


def _growth_lines(options: argparse.Namespace, measured: Measured) -> Iterator[str]:
    first = options.labels[0]
    for before, after in pairwise(each for each in options.images if (each, first) in measured):
        for stage in measured[after, first]:
            cpu, memory = growth(measured[before, first][stage], measured[after, first][stage], (before, after))
            yield (
                f"* {stage}, from {before:,} to {after:,} images: {cpu:.2f} CPU-ms and {memory:.1f} KiB for each added "
                "image."
            )


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
