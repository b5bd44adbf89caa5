from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from train.evaluation.charts import draw_confusion, draw_curves, draw_mistakes, draw_reliability
from train.evaluation.metrics import evaluate

pytestmark = pytest.mark.tensorflow
HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.7]}


def test_everything_drawn_is_a_picture(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = tuple(f"label {i}" for i in range(12))
    found = evaluate(random.dirichlet(np.ones(12), 40).astype(np.float32), random.integers(0, 12, 40), labels)
    draw_curves(tmp_path / "curves.png", HISTORY, first_fine=2)
    draw_confusion(tmp_path / "confusion.png", found, "drawn sample")
    draw_reliability(tmp_path / "reliability.png", found, "drawn sample")
    pixels = random.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    draw_mistakes(tmp_path / "mistakes.png", found, "drawn sample", pixels, [f"{i}.jpg" for i in range(40)])
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20


def test_a_model_without_mistakes_has_an_empty_sheet(tmp_path: Path) -> None:
    found = evaluate(np.eye(2, dtype=np.float32), np.arange(2), ("a", "b"))
    draw_mistakes(
        tmp_path / "mistakes.png", found, "drawn sample", np.zeros((2, 8, 8, 3), np.uint8), ["a.png", "b.png"]
    )
    with Image.open(tmp_path / "mistakes.png") as image:
        assert image.width > 300
