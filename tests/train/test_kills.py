"""A training that is killed again and again, as a user or a power cut does, ends like one that was left alone."""

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

from tests.train.test_data import fill

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("TEMPER_KILLS", "4"))


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
    moments, kills = random.Random(seed), 0
    while kills < KILLS:
        training = start(data, killed, "--seed", "3", "--resume")
        if not begun(killed.parent / ".training", training, time.time()):
            break
        time.sleep(moments.uniform(0, 1))
        training.kill()
        training.communicate()
        kills += training.returncode == -signal.SIGKILL
    code, told = finish(start(data, killed, "--seed", "3", "--resume"))
    assert code == 0, told
    assert kills >= min(3, KILLS), "the training ended before it could be killed"
    rows = [
        list(csv.reader(path.open())) for path in (tmp_path / "whole.history.csv", killed.parent / "model.history.csv")
    ]
    assert rows[0][0] == rows[1][0]
    assert np.allclose(np.array(rows[0][1:], float), np.array(rows[1][1:], float), atol=1e-4)
    models = [keras.saving.load_model(path) for path in (whole, killed)]
    for a, b in zip(*(model.get_weights() for model in models), strict=True):
        assert np.allclose(a, b, atol=1e-4)
    assert not list((killed.parent / ".training").glob("checkpoint-*"))
    print(f"{kills} kills, nothing lost")


def test_ctrl_c_says_how_to_go_on_and_leaves_130(tmp_path: Path) -> None:
    data, out = fill(tmp_path / "pictures", 25), tmp_path / "out" / "model.keras"
    training = start(data, out)
    assert begun(out.parent / ".training", training, 0)
    training.send_signal(signal.SIGINT)
    code, told = finish(training)
    assert code == 130
    assert "stopped: the training so far is kept; the same command with --resume goes on from there." in told
    assert "Traceback" not in told
    assert not out.exists()
    code, told = finish(start(data, out, "--resume"))
    assert code == 0
    assert "an interrupted training is taken up." in told
    assert out.exists()
