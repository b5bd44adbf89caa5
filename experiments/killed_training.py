"""A training that is killed at random moments and resumed each time."""

import csv
import itertools
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.support import ROOT
from temper.cli.progress import ProgressCallback, no_progress
from temper.storage.atomic import SCRATCH_SUFFIX
from tests.train.images import fill

IMAGES_OF_A_LABEL, BATCH = 25, 4
TIMEOUT_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class Kill:
    """One kill: seconds after the start of the process, and the position that the checkpoint has afterwards."""

    seconds: float
    epoch: int
    step: int


@dataclass(frozen=True, kw_only=True)
class KillReport:
    """The kills, and how the training that was killed compares with one that was not.

    steps: of an epoch. history_difference, weight_difference: the largest absolute differences at the end.
    leftovers: checkpoints and scratch files that remain.
    """

    steps: int
    kills: list[Kill]
    history_difference: float
    weight_difference: float
    leftovers: list[Path]

    @property
    def lost_by_kill(self) -> list[int]:
        """For each kill, the steps that were in a checkpoint before it and are not afterwards."""
        positions = [0, *(each.epoch * self.steps + each.step for each in self.kills)]
        return [max(0, before - after) for before, after in itertools.pairwise(positions)]

    @property
    def lost_steps(self) -> int:
        """All lost steps."""
        return sum(self.lost_by_kill)


def start_training(data: Path, out: Path, epochs: int, *more: str) -> "subprocess.Popen[str]":
    """Start a training of a tiny backbone from scratch that writes a checkpoint after every step."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.train.tiny", "--backbone", "tiny", "--weights", "none", "--data", str(data),
            "--out", str(out), "--size", "32", "--epochs", str(epochs), "--batch", str(BATCH), "--patience", "9", *more,
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(training: "subprocess.Popen[str]") -> tuple[int, str]:
    """Wait for the end; returns the exit code, and all text of stdout and stderr."""
    stdout, stderr = training.communicate(timeout=TIMEOUT_SECONDS)
    return training.returncode, stdout + stderr


def wait_for_checkpoint(folder: Path, training: "subprocess.Popen[str]", since: float) -> bool:
    """Wait until a checkpoint is written after `since`; False if the training ends before."""
    while training.poll() is None:
        if any(path.stat().st_mtime > since for path in folder.glob("checkpoint-*.npz")):
            return True
        time.sleep(0.01)
    return False


def run_killed_training(folder: Path, n_kills: int, seed: int, progress: ProgressCallback = no_progress) -> KillReport:
    """Train twice in `folder`: undisturbed, and killed `n_kills` times at moments that depend on the seed.

    Every other kill happens within a second after a checkpoint was written, the others at any moment of the first six
    seconds, which include the imports. Fewer kills happen when the training ends before.
    Raises RuntimeError when a training fails.
    """
    data, reference, killed = fill(folder / "images", IMAGES_OF_A_LABEL), folder / "model.keras", folder / "killed"
    epochs, moments, kills = 3 * n_kills, random.Random(seed), list[Kill]()
    progress("training without kills", 0, 0)
    _complete(start_training(data, reference, epochs, "--seed", "3"))
    progress("training without kills", 1, 1)
    while len(kills) < n_kills:
        progress("killing trainings", len(kills), n_kills)
        training = start_training(data, killed / "model.keras", epochs, "--seed", "3", "--resume")
        started = time.time()
        if len(kills) % 2:
            time.sleep(moments.uniform(0, 6))
        elif wait_for_checkpoint(killed / ".training", training, started):
            time.sleep(moments.uniform(0, 1))
        training.kill()
        training.communicate()
        if training.returncode != -signal.SIGKILL:
            break
        epoch, step = position_on_disk(killed / ".training")
        kills.append(Kill(seconds=time.time() - started, epoch=epoch, step=step))
    progress("killing trainings", n_kills, n_kills)
    _complete(start_training(data, killed / "model.keras", epochs, "--seed", "3", "--resume"))
    return _report(reference, killed / "model.keras", kills)


def position_on_disk(folder: Path) -> tuple[int, int]:
    """Epoch and step of the only checkpoint in a folder."""
    from train.fitting.checkpoint import read_checkpoint

    (path,) = folder.glob("checkpoint-*.npz")
    saved = read_checkpoint(path)
    assert saved is not None
    return saved.state.epoch, saved.state.step


def _complete(training: "subprocess.Popen[str]") -> None:
    code, text = finish(training)
    if code:
        raise RuntimeError(text)


def _report(reference: Path, killed: Path, kills: list[Kill]) -> KillReport:
    import keras

    histories = [_history(path.with_name("model.history.csv")) for path in (reference, killed)]
    weights = [keras.saving.load_model(path).get_weights() for path in (reference, killed)]
    n_images = reference.with_name("model.split.csv").read_text(encoding="utf-8").count(",train,")
    folder = killed.parent
    return KillReport(
        steps=-(-n_images // BATCH),
        kills=kills,
        history_difference=float(np.abs(histories[0] - histories[1]).max()),
        weight_difference=max(float(np.abs(a - b).max()) for a, b in zip(*weights, strict=True)),
        leftovers=[*folder.rglob("checkpoint-*"), *folder.rglob(f"*{SCRATCH_SUFFIX}")],
    )


def _history(path: Path) -> NDArray[np.float64]:
    with path.open(encoding="utf-8") as stream:
        return np.array(list(csv.reader(stream))[1:], float)
