"""Measure a server under load: against its runtime alone, at half load, and at four times what it can do.

python experiments/serving/load.py artifacts/model.int8.onnx
python experiments/serving/load.py artifacts/model.int8.onnx --other Triton=127.0.0.1:9000

--other: a server that is running and serves the same model under the same name, such as Triton; it is measured in the
same rounds.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from experiments.serving.clients import Outcome, Target, closed_loop, open_loop
from experiments.serving.running import PACKAGES, RunningServer, known_predictions, running_server
from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table
from temper.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

HALF, OVERLOAD = 0.5, 4.0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "serve-load.md")
    add = parser.add_argument
    add("artifact", type=Path, help="the artifact to serve")
    add("--clients", type=int, default=64, metavar="N", help="clients at full load (default: %(default)s)")
    add("--rounds", type=int, default=5, metavar="N", help="interleaved rounds (default: %(default)s)")
    add("--seconds", type=float, default=20.0, help="of each measurement (default: %(default)g)")
    add("--deadline-ms", type=float, default=5000.0, metavar="MS", help="of the server (default: %(default)g)")
    add("--other", action="append", default=[], metavar="NAME=HOST:PORT", help="another server, see above")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Measure, and write the tables."""
    from temper.system.child_process import run_in_child

    images, known = run_in_child(known_predictions, options.artifact)
    with running_server(options.artifact, "--deadline-ms", f"{options.deadline_ms:g}") as server:
        targets = {"temper serve": target_of(server.address, server, images, known)}
        for text in options.other:
            name, _, address = text.partition("=")
            if not address:
                raise UsageError(f"--other is {text!r}", fix="Write it as NAME=HOST:PORT.")
            targets[name] = target_of(address, server, images, known)
        alone, full = full_load(options, targets)
        rate = median([each.per_second for each in full["temper serve"]])
        part = {
            name: [run_in_child(open_loop, target, factor * rate, options.seconds) for factor in (HALF, OVERLOAD)]
            for name, target in targets.items()
        }
        seconds = server.stop()
    title = f"Load on a server of {options.artifact.name}"
    write_report(options.out, title, *report(options, alone, full, part, seconds), packages=PACKAGES)
    return 0


def target_of(address: str, server: RunningServer, images: "NDArray[np.uint8]", known: "NDArray[np.float32]") -> Target:
    """One artifact's predictions are right."""
    return Target(address=address, name=server.name, images=images, known=known[None])


def full_load(options: argparse.Namespace, targets: dict[str, Target]) -> tuple[list[float], dict[str, list[Outcome]]]:
    """Images per second of the runtime alone, and what became of the requests to each server, in each round."""
    from temper.system.child_process import run_in_child

    alone: list[float] = []
    outcomes: dict[str, list[Outcome]] = {name: [] for name in targets}
    for target in targets.values():
        run_in_child(closed_loop, target, options.clients, 2.0)
    for _ in range(options.rounds):
        alone.append(run_in_child(runtime_alone, options.artifact, options.seconds))
        for name, target in targets.items():
            outcomes[name].append(run_in_child(closed_loop, target, options.clients, options.seconds))
    return alone, outcomes


def runtime_alone(path: Path, seconds: float) -> float:
    """Images per second of the runner at its best batch."""
    import numpy as np

    from temper.artifact import Artifact
    from temper.reference import read_golden
    from temper.runners.load import open_runner

    with open_runner(Artifact.at(path)) as runner:
        golden = read_golden(runner.artifact)[0]
        batch = golden[np.arange(runner.best_batch) % len(golden)]
        for _ in range(3):
            runner.predict(batch)
        calls, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            runner.predict(batch)
            calls += 1
        return calls * len(batch) / (time.perf_counter() - started)


def spread(values: list[float], digits: int = 2) -> str:
    """The median, with the smallest and the largest value."""
    low, high = min(values), max(values)
    return f"{median(values):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def report(
    options: argparse.Namespace,
    alone: list[float],
    full: dict[str, list[Outcome]],
    part: dict[str, list[Outcome]],
    seconds: float,
) -> list[str | Table]:
    """Texts and tables."""
    rows = [("runtime alone, at its best batch", spread(alone, 0), "1", "", "", "", "")]
    for name, outcomes in full.items():
        ratios = [each.per_second / own for each, own in zip(outcomes, alone, strict=True)]
        p50, p99 = ([each.percentile(percent) for each in outcomes] for percent in (50, 99))
        rows.append(
            (name, spread([each.per_second for each in outcomes], 0), spread(ratios), f"{median(p50):.0f}",
             f"{median(p99):.0f}", statuses(*outcomes), str(sum(each.wrong for each in outcomes)))
        )  # fmt: skip
    loads = [
        (name, f"{factor:g} times", *(f"{value:.0f}" for value in (each.per_second, *map(each.percentile, (50, 99)))),
         statuses(each), str(each.wrong))
        for name, outcomes in part.items()
        for factor, each in zip((HALF, OVERLOAD), outcomes, strict=True)
    ]  # fmt: skip
    right = frozenset(range(1, 7))
    end = ("p50 ms", "p99 ms", "responses", "wrong")
    return [
        f"{options.clients} clients of `tritonclient.http` in one process, each with a connection of its own, send one "
        "image in each request, and compare the prediction. They share the cores of the machine with the "
        f"server. {options.rounds} interleaved rounds of {options.seconds:g} s: median, smallest and largest.",
        Table(headings=("", "images/s", "of the runtime", *end), rows=rows, right=right),
        "Requests at a fixed rate, as a multiple of what `temper serve` reached above. The times are those of requests "
        f"with a prediction; the deadline of `temper serve` is {options.deadline_ms:g} ms.",
        Table(headings=("", "rate", "predictions/s", *end), rows=loads, right=frozenset(range(2, 7))),
        f"Stopped {seconds:.1f} s after SIGTERM. `python experiments/serving/load.py {options.artifact.name}` repeats "
        "the measurement.",
    ]


def statuses(*outcomes: Outcome) -> str:
    """How many responses had each status."""
    total = Outcome()
    for outcome in outcomes:
        for status, count in outcome.statuses.items():
            total.statuses[status] = total.statuses.get(status, 0) + count
    return ", ".join(f"{count:,} × {status}" for status, count in sorted(total.statuses.items()))


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
