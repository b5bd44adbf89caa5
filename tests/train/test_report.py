import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.report import draw_confusion, draw_curves, evaluate, write_history

pytestmark = pytest.mark.tensorflow
HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.7]}


def test_the_confusion_matrix_counts_truth_by_rows() -> None:
    probabilities = np.array([[0.9, 0.1, 0], [0.2, 0.7, 0.1], [0.6, 0.3, 0.1], [0, 0, 1]], np.float32)
    found = evaluate(probabilities, np.array([0, 1, 1, 2]), ("a", "b", "c"))
    assert found.confusion.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.pictures == 4
    assert found.accuracy == 0.75


def test_history_is_one_row_an_epoch(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", HISTORY)
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["val_accuracy"]) for row in rows] == [0.4, 0.6]


def test_curves_and_confusion_are_pictures(tmp_path: Path) -> None:
    draw_curves(tmp_path / "curves.png", HISTORY)
    found = evaluate(np.eye(12, dtype=np.float32), np.arange(12), tuple(f"label {i}" for i in range(12)))
    draw_confusion(tmp_path / "confusion.png", found, "drawn sample")
    for name in ("curves.png", "confusion.png"):
        with Image.open(tmp_path / name) as image:
            assert min(image.size) > 300
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20
