"""Open, use and close runners many times, and report whether memory grows.

python experiments/open_close_cycles.py                                  a small classifier in four formats
python experiments/open_close_cycles.py artifacts/model.int8.onnx        an artifact of your own
"""

import argparse
import gc
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import make_parser, resident_mib, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from temper.artifact import Artifact

WARM_UP = 200
INTERVALS = 10
HEADINGS = ("format", "after the warm-up", "at the end", "min", "max", "trend")


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "cycles.md")
    parser.add_argument("artifacts", nargs="*", type=Path, help="artifacts to open (default: a small classifier)")
    parser.add_argument(
        "--cycles", type=int, default=1000, metavar="N", help="openings after the warm-up (default: 1000)"
    )
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure each artifact in a process of its own, and write the table."""
    import numpy as np

    from temper.artifact import Artifact
    from temper.cli.progress import ProgressDisplay
    from temper.system.child_process import run_in_child

    rows = []
    with tempfile.TemporaryDirectory() as name, ProgressDisplay() as progress:
        artifacts = [Artifact.at(path) for path in options.artifacts] or list(small_artifacts(Path(name)))
        for done, artifact in enumerate(artifacts, 1):
            resident = run_in_child(memory_over_cycles, artifact, options.cycles)
            trend, _ = np.polyfit(np.linspace(0, 1, len(resident)), resident, 1)
            figures = (resident[0], resident[-1], min(resident), max(resident), float(trend))
            rows.append((artifact.format.suffix, *(f"{each:.1f}" for each in figures)))
            progress("measuring (artifacts)", done, len(artifacts))
    write_report(
        options.out,
        f"Memory over {options.cycles:,} openings",
        f"A runner is opened, predicts one image and is closed: {WARM_UP} times to warm up, then {options.cycles:,} "
        f"times, each format in a process of its own. Resident MiB after a garbage collection, {INTERVALS + 1} times. "
        "The trend is the slope of a least-squares line through them, in MiB over all openings. "
        "`python experiments/open_close_cycles.py` repeats the measurement.",
        Table(headings=HEADINGS, rows=rows, right=frozenset(range(1, len(HEADINGS)))),
        packages=("onnxruntime", "openvino", "keras", "tensorflow"),
    )
    return 0


def small_artifacts(folder: Path) -> Iterator["Artifact"]:
    """The tests' small classifier as .onnx and .xml, and a Keras model of two layers as .keras and .savedmodel."""
    from temper.artifact import Artifact
    from temper.card import Card, write_card
    from temper.runners.keras import import_keras
    from tests import tiny

    model = tiny.bundle(folder / "onnx")
    for suffix in (".onnx", ".xml"):
        yield tiny.pipeline_of(model).build(Artifact.at(model).sibling("fp32", suffix), "fp32")
    layers = import_keras().layers
    inputs = layers.Input((tiny.SIZE, tiny.SIZE, 3), dtype="uint8")
    outputs = layers.Dense(2, activation="softmax")(layers.Flatten()(layers.Rescaling(1 / 255)(inputs)))
    network = import_keras().Model(inputs, outputs)
    for suffix in (".keras", ".savedmodel"):
        artifact = Artifact.at(folder / f"layers{suffix}")
        network.save(artifact.path) if suffix == ".keras" else network.export(artifact.path, verbose=False)
        write_card(artifact.path, Card(labels=tiny.LABELS, size=tiny.SIZE, sha256=artifact.sha256()))
        yield artifact


def memory_over_cycles(artifact: "Artifact", cycles: int) -> list[float]:
    """Resident MiB after the warm-up, and after each tenth of the cycles that follow. Linux only."""
    import numpy as np

    from temper.runners.load import load_runner

    image = np.zeros((1, artifact.card.size, artifact.card.size, 3), np.uint8)
    measured_at = {WARM_UP + cycles * interval // INTERVALS for interval in range(INTERVALS + 1)}
    resident = []
    for cycle in range(1, WARM_UP + cycles + 1):
        with load_runner(artifact) as runner:
            runner.predict(image)
        if cycle in measured_at:
            gc.collect()
            resident.append(resident_mib())
    return resident


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
