"""Kill a training at random moments and resume it, and compare the result with a training that was not interrupted.

    python experiments/kills.py --kills 20

The training has a small backbone, and writes a checkpoint after every step, so that kills also interrupt writing.
"""

import argparse
import sys
import tempfile
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import make_parser, write_report
from temper.cli.entry_point import run_command
from temper.cli.tables import Table


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "kills.md")
    parser.add_argument(
        "--kills", type=int, default=20, metavar="N", help="how often the training is killed (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments of the kills (default: 0)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Train without and with kills, and write the table."""
    from experiments.killed_training import run_killed_training
    from temper.cli.progress import ProgressDisplay

    with tempfile.TemporaryDirectory() as folder, ProgressDisplay() as progress:
        report = run_killed_training(Path(folder), options.kills, options.seed, progress)
    rows = [
        (str(number), f"{kill.seconds:.2f}", f"{kill.epoch}, {kill.step}", str(n_lost))
        for number, (kill, n_lost) in enumerate(zip(report.kills, report.lost_by_kill, strict=True), 1)
    ]
    write_report(
        options.out,
        "A training that is killed at random moments",
        f"`kill -9`, then `--resume`; a small backbone, {report.steps} steps an epoch, a checkpoint after every step, "
        "so that kills also interrupt writing. Every other kill comes at most 1 s after a checkpoint was written, the "
        "others at any moment of the first 6 s, imports included. A step is lost when it was on disk before a kill and "
        "is not afterwards. At the end the model is compared with that of a training that was not interrupted. "
        f"`python experiments/kills.py --kills {options.kills}` repeats the measurement.",
        Table(headings=("kill", "seconds after the start", "epoch, step on disk", "steps lost"), rows=rows),
        f"Kills: {len(report.kills)}. Steps lost: {report.lost_steps}. Scratch files and checkpoints left at the end: "
        f"{len(report.leftovers)}. Largest difference of any weight: {report.weight_difference:.1g}.",
        packages=("keras", "tensorflow"),
    )
    return 0


if __name__ == "__main__":
    run_command(parse, run, writes_artifacts=False)
