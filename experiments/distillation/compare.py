"""Train a small network alone and with a teacher, on handwritten digits that are hard to read: what does it bring?

    pip download --no-deps scikit-learn
    python experiments/distillation/compare.py scikit_learn-*.whl

The digits are read from the wheel of scikit-learn, of which nothing is executed or installed. Every seed has its own
split, images, teacher and start weights; the student alone and the students with that teacher start with the same
weights, and have the same batches and epochs. They are compared on the same test images. Finished seeds are kept.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, mean_interval, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.distillation.students import Seed
    from temper.cli.progress import ProgressCallback

HEADINGS = (
    "temperature", "weight of the teacher", "test accuracy of the student, %", "gain over the student alone, points",
    "95 % interval", "seeds with a gain", "agreement with the teacher, %",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "distillation.md")
    add = parser.add_argument
    add("wheel", type=Path, help="a wheel of scikit-learn")
    add("--seeds", type=int, default=8, metavar="N", help="repetitions, at least 2 (default: %(default)s)")
    text = "epochs of every training; each number has its own tables (default: 30 90)"
    add("--epochs", type=int, nargs="+", default=[30, 90], metavar="N", help=text)
    add("--student", type=int, default=4, metavar="WIDTH", help="channels of its first layer (default: %(default)s)")
    add("--teacher", type=int, default=24, metavar="WIDTH", help="likewise (default: %(default)s)")
    add("--copies", type=int, default=2, metavar="N", help="test images of each digit (default: %(default)s)")
    text = "results of finished seeds (default: %(default)s)"
    add("--work", type=Path, default=Path("artifacts/distillation"), metavar="FOLDER", help=text)
    options = parser.parse_args(arguments)
    if options.seeds < 2:
        parser.error("--seeds must be at least 2: one seed has no interval")
    return options


def run(options: argparse.Namespace) -> int:
    """Run all trainings, and write the tables."""
    from temper.cli.progress import ProgressDisplay

    with ProgressDisplay() as progress:
        results = {epochs: results_of(options, epochs, progress) for epochs in options.epochs}
    write_report(
        options.out,
        "A small network with and without a teacher",
        describe(options, results[options.epochs[0]][0]),
        *(section for epochs, seeds in results.items() for section in sections_of(epochs, seeds)),
        packages=("keras", "tensorflow"),
    )
    return 0


def results_of(options: argparse.Namespace, epochs: int, progress: "ProgressCallback") -> "list[Seed]":
    """The results of all seeds: those that are finished are read, the others are trained."""
    import msgspec

    from experiments.distillation.digits import read_digits, write_dataset
    from experiments.distillation.students import Seed, Widths, key_of, run_seed
    from temper.storage.atomic import write_text

    digits, widths, seeds = read_digits(options.wheel), Widths(student=options.student, teacher=options.teacher), []
    name = f"{epochs}-{options.student}-{options.teacher}-{options.copies}-{key_of(options.wheel)}.json"
    for seed in range(options.seeds):
        progress(f"seeds with {epochs} epochs", seed, options.seeds)
        finished = options.work / f"{seed}-{name}"
        if not finished.exists():
            with tempfile.TemporaryDirectory() as scratch:
                write_dataset(Path(scratch, "digits"), digits, seed, options.copies)
                result = run_seed(Path(scratch), seed, epochs, widths)
            write_text(finished, msgspec.json.encode(result).decode())
        seeds.append(msgspec.json.decode(finished.read_bytes(), type=Seed))
    return seeds


def describe(options: argparse.Namespace, seed: "Seed") -> str:
    """How it was measured; seed: any."""
    epochs = " ".join(map(str, options.epochs))
    return (
        "Handwritten digits of scikit-learn, drawn at 32 x 32 pixels: turned, moved, with little contrast and noise. "
        f"{options.seeds} seeds, each with its own split (about {round(seed.n_train, -2)} training images and "
        f"{seed.n_test} test images, no digit in both), its own teacher and start weights. Teacher and student have "
        f"the same layers; the teacher has {options.teacher} channels in the first one ({seed.teacher_parameters:,} "
        f"parameters), the student {options.student} ({seed.student_parameters:,}). The student alone and the students "
        "with a teacher have the same epochs, batches and start weights.\n\n"
        "The gain is the mean over the seeds of the paired difference; its interval is that of Student's t, so it "
        "includes other splits and other start weights. "
        f"`python experiments/distillation/compare.py WHEEL --seeds {options.seeds} --epochs {epochs} "
        f"--student {options.student} --teacher {options.teacher} --copies {options.copies}` repeats the measurement."
    )


def sections_of(epochs: int, seeds: "list[Seed]") -> "list[str | Table]":
    """The tables of one number of epochs, with the accuracy of teacher and student alone."""
    teacher, alone = ([getattr(each, name) for each in seeds] for name in ("teacher", "alone"))
    rows = [cells_of(index, seeds) for index in range(len(seeds[0].taught))]
    return [
        f"## {epochs} epochs\n\nTest accuracy: teacher **{100 * fmean(teacher):.1f} %**, student alone "
        f"**{100 * fmean(alone):.1f} %**.",
        Table(headings=HEADINGS, rows=rows, right=frozenset(range(len(HEADINGS)))),
        by_seed(seeds),
    ]


def cells_of(index: int, seeds: "list[Seed]") -> tuple[str, ...]:
    """A row of the table: that of the setting with this index."""
    taught, setting = [each.taught[index] for each in seeds], seeds[0].taught[index].setting
    gains = [100 * (one.accuracy - each.alone) for one, each in zip(taught, seeds, strict=True)]
    low, high = mean_interval(gains)
    return (
        f"{setting.temperature:g}",
        f"{setting.weight:g}",
        f"{100 * fmean([each.accuracy for each in taught]):.1f}",
        f"{fmean(gains):+.1f}",
        f"{low:+.1f} to {high:+.1f}",
        f"{sum(gain > 0 for gain in gains)} of {len(gains)}",
        f"{100 * fmean([each.agreement for each in taught]):.1f}",
    )


def by_seed(seeds: "list[Seed]") -> Table:
    """The accuracy of every network, by seed."""
    rows = []
    for index, seed in enumerate(seeds):
        accuracies = (seed.teacher, seed.alone, *(each.accuracy for each in seed.taught))
        rows.append((str(index), *(f"{100 * accuracy:.1f}" for accuracy in accuracies)))
    settings = [each.setting for each in seeds[0].taught]
    names = [f"temperature {each.temperature:g}, weight {each.weight:g}, %" for each in settings]
    headings = ("seed", "teacher, %", "student alone, %", *names)
    return Table(headings=headings, rows=rows, right=frozenset(range(len(headings))))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
