"""Which share of this processor's int8 peak an artifact reaches, and what takes the time, by kind of layer.

    python experiments/layer_profile/run.py artifacts/model.int8.onnx artifacts/model.int8.xml

Beside an artifact must be the fp32 ONNX file that it was converted from: its convolutions and matrix products are
counted. The peak is that of a large int8 matrix product (`benchmarks/measurement/peak_compute.py`).
"""

import argparse
import statistics
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table

if TYPE_CHECKING:
    from experiments.layer_profile.layers import Layer
    from temper.artifact import Artifact

BATCHES = (1, 8)
PEAK_SECONDS, MAX_PEAK_CALLS = 0.3, 200
SHARES = ("artifact", "batch", "ms for one image", "billion operations/s", "int8 peak", "% of the peak")
SPENT = ("batch", "kind of layer", "computed in", "layers", "ms for one image", "% of all layers")
TEXT = """
Medians of {rounds} rounds in random order, each with the fastest of several calls of the matrix product and one call of
each case. The profilers of the runtimes measured the layers in calls of their own; their clocks make calls a little
slower. An operation is a multiplication or an addition of the fp32 file.
"""


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "layer-profile.md")
    parser.prog = "python experiments/layer_profile/run.py"
    add = parser.add_argument
    add("artifacts", nargs="+", type=Path, metavar="ARTIFACT", help="int8 artifacts (.onnx or .xml)")
    add("--rounds", type=int, default=40, metavar="N", help="calls of each case (default: %(default)s)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the tables."""
    from experiments.layer_profile.layers import noise, profile
    from temper.artifact import Artifact
    from temper.provenance import package_versions
    from temper.system.host import describe_host

    artifacts = [Artifact.at(path).verified() for path in options.artifacts]
    host, versions = describe_host(), package_versions("onnxruntime", "openvino")
    sections: list[str | Table] = [Table(headings=SHARES, rows=share_rows(artifacts, options.rounds))]
    for artifact in artifacts:
        layers = {batch: profile(artifact, noise(batch, artifact.card.size), options.rounds) for batch in BATCHES}
        rows = [row for batch in BATCHES for row in spent_rows(batch, layers[batch])]
        sections += [f"## {title_of(artifact)}", Table(headings=SPENT, rows=rows)]
    write_report(
        options.out,
        "Share of the int8 peak, and time by kind of layer",
        f"{host.processor}, {host.cores} cores; {', '.join(' '.join(each) for each in versions.items())}. "
        "`python experiments/layer_profile/run.py ARTIFACT …` repeats the measurement.",
        TEXT.format(rounds=options.rounds),
        *sections,
    )
    return 0


def share_rows(artifacts: list["Artifact"], rounds: int) -> list[tuple[str, ...]]:
    """A row for each artifact and batch size, of one interleaved run with the matrix product."""
    import contextlib

    import numpy as np

    from benchmarks.measurement.peak_compute import GIGA, PeakKernel, count_operations, fastest_call, gops
    from experiments.layer_profile.layers import noise
    from temper.runners.load import load_runner

    operations = [count_operations(each.sibling("fp32", ".onnx").verified().path) for each in artifacts]
    random, peaks = np.random.default_rng(0), list[float]()
    seconds: dict[tuple[int, int], list[float]] = defaultdict(list)
    with contextlib.ExitStack() as opened:
        kernel = PeakKernel("int8")
        runners = [opened.enter_context(load_runner(artifact)) for artifact in artifacts]
        images = {(i, b): noise(b, each.card.size) for i, each in enumerate(artifacts) for b in BATCHES}
        for number in range(-2, rounds):
            peaks.append(gops("int8", fastest_call(kernel, MAX_PEAK_CALLS, PEAK_SECONDS)))
            for case in random.permutation(list(images)).tolist():
                index, batch = case
                started = time.perf_counter()
                runners[index].predict(images[index, batch])
                if number >= 0:
                    seconds[index, batch].append(time.perf_counter() - started)
    rows, peak = list[tuple[str, ...]](), statistics.median(peaks)
    for (index, batch), values in sorted(seconds.items()):
        for_one = statistics.median(values) / batch
        rate = operations[index] / for_one / GIGA
        numbers = (f"{1000 * for_one:.2f}", f"{rate:.0f}", f"{peak:.0f}", f"{100 * rate / peak:.0f}")
        rows.append((title_of(artifacts[index]), str(batch), *numbers))
    return rows


def title_of(artifact: "Artifact") -> str:
    """Folder and name: several networks may have artifacts of one name."""
    return f"{artifact.path.parent.name}/{artifact.name}"


def spent_rows(batch: int, layers: list["Layer"]) -> list[tuple[str, ...]]:
    """A row for each kind of layer, the one that takes the most time first."""
    kinds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for each in layers:
        kinds[each.kind, "int8" if each.int8 else "floating point"].append(each.ms)
    total = sum(each.ms for each in layers)
    return [
        (str(batch), *kind, str(len(ms)), f"{sum(ms) / batch:.3f}", f"{100 * sum(ms) / total:.1f}")
        for kind, ms in sorted(kinds.items(), key=lambda pair: -sum(pair[1]))
    ]


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
