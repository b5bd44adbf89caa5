"""Which share of this processor's int8 peak an artifact reaches, and what takes the time, by kind of layer.

    python experiments/layer_profile/run.py artifacts/model.int8.onnx artifacts/model.int8.xml

Beside an artifact must be the fp32 ONNX file that it was converted from: its convolutions and matrix products are
counted. The peak is that of a large int8 matrix product (`benchmarks/measurement/peak_compute.py`).
"""

import argparse
import contextlib
import statistics
import sys
import time
from collections import defaultdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from collections.abc import Callable

    from experiments.layer_profile.layers import Profile
    from temper.artifact import Artifact

BATCHES = (1, 8)
BLOCK_SECONDS, WARM_UP_ROUNDS = 0.25, 2
OUTSIDE = "not in a layer"
SHARES = ("artifact", "batch", "ms for one image", "billion operations/s", "% of the peak")
SPENT = ("batch", "kind of layer", "computed in", "layers", "ms for one image", "% of the call")
TEXT = """
Medians of {rounds} rounds in random order; in each, the matrix product and every case are called in a row for a quarter
of a second. The share of the peak is the median of the ratios of each round, with its 95 % interval (bootstrap over the
rounds). The profilers of the runtimes measured the layers at calls of their own; "not in a layer" is what such a call
took, from outside, beyond its layers. An operation is a multiplication or an addition of the fp32 file.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "layer-profile.md")
    add = parser.add_argument
    add("artifacts", nargs="+", type=Path, metavar="ARTIFACT", help="int8 artifacts (.onnx or .xml)")
    add("--rounds", type=int, default=40, metavar="N", help="calls of each case (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the tables."""
    from experiments.layer_profile.layers import noise, profile
    from temper.artifact import Artifact

    artifacts = [Artifact.at(path).verified() for path in options.artifacts]
    sections: list[str | Table] = [Table(headings=SHARES, rows=share_rows(artifacts, options.rounds))]
    for artifact in artifacts:
        layers = {batch: profile(artifact, noise(batch, artifact.card.size), options.rounds) for batch in BATCHES}
        rows = [row for batch in BATCHES for row in spent_rows(batch, layers[batch])]
        sections += [f"## {title_of(artifact)}", Table(headings=SPENT, rows=rows)]
    write_report(
        options.out,
        "Share of the int8 peak, and time by kind of layer",
        "`python experiments/layer_profile/run.py ARTIFACT …` repeats the measurement.",
        TEXT.format(rounds=options.rounds),
        *sections,
        packages=("onnxruntime", "openvino"),
    )
    return 0


def share_rows(artifacts: list["Artifact"], rounds: int) -> list[tuple[str, ...]]:
    """A row for the matrix product, and one for each artifact and batch size, of one interleaved run."""
    import numpy as np

    from benchmarks.analysis.statistics import paired_ratio
    from benchmarks.measurement.peak_compute import GIGA, OPERATIONS, PeakKernel, count_operations
    from experiments.layer_profile.layers import noise
    from temper.runners.load import load_runner

    operations = [count_operations(each.sibling("fp32", ".onnx").verified().path) for each in artifacts]
    random = np.random.default_rng(0)
    rates: dict[tuple[int, int], list[float]] = defaultdict(list)
    peaks: list[float] = []
    with contextlib.ExitStack() as opened:
        kernel = PeakKernel("int8")
        runners = [opened.enter_context(load_runner(artifact)) for artifact in artifacts]
        images = {(i, b): noise(b, each.card.size) for i, each in enumerate(artifacts) for b in BATCHES}
        for number in range(-WARM_UP_ROUNDS, rounds):
            peak = OPERATIONS["int8"] / GIGA / block(kernel.run)
            measured = {}
            for case in random.permutation(list(images)).tolist():
                index, batch = case
                seconds = block(partial(runners[index].predict, images[index, batch]))
                measured[index, batch] = operations[index] * batch / seconds / GIGA
            if number >= 0:
                peaks.append(peak)
                for key, rate in measured.items():
                    rates[key].append(rate)
    rows: list[tuple[str, ...]] = [("int8 matrix product", "", "", f"{statistics.median(peaks):.0f}", "100")]
    for (index, batch), values in sorted(rates.items()):
        rate, fraction = statistics.median(values), paired_ratio(values, peaks)
        ms = 1000 * operations[index] / rate / GIGA
        rows.append((title_of(artifacts[index]), str(batch), f"{ms:.2f}", f"{rate:.0f}", fraction.scaled(100).text(1)))
    return rows


def block(call: "Callable[[], object]") -> float:
    """Median wall seconds of calls in a row."""
    from benchmarks.measurement.timing import wait_until_idle

    seconds: list[float] = []
    start = time.perf_counter()
    while time.perf_counter() - start < BLOCK_SECONDS:
        before = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - before)
    wait_until_idle()
    return statistics.median(seconds)


def title_of(artifact: "Artifact") -> str:
    """Folder and name: several networks may have artifacts of one name."""
    return f"{artifact.path.parent.name}/{artifact.name}"


def spent_rows(batch: int, measured: "Profile") -> list[tuple[str, ...]]:
    """A row for each kind of layer, the one that takes the most time first, and one for the rest of a call."""
    kinds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in measured.layers:
        kinds[each.kind, "int8" if each.int8 else "floating point"].append(each.ms)
    rows = [(*kind, str(len(ms)), sum(ms)) for kind, ms in sorted(kinds.items(), key=lambda pair: -sum(pair[1]))]
    rows.append((OUTSIDE, "", "", measured.call_ms - sum(each.ms for each in measured.layers)))
    return [
        (str(batch), kind, computed, layers, f"{ms / batch:.3f}", f"{100 * ms / measured.call_ms:.1f}")
        for kind, computed, layers, ms in rows
    ]


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
