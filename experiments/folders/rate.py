"""Measure the complete way from a folder of images to a file of labels, against the network alone and a Keras loop.

    python experiments/folders/rate.py --artifacts artifacts/224 --photos photos
    python experiments/folders/rate.py --artifacts artifacts/demo --photos photos --links 100000

The photos are resized to JPEGs of 500 × 375 pixels. With --links the memory of one job over a folder of so many
symbolic links is measured instead; a small network keeps that short.
"""

import argparse
import sys
import tempfile
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "folder-rate.md")
    add = parser.add_argument
    add("--artifacts", type=Path, required=True, metavar="FOLDER", help="the artifacts of one model, with its .keras")
    add("--photos", type=Path, required=True, metavar="FOLDER", help="images of any size")
    add("--images", type=int, default=400, metavar="N", help="images of a round (default: %(default)s)")
    add("--rounds", type=int, default=7, metavar="N", help="interleaved rounds (default: %(default)s)")
    add("--seconds", type=float, default=2, metavar="N", help="of a network alone in a round (default: %(default)g)")
    add("--links", type=int, default=0, metavar="N", help="measure the memory over N links (default: rates)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the table."""
    from experiments.folders import jobs
    from temper.cli.progress import ProgressDisplay

    with tempfile.TemporaryDirectory() as folder, ProgressDisplay() as progress:
        photos = jobs.resize_photos(options.photos, Path(folder) / "photos", options.images, progress)
        if options.links:
            return _report_memory(options, jobs.measure_memory(options.artifacts, photos, options.links, progress))
        batches = jobs.measure_batches(options.artifacts, options.rounds, options.seconds, progress)
        rates = jobs.measure_rates(options.artifacts, photos, options.rounds, options.seconds, progress)
    sizes = list(next(iter(batches.values())))
    write_report(
        options.out,
        "From a folder to labels",
        f"{len(photos)} JPEGs of 500 × 375 pixels, {options.rounds} interleaved rounds; medians, and in brackets the "
        "smallest and the largest ratio of a round. Network alone: images that are decoded already, in "
        "the same batches. Complete job: what `temper classify FOLDER --out results.jsonl` does after the artifact is "
        "loaded: list, read, hash, decode, classify, write, fsync. Keras loop: Pillow and `model.predict`, one image a "
        f"call. `python experiments/folders/rate.py --artifacts ARTIFACTS --photos PHOTOS` repeats "
        "the measurement.",
        Table(
            headings=(
                "artifact", "batch", "network alone, images/s", "complete job, images/s", "job / network",
                "job / Keras loop",
            ),
            rows=[rate.row() for rate in rates],
            right=frozenset(range(1, 6)),
        ),
        "Images per second of the network alone by the size of the batch. `CPU_BATCH` in temper/runners/base.py is "
        "chosen from this table.",
        Table(
            headings=("artifact", *(f"batch {size}" for size in sizes)),
            rows=[(name, *(f"{rate:.1f}" for rate in by_size.values())) for name, by_size in batches.items()],
            right=frozenset(range(1, len(sizes) + 1)),
        ),
        packages=("onnxruntime", "openvino", "keras", "tensorflow", "pillow"),
    )  # fmt: skip
    return 0


def _report_memory(options: argparse.Namespace, samples: list[tuple[int, float]]) -> int:
    out = options.out.with_name("folder-memory.md") if options.out.name == "folder-rate.md" else options.out
    write_report(
        out,
        "Memory of a job over many images",
        f"`temper classify FOLDER --out results.jsonl` over {options.links:,} symbolic links to JPEGs of 500 × 375 "
        "pixels; resident memory of the process (VmRSS) when so many rows were written. `python "
        f"experiments/folders/rate.py --artifacts ARTIFACTS --photos PHOTOS --links "
        f"{options.links}` repeats the measurement.",
        Table(
            headings=("rows", "resident MiB"),
            rows=[(f"{rows:,}", f"{mib:.0f}") for rows, mib in samples],
            right=frozenset({0, 1}),
        ),
        packages=("onnxruntime", "openvino", "pillow"),
    )
    return 0


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
