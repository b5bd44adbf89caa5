import csv
from pathlib import Path

import pytest

from train.evaluation.model_card import write_history

pytestmark = pytest.mark.tensorflow
HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.7]}


def test_history_is_one_row_an_epoch(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", HISTORY)
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["val_accuracy"]) for row in rows] == [0.4, 0.6]
