"""Solve a head on the features of the int8 network instead of exact ones: what does it bring, and what do they cost?

    python experiments/deployed_head/compare.py artifacts/model.keras --photos photos

Beside each model must be its fp32 and int8 ONNX files. Half of the images train a head, a tenth chooses its penalty,
and the others test it, in several random splits. The backbone and its calibration are those of the files.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, mean_interval, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.deployed_head.features import Extracted
    from experiments.deployed_head.heads import SplitResult

FEATURES = ("network", "runtime", "CPU-ms for one image", "of TensorFlow's", "cosine to fp32, mean", "smallest")
HEADS = (
    "network", "fp32, %", "int8, head of fp32 features, %", "int8, head of int8 features, %", "gain, points",
    "95 % interval", "cross-entropy", "agreement with fp32, %",
)  # fmt: skip
TEXT = """
A head is the optimum of a linear head (`--head lbfgs`). The columns of accuracy are means over {splits} random splits
of {images} photos; the gain is the mean paired difference of both heads in the int8 network, with the interval of
Student's t. The last two columns: both heads in the int8 network, that of fp32 features first.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "deployed-head.md")
    parser.add_argument("models", nargs="+", type=Path, metavar="MODEL", help="trained models (.keras)")
    parser.add_argument("--photos", type=Path, required=True, metavar="FOLDER", help="labeled images")
    parser.add_argument("--splits", type=int, default=5, metavar="N", help="at least 2 (default: %(default)s)")
    options = parser.parse_args(arguments)
    if options.splits < 2:
        parser.error("--splits must be at least 2: one split has no interval")
    return options


def run(options: argparse.Namespace) -> int:
    """Measure each model, and write both tables."""
    import numpy as np

    from experiments.deployed_head.features import FP32, INT8, extract, forwards_of
    from experiments.deployed_head.heads import compare_heads
    from temper.artifact import Artifact
    from temper.dataset.find import find_examples
    from train.dataset.decode import decode, labels_of

    examples = find_examples(options.photos, 0.2, 0)
    labels = labels_of(examples)
    truth = np.array([labels.index(each.label) for each in examples])
    cost_rows, head_rows = [], []
    for path in options.models:
        model = Artifact.at(path)
        training = model.card.training
        name = f"{training.config['backbone'] if training else path.stem} at {model.card.size}"
        pixels = decode(examples, model.card.size, lambda *_: None)
        by_runtime = extract(forwards_of(model), pixels)
        cost_rows += feature_rows(name, by_runtime)
        exact, int8 = by_runtime[FP32].features, by_runtime[INT8].features
        head_rows.append(head_row(name, [compare_heads(exact, int8, truth, seed) for seed in range(options.splits)]))
    write_report(
        options.out,
        "A head for the network that is deployed",
        "`python experiments/deployed_head/compare.py MODEL … --photos PHOTOS` repeats the measurement.",
        "## Accuracy",
        TEXT.format(splits=options.splits, images=len(examples)),
        Table(headings=HEADS, rows=head_rows, right=frozenset(range(1, 8))),
        "## Features",
        "Every batch of 32 images went through all runtimes, in random order. CPU time is the median over the batches.",
        Table(headings=FEATURES, rows=cost_rows, right=frozenset(range(2, 6))),
        packages=("onnxruntime", "openvino", "keras", "tensorflow"),
    )
    return 0


def feature_rows(name: str, by_runtime: "dict[str, Extracted]") -> list[tuple[str, ...]]:
    """A row for each runtime."""
    from experiments.deployed_head.features import FP32, TENSORFLOW, cosines

    exact, usual = by_runtime[FP32].features, statistics.median(by_runtime[TENSORFLOW].cpu_ms)
    rows: list[tuple[str, ...]] = []
    for runtime, extracted in by_runtime.items():
        milliseconds, similar = statistics.median(extracted.cpu_ms), list(cosines(extracted.features, exact))
        numbers = (f"{milliseconds:.2f}", f"{milliseconds / usual:.2f}")
        rows.append((name, runtime, *numbers, f"{statistics.mean(similar):.5f}", f"{min(similar):.4f}"))
    return rows


def head_row(name: str, splits: "list[SplitResult]") -> tuple[str, ...]:
    """The row of a network."""
    gains = [100 * (each.deployed[0] - each.today[0]) for each in splits]
    gain = statistics.mean(gains)
    low, high = mean_interval(gains)

    def accuracy(column: str) -> str:
        return f"{100 * statistics.mean(getattr(each, column)[0] for each in splits):.1f}"

    def loss(column: str) -> str:
        return f"{statistics.mean(getattr(each, column)[1] for each in splits):.4f}"

    agreements = (
        100 * statistics.mean(getattr(each, column) for each in splits) for column in ("agree_today", "agree_deployed")
    )
    return (
        name,
        *(accuracy(column) for column in ("exact", "today", "deployed")),
        f"{gain:+.2f}",
        f"{low:+.2f} to {high:+.2f}",
        f"{loss('today')}, {loss('deployed')}",
        ", ".join(f"{each:.2f}" for each in agreements),
    )


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
