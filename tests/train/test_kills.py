"""A training that is killed again and again, as a user or a power cut does, ends like one that was left alone.

TEMPER_KILLS=20 TEMPER_KILLS_TABLE=benchmarks/results/kills.md pytest -m slow tests/train/test_kills.py
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pytest

from temper.storage.atomic import SCRATCH_SUFFIX
from tests.train.dataset.test_split import fill
from train.fitting.checkpoint import read_state

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TEMPER_KILLS", "4"))
TABLE = os.environ.get("TEMPER_KILLS_TABLE", "")
HEAD = """# A training killed at random moments

`kill -9`, then `--resume`; a tiny backbone, {steps} steps an epoch, a checkpoint at every step, so that kills fall into
writes too. Every other kill falls within a second after a checkpoint was seen, the rest at any moment of the first six
seconds, imports among them. A step is lost when it was on disk before and is not after. At the end the model is
compared with that of a training left alone, and no scratch file is left. Made by
`{command}`.

| kill | seconds after the start | epoch, step on disk | steps lost |
|---|---|---|---|
"""


def start(data: Path, out: Path, *more: str) -> "subprocess.Popen[str]":
    """A training of hundreds of steps that writes a checkpoint at every one."""
    return subprocess.Popen(
        [
            sys.executable, "-m", "tests.train.tiny", "--backbone", "tiny", "--weights", "none", "--data", str(data),
            "--out", str(out), "--size", "32", "--epochs", str(3 * KILLS), "--batch", "4", "--patience", "9", *more,
        ],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(training: "subprocess.Popen[str]") -> tuple[int, str]:
    told, complained = training.communicate(timeout=300)
    return training.returncode, told + complained


def begun(folder: Path, training: "subprocess.Popen[str]", since: float) -> bool:
    """Waits until a checkpoint is written, or the training has ended."""
    while training.poll() is None:
        if any(path.stat().st_mtime > since for path in folder.glob("checkpoint-*.npz")):
            return True
        time.sleep(0.01)
    return False


def test_killed_at_random_moments_and_resumed_it_ends_like_one_left_alone(tmp_path: Path) -> None:
    data, whole, killed = fill(tmp_path / "pictures", 25), tmp_path / "whole.keras", tmp_path / "killed" / "model.keras"
    code, told = finish(start(data, whole, "--seed", "3"))
    assert code == 0, told
    seed = random.randrange(1 << 30)
    print(f"seed of the kills: {seed}")
    moments, places = random.Random(seed), [(0, 0)]
    lines: list[str] = []
    while len(lines) < KILLS:
        training, since = start(data, killed, "--seed", "3", "--resume"), time.time()
        if len(lines) % 2:
            time.sleep(moments.uniform(0, 6))
        elif begun(killed.parent / ".training", training, since):
            time.sleep(moments.uniform(0, 1))
        if training.poll() is not None:
            break
        training.kill()
        training.communicate()
        if training.returncode == -signal.SIGKILL:
            places.append(place_on_disk(killed.parent / ".training"))
            assert places[-1] >= places[-2], "what was on disk was lost"
            lines.append(f"| {len(lines) + 1} | {time.time() - since:.2f} | {places[-1][0]}, {places[-1][1]} | 0 |")
    code, told = finish(start(data, killed, "--seed", "3", "--resume"))
    assert code == 0, told
    assert len(lines) >= min(3, KILLS), "the training ended before it could be killed"
    rows = [
        list(csv.reader(path.open())) for path in (tmp_path / "whole.history.csv", killed.parent / "model.history.csv")
    ]
    assert rows[0][0] == rows[1][0]
    assert np.allclose(np.array(rows[0][1:], float), np.array(rows[1][1:], float), atol=1e-4)
    models = [keras.saving.load_model(path) for path in (whole, killed)]
    differences = [float(np.abs(a - b).max()) for a, b in zip(*(model.get_weights() for model in models), strict=True)]
    assert max(differences) < 1e-4
    assert not list((killed.parent / ".training").glob("checkpoint-*"))
    assert not list(killed.parent.rglob(f"*{SCRATCH_SUFFIX}"))
    if TABLE:
        command = f"TEMPER_KILLS={KILLS} TEMPER_KILLS_TABLE={TABLE} pytest -m slow tests/train/test_kills.py"
        ending = (
            f"{len(lines)} kills, no step lost; largest difference of any weight at the end: {max(differences):.1g}."
        )
        shown = (tmp_path / "whole.split.csv").read_text(encoding="utf-8").count(",train,")
        text = HEAD.format(steps=-(-shown // 4), command=command) + "\n".join(lines) + f"\n\n{ending}\n"
        (ROOT / TABLE).write_text(text, encoding="utf-8")


def place_on_disk(folder: Path) -> tuple[int, int]:
    """Epoch and step of the one checkpoint there, which can be read."""
    (path,) = folder.glob("checkpoint-*.npz")
    state = read_state(path)
    assert state
    return state.epoch, state.step


def test_ctrl_c_says_how_to_go_on_and_leaves_130(tmp_path: Path) -> None:
    data, out = fill(tmp_path / "pictures", 25), tmp_path / "out" / "model.keras"
    training = start(data, out, "--resume")
    assert begun(out.parent / ".training", training, 0)
    training.send_signal(signal.SIGINT)
    code, told = finish(training)
    assert code == 130
    assert "no interrupted training of these pictures and this recipe is kept: it starts at the first step." in told
    assert "stopped: the training so far is kept; the same command with --resume goes on from there." in told
    assert "Traceback" not in told
    assert not out.exists()
    (kept,) = (out.parent / ".training").glob("checkpoint-*.npz")
    before = kept.read_bytes()
    code, told = finish(start(data, out))
    assert code == 1
    assert "holds an interrupted training of these pictures. --resume goes on, --force begins anew." in told
    assert kept.read_bytes() == before
    code, told = finish(start(data, out, "--resume"))
    assert code == 0
    assert "an interrupted training is taken up." in told
    assert out.exists()
