"""Compare our int8 under OpenVINO with that of NNCF: same calibration images, one interleaved run.

    python -m venv nncf && nncf/bin/pip install nncf openvino
    python experiments/nncf/compare.py artifacts/model.int8.xml --nncf nncf/bin/python

NNCF runs with its defaults for CPUs, on two files: what Keras exports to ONNX, which is what a user has without Temper,
and the fp32 ONNX file beside the artifact, whose graph Temper has already made cheaper.
"""

import argparse
import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from temper.artifact import Artifact
    from temper.runners.base import Images

OURS, KERAS, FP32 = "Temper", "Keras' export", "Temper's fp32 file"
CONTROL = "again (A/A control)"
BATCHES, ALL_THREADS = (1, 8), 0
SPEED = (
    "NNCF of",
    "threads",
    "batch",
    "Temper, ms",
    "NNCF, ms",
    "Temper / NNCF, wall",
    "CPU time",
    "A/A control, wall",
)
QUALITY = (
    "int8", "convolutions in int8", "images", "labels as fp32, %", "top-1, %", "mean difference to fp32",
)  # fmt: skip
PROFILED_CALLS = 10
TEXT = """
Wall and CPU milliseconds are for one image, medians of {rounds} blocks of calls. A ratio is the median of paired ratios
with its 95 % interval (bootstrap over the rounds); below 1 Temper is faster. The control is NNCF's network of Keras'
export in a second copy, divided by the first. "Temper's fp32 file" gives NNCF the graph that Temper has made cheaper.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "nncf.md")
    add = parser.add_argument
    add("artifacts", nargs="+", type=Path, metavar="ARTIFACT", help="int8 networks of OpenVINO (.int8.xml)")
    add("--nncf", type=Path, required=True, metavar="PYTHON", help="Python of an environment with NNCF")
    add("--data", type=Path, metavar="FOLDER", help="the model's images, if they have moved")
    text = "networks that NNCF has quantized (default: %(default)s)"
    add("--work", type=Path, default=Path("artifacts/nncf"), metavar="FOLDER", help=text)
    add("--rounds", type=int, default=60, metavar="N", help="blocks of calls of each network (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Quantize with NNCF, measure, and write the tables."""
    from experiments.nncf.networks import version_of
    from temper.artifact import Artifact

    sections: list[str | Table] = []
    for path in options.artifacts:
        sections += sections_of(Artifact.at(path).verified(), options)
    write_report(
        options.out,
        "Our int8 and that of NNCF, under OpenVINO",
        f"NNCF {version_of('nncf', options.nncf)}, in an environment of its own. "
        "`python experiments/nncf/compare.py ARTIFACT … --nncf PYTHON` repeats the measurement.",
        TEXT.format(rounds=options.rounds),
        *sections,
        packages=("openvino", "numpy", "keras", "tensorflow", "tf2onnx"),
    )
    return 0


def sections_of(artifact: "Artifact", options: argparse.Namespace) -> list[str | Table]:
    """Title and tables of an artifact."""
    import numpy as np

    from benchmarks.evaluation_set import load_evaluation_set
    from experiments.layer_profile.layers import profile_openvino
    from experiments.nncf.measure import compile_network, predict
    from experiments.nncf.networks import keras_export, quantize_with_nncf
    from temper.images import load_images

    theirs = {KERAS: quantize_with_nncf(artifact, keras_export(artifact, options.work), options)}
    theirs[FP32] = quantize_with_nncf(artifact, artifact.sibling("fp32", ".onnx").path, options)
    evaluation = load_evaluation_set(artifact, options.data, 400)
    images = np.stack(list(load_images((each.path for each in evaluation.examples), evaluation.size)))
    truth = np.array([evaluation.labels.index(each.label) for each in evaluation.examples])
    fp32 = predict(compile_network(artifact.sibling("fp32", ".onnx").path, ALL_THREADS, "f32"), images)
    rows = []
    for name, path in ((OURS, artifact.path), *((f"NNCF of {name}", path) for name, path in theirs.items())):
        int8 = predict(compile_network(path, ALL_THREADS), images)
        equal, correct = int8.argmax(axis=1) == fp32.argmax(axis=1), int8.argmax(axis=1) == truth
        layers, _ = profile_openvino(path, images[:1], PROFILED_CALLS)
        in_int8 = [each.int8 for each in layers if each.kind == "convolution"]
        numbers = (
            f"{sum(in_int8)} of {len(in_int8)}",
            str(len(images)),
            f"{100 * equal.mean():.2f}",
            f"{100 * correct.mean():.2f}",
            f"{np.abs(int8 - fp32).mean():.4f}",
        )
        rows.append((name, *numbers))
    return [
        f"## {artifact.path.parent.name}, {artifact.card.size} pixels",
        Table(headings=SPEED, rows=speed_rows(artifact.path, theirs, images, options.rounds)),
        Table(headings=QUALITY, rows=rows, right=frozenset(range(1, 6))),
    ]


def speed_rows(ours: Path, theirs: dict[str, Path], images: "Images", rounds: int) -> list[tuple[str, ...]]:
    """Rows for each network of NNCF, number of threads and batch size. theirs: the first is also the A/A control."""
    from benchmarks.analysis.statistics import paired_ratio
    from experiments.nncf.measure import compile_network, time_networks

    first = next(iter(theirs))
    rows = []
    for threads in (ALL_THREADS, 1):
        paths = {OURS: ours, **theirs, CONTROL: theirs[first]}
        networks = {name: compile_network(path, threads) for name, path in paths.items()}
        for batch in BATCHES:
            timed = time_networks(networks, images, batch, rounds)
            control = paired_ratio(timed[CONTROL].wall_ms, timed[first].wall_ms)
            for name in theirs:
                wall = paired_ratio(timed[OURS].wall_ms, timed[name].wall_ms)
                cpu = paired_ratio(timed[OURS].cpu_ms, timed[name].cpu_ms)
                medians = (f"{statistics.median(timed[each].wall_ms):.2f}" for each in (OURS, name))
                ratios = (each.text(3) for each in (wall, cpu, control))
                rows.append((name, str(threads or "all"), str(batch), *medians, *ratios))
    return sorted(rows, key=lambda row: list(theirs).index(row[0]))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
