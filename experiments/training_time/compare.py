"""Compare training times: the loop of the tutorial, a fair loop, and train/run.py, on the same images.

    python experiments/training_time/compare.py --data photos --weights resnet50-notop.weights.h5 --size 128 --splits 5

All start from the same frozen ResNet50 and decoded images. In the tutorial's loop, every step augments 8 images and
sends them through the backbone, and an epoch has as many steps as there are images: each image is used eight times.
The fair loop uses each image once in an epoch.
The target is the validation accuracy of the tutorial's loop after its two epochs. The loops are timed to the first
epoch that reaches it, the tutorial's loop to its end too. train/run.py has no epochs with an L-BFGS head: it runs three
times without cached features, the run with the median time counts, and once more with the features of that run.
All times are measured. The loops run in this process, train/run.py runs in its own, whose start is not counted.
"""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.training_time.runs import Measurement, TrainingRun

HEADINGS = (
    "training", "seconds", "speedup over both epochs", "speedup over the tutorial's loop", "speedup over the fair loop",
    "forward passes", "forward passes a second", "correct validation images", "test accuracy, % (95 % interval)",
    "accuracy drop from the tutorial's loop, points (95 % interval)", "ECE before, after temperature scaling",
)  # fmt: skip


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "training-time.md")
    add = parser.add_argument
    add("--data", type=Path, required=True, metavar="FOLDER", help="the labeled images, as for train/run.py")
    add("--weights", type=Path, required=True, metavar="FILE", help="weights of a ResNet50 without its top")
    add("--size", type=int, default=128, metavar="PIXELS", help="height and width of the images (default: %(default)s)")
    text = "random splits into training and validation images; with several, speedups have intervals (default: 1)"
    add("--splits", type=int, default=1, metavar="N", help=text)
    add(
        "--work",
        type=Path,
        default=Path("artifacts/training-time"),
        metavar="FOLDER",
        help="models and features (default: %(default)s)",
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Run all trainings, and write the table."""
    from experiments.training_time.runs import RUNS, measure
    from experiments.training_time.splits import splits_sections
    from temper.cli.progress import ProgressDisplay

    with ProgressDisplay() as progress:
        results = [measure(options, progress, seed) for seed in range(options.splits)]
    result = results[0]
    write_report(
        options.out,
        "Training time to the validation accuracy of the tutorial's loop",
        f"{result.sizes['train']} training, {result.sizes['val']} validation and {result.sizes['test']} test images, "
        f"{options.size} px, {options.splits} splits; {options.weights.name}, frozen. For each split one run of each "
        f"loop, the median of {RUNS} runs of train/run.py, one after the other; all times are measured. Seconds count "
        "from decoded images to a trained model; forward passes count images sent through the backbone. "
        "`python experiments/training_time/compare.py` repeats the measurement.",
        *(splits_sections(results) if len(results) > 1 else ()),
        Table(headings=HEADINGS, rows=[cells_of(each, result) for each in result.runs]),
        describe_limit(result),
        packages=("keras", "tensorflow"),
    )
    return 0


def cells_of(run: "TrainingRun", result: "Measurement") -> tuple[str, ...]:
    """A row of the table."""
    from temper.intervals import drop_interval, wilson

    n, correct, tutorial = len(run.is_wrong), int((~run.is_wrong).sum()), result.tutorial[0].is_wrong
    # Test images that only one of the two trainings gets wrong.
    regressed, improved = int((run.is_wrong & ~tutorial).sum()), int((~run.is_wrong & tutorial).sum())
    low, high = (100 * bound for bound in wilson(correct, n))
    drop = 100 * (regressed - improved) / n
    drop_low, drop_high = (100 * bound for bound in drop_interval(regressed, improved, n))
    missing = result.target - run.val_correct
    return (
        run.name,
        f"{run.seconds:.1f}",
        *(f"{other.seconds / run.seconds:.1f}" for other in (*result.tutorial, result.fair)),
        f"{run.n_forwards:,}",
        f"{run.n_forwards / run.seconds:.0f}",
        f"{run.val_correct}" + (f", {missing} too few" if missing > 0 else ""),
        f"{100 * correct / n:.1f} ({low:.1f} to {high:.1f})",
        f"{drop:.1f} ({drop_low:.1f} to {drop_high:.1f})",
        ", ".join(f"{error:.3f}" for error in run.ece) if run.ece else "-",
    )


def describe_limit(result: "Measurement") -> str:
    """The shortest time possible with float32 or bfloat16 products on this machine, and how near train/run.py is."""
    from experiments.training_time.forward_limit import MATRIX_SIZE

    limit, ours = result.limit, result.ours[0]
    shortest = limit.min_seconds(ours.n_forwards)
    of_tutorial, of_fair = (run.seconds / shortest for run in (result.tutorial[0], result.fair))
    return (
        f"The arithmetic limit: a forward pass has {limit.flop / 1e9:.2f} GFLOP, and this machine multiplies matrices "
        f"of {MATRIX_SIZE} x {MATRIX_SIZE} at {limit.rate / 1e12:.2f} TFLOP/s at best, in float32 or bfloat16. At that "
        f"rate the {ours.n_forwards:,} forward passes of one pass over the training and validation images take "
        f"{shortest:.1f} s if everything else takes no time: {of_tutorial:.0f} times less than the tutorial's loop, "
        f"{of_fair:.1f} times less than the fair loop. train/run.py reached {100 * shortest / ours.seconds:.0f} % of "
        "that rate."
    )


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
