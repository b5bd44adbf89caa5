import random
import signal
from pathlib import Path

import pytest

from experiments.killed_training import finish, run_killed_training, start_training, wait_for_checkpoint
from temper.exit_codes import ExitCode
from tests.train.images import fill

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
EPOCHS = 12


def test_a_training_killed_at_random_moments_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    seed = random.randrange(1 << 30)
    print(f"seed of the kills: {seed}")
    report = run_killed_training(tmp_path, n_kills=4, seed=seed)
    assert len(report.kills) >= 3, "the training ended before it could be killed"
    assert report.lost_steps == 0
    assert report.history_difference < 1e-4
    assert report.weight_difference < 1e-4
    assert report.leftovers == []


def test_ctrl_c_writes_a_checkpoint_and_shows_how_to_continue(tmp_path: Path) -> None:
    data, out = fill(tmp_path / "images", 25), tmp_path / "out" / "model.keras"
    training = start_training(data, out, EPOCHS, "--resume")
    assert wait_for_checkpoint(out.parent / ".training", training, 0)
    training.send_signal(signal.SIGINT)
    code, text = finish(training)
    assert code == ExitCode.INTERRUPTED
    assert "no interrupted training of these images with this configuration exists" in text
    assert "a checkpoint is written; the same command with --resume continues from there" in text
    assert "stopped. Every artifact is complete, the old or the new one." in text
    assert "Traceback" not in text
    assert not out.exists()
    (checkpoint,) = (out.parent / ".training").glob("checkpoint-*.npz")
    before = checkpoint.read_bytes()
    code, text = finish(start_training(data, out, EPOCHS))
    assert code == ExitCode.USAGE
    assert "holds an interrupted training of these images" in text
    assert "--resume continues it, --force starts again." in text
    assert checkpoint.read_bytes() == before
    code, text = finish(start_training(data, out, EPOCHS, "--resume"))
    assert code == ExitCode.OK
    assert "continuing an interrupted training" in text
    assert out.exists()
