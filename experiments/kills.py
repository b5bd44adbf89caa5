"""Kill a training at random moments and resume it, and compare the result with a training that was not interrupted.

    python experiments/kills.py --kills 20

The training has a small backbone, and writes a checkpoint after every step, so that kills also interrupt writing.
"""

import argparse
import itertools
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

if not __package__:
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from experiments.support import ROOT, make_parser, run_program, write_report
from temper.cli.entry_point import run_command
from temper.cli.progress import ProgressCallback, ProgressDisplay
from temper.cli.tables import Table
from temper.system.quiet import quiet_stderr

BATCH = 4
IMAGES_PER_LABEL = 28
# Every other kill comes at any moment of so many seconds, imports included; the rest so soon after a checkpoint.
MAX_SECONDS_AFTER_START, MAX_SECONDS_AFTER_CHECKPOINT = 6.0, 1.0
POLL_SECONDS = 0.01


@dataclass(frozen=True, kw_only=True)
class Kill:
    """seconds: since the training was started. epoch, step: the position of the checkpoint on disk after the kill."""

    seconds: float
    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class Training:
    """The command of a training. epochs: enough that it does not end before the last kill."""

    data: Path
    out: Path
    epochs: int

    @property
    def arguments(self) -> list[str]:
        """Of Python."""
        return [
            "-m", "tests.train.tiny", "--backbone", "tiny", "--weights", "none", "--size", "32", "--batch", str(BATCH),
            "--epochs", str(self.epochs), "--patience", "9", "--seed", "3", "--resume", "--data", str(self.data),
            "--out", str(self.out),
        ]  # fmt: skip

    def start(self) -> "subprocess.Popen[bytes]":
        """Start or resume it in a process of its own."""
        command = [sys.executable, *self.arguments]
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def checkpoints(self) -> list[Path]:
        """The checkpoint, if there is one."""
        return list((self.out.parent / ".training").glob("checkpoint-*.npz"))


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = make_parser(__doc__, "kills.md")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how often the training is killed (20)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the moments of the kills (0)")
    return parser.parse_args(arguments)


def run(options: argparse.Namespace) -> int:
    """Train without and with kills, and write the table."""
    from data.drawn.sample import Sample, draw_sample

    with tempfile.TemporaryDirectory() as name, ProgressDisplay() as progress:
        folder = Path(name)
        draw_sample(folder / "images", Sample(train=IMAGES_PER_LABEL, test=4, seed=0), progress)
        complete, killed = (
            Training(data=folder / "images", out=folder / each / "model.keras", epochs=3 * options.kills)
            for each in ("complete", "killed")
        )
        run_program(*complete.arguments)
        kills = kill_repeatedly(killed, options.kills, random.Random(options.seed), progress)
        run_program(*killed.arguments)
        steps = steps_per_epoch(complete.out)
        difference = max_weight_difference(complete.out, killed.out)
        n_left = len([*killed.checkpoints(), *killed.out.parent.rglob("*.scratch")])
    lost = lost_steps(kills, steps)
    rows = [
        (str(number), f"{kill.seconds:.2f}", f"{kill.epoch}, {kill.step}", str(n))
        for number, (kill, n) in enumerate(zip(kills, lost, strict=True), 1)
    ]
    write_report(
        options.out,
        "A training that is killed at random moments",
        f"`kill -9`, then `--resume`; a small backbone, {steps} steps an epoch, and a checkpoint after every step, so "
        f"that kills also interrupt writing. Every other kill comes at most {MAX_SECONDS_AFTER_CHECKPOINT:.0f} s after "
        f"a checkpoint was written, the others at any moment of the first {MAX_SECONDS_AFTER_START:.0f} s, imports "
        "included. A step is lost when it was on disk before a kill and is not afterwards. At the end the model is "
        "compared with that of a training that was not interrupted. "
        f"`python experiments/kills.py --kills {options.kills}` repeats the measurement.",
        Table(headings=("kill", "seconds after the start", "epoch, step on disk", "steps lost"), rows=rows),
        f"{len(kills)} kills, {sum(lost)} steps lost, {n_left} scratch files and checkpoints left at the end; largest "
        f"difference of any weight: {difference:.1g}.",
    )
    return 0


def kill_repeatedly(training: Training, n_kills: int, moments: random.Random, progress: ProgressCallback) -> list[Kill]:
    """Start or resume the training and kill it, so many times or until it ends before it is killed."""
    kills: list[Kill] = []
    while len(kills) < n_kills:
        started, process = time.time(), training.start()
        if len(kills) % 2:
            time.sleep(moments.uniform(0, MAX_SECONDS_AFTER_START))
        else:
            _wait_for_checkpoint(training, process, started)
            time.sleep(moments.uniform(0, MAX_SECONDS_AFTER_CHECKPOINT))
        process.kill()
        if process.wait() != -signal.SIGKILL:
            break
        epoch, step = read_position(training)
        kills.append(Kill(seconds=time.time() - started, epoch=epoch, step=step))
        progress("killing", len(kills), n_kills)
    return kills


def lost_steps(kills: list[Kill], steps: int) -> list[int]:
    """For each kill, the steps that were on disk before it and are not afterwards; steps: in an epoch."""
    positions = [0, *(kill.epoch * steps + kill.step for kill in kills)]
    return [max(0, before - after) for before, after in itertools.pairwise(positions)]


def read_position(training: Training) -> tuple[int, int]:
    """Epoch and step of the checkpoint; zeros where there is none."""
    with quiet_stderr():
        from train.fitting.checkpoint import read_checkpoint

    saved = [read_checkpoint(path) for path in training.checkpoints()]
    return (saved[0].state.epoch, saved[0].state.step) if saved and saved[0] else (0, 0)


def steps_per_epoch(model: Path) -> int:
    """Steps of an epoch over the training subset of a model's split."""
    from temper.artifact import Artifact
    from temper.dataset.split import read_split

    return -(-len(read_split(Artifact.at(model), "train")) // BATCH)


def max_weight_difference(one: Path, other: Path) -> float:
    """The largest absolute difference of any weight of two models with the same architecture."""
    from temper.runners.keras import import_keras

    models = [import_keras().saving.load_model(path, compile=False) for path in (one, other)]
    pairs = zip(*(model.get_weights() for model in models), strict=True)
    return max(float(abs(a - b).max()) for a, b in pairs)


def _wait_for_checkpoint(training: Training, process: "subprocess.Popen[bytes]", since: float) -> None:
    """Wait until a checkpoint is written, or the training has ended."""
    while process.poll() is None and not any(path.stat().st_mtime > since for path in training.checkpoints()):
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    run_command(parse, run)
