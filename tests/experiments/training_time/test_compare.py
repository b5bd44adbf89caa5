import numpy as np

from experiments.training_time.compare import HEADINGS, cells_of, describe_limit
from experiments.training_time.forward_limit import ForwardLimit
from experiments.training_time.runs import Measurement, TrainingRun


def training_run(name: str, seconds: float, val_correct: int, wrong: tuple[int, ...]) -> TrainingRun:
    """A training whose given ones of ten test images are wrong."""
    is_wrong = np.isin(np.arange(10), wrong)
    return TrainingRun(name=name, seconds=seconds, n_forwards=100, val_correct=val_correct, is_wrong=is_wrong)


RESULT = Measurement(
    sizes={"train": 50, "val": 20, "test": 10},
    tutorial=(training_run("both epochs", 40.0, 18, (0, 1)), training_run("epoch 1", 20.0, 19, (0, 1))),
    fair=training_run("fair loop", 10.0, 18, (0, 1)),
    ours=[training_run("train/run.py", 2.0, 16, (1, 2, 3))],
    limit=ForwardLimit(flop=1e9, rate=1e11),
)


def test_a_row_compares_with_the_loops() -> None:
    cells = dict(zip(HEADINGS, cells_of(RESULT.ours[0], RESULT), strict=True))
    assert cells["speedup over both epochs"] == "20.0"
    assert cells["speedup over the tutorial's loop"] == "10.0"
    assert cells["speedup over the fair loop"] == "5.0"
    assert cells["forward passes a second"] == "50"
    assert cells["correct validation images"] == "16, 2 too few"
    assert cells["test accuracy, % (95 % interval)"].startswith("70.0 (")
    assert cells["accuracy drop from the tutorial's loop, points (95 % interval)"].startswith("10.0 (")
    assert cells_of(RESULT.fair, RESULT)[7] == "18"


def test_the_limit_is_compared_with_the_loops_and_train_run_py() -> None:
    text = describe_limit(RESULT)
    assert "take 1.0 s" in text
    assert "40 times less than the tutorial's loop, 10.0 times less than the fair loop" in text
    assert "reached 50 % of that rate" in text
