from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from train.evaluation.charts import (
    draw_confusion,
    draw_curves,
    draw_lr_range_test,
    draw_mistakes,
    draw_reliability,
    draw_suspects,
)
from train.evaluation.metrics import evaluate
from train.evaluation.suspect_labels import Suspect, SuspectLabels

HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.7]}


def test_every_chart_is_drawn(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = tuple(f"label {i}" for i in range(12))
    evaluation = evaluate(random.dirichlet(np.ones(12), 40).astype(np.float32), random.integers(0, 12, 40), labels)
    draw_curves(tmp_path / "curves.png", HISTORY, first_fine_tuned=2)
    draw_confusion(tmp_path / "confusion.png", evaluation, "drawn sample")
    draw_reliability(tmp_path / "reliability.png", evaluation, "drawn sample")
    pixels = random.integers(0, 255, (40, 16, 16, 3), dtype=np.uint8)
    draw_mistakes(
        tmp_path / "mistakes.png", evaluation, "drawn sample", pixels, [f"caf\udce9 {i}.jpg" for i in range(40)]
    )
    suspect = Suspect(
        path=Path("a.jpg"), label="label 1", looks_like="label 2", label_probability=0.1, looks_like_probability=0.9
    )
    suspects = SuspectLabels(n_images=40, suspects=[suspect] * 20, pixels=pixels[:16])
    draw_suspects(tmp_path / "suspects.png", suspects, "drawn sample")
    for path in tmp_path.iterdir():
        with Image.open(path) as image:
            assert min(image.size) > 300
            assert len(image.convert("RGB").getcolors(1 << 24) or []) > 20


def test_the_confusion_matrix_of_a_thousand_labels_is_an_image_of_limited_size(tmp_path: Path) -> None:
    random, labels = np.random.default_rng(0), tuple(f"label {i}" for i in range(1000))
    evaluation = evaluate(random.dirichlet(np.ones(1000), 50).astype(np.float32), random.integers(0, 1000, 50), labels)
    draw_confusion(tmp_path / "confusion.png", evaluation, "drawn sample")
    with Image.open(tmp_path / "confusion.png") as image:
        assert max(image.size) < 4000


def test_the_axes_of_a_single_epoch_begin_at_zero(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[object] = []

    def record(self: Figure, *_: object, **__: object) -> None:
        limits.extend((axes.get_xlim(), axes.get_ylim()) for axes in self.axes)

    monkeypatch.setattr(Figure, "savefig", record)
    draw_curves(tmp_path / "curves.png", {"accuracy": [0.99], "loss": [2.0], "val_accuracy": [0.98], "val_loss": [1.5]})
    assert limits == [((0, 2), (0, pytest.approx(1.02))), ((0, 2), (0, pytest.approx(2.04)))]


def test_a_model_without_mistakes_has_an_empty_sheet(tmp_path: Path) -> None:
    evaluation = evaluate(np.eye(2, dtype=np.float32), np.arange(2), ("a", "b"))
    draw_mistakes(
        tmp_path / "mistakes.png", evaluation, "drawn sample", np.zeros((2, 8, 8, 3), np.uint8), ["a.png", "b.png"]
    )
    with Image.open(tmp_path / "mistakes.png") as image:
        assert image.width > 300


@pytest.mark.tensorflow
def test_a_range_test_is_drawn(tmp_path: Path) -> None:
    from train.fitting.lr_range_test import LrRangeResult

    rates = tuple(np.geomspace(1e-6, 1, 120).tolist())
    losses = tuple((0.7 - 0.6 / (1 + np.exp(-(np.arange(120) - 70) / 4))).tolist())
    draw_lr_range_test(tmp_path / "rates.png", LrRangeResult(rates, losses))
    assert (tmp_path / "rates.png").stat().st_size > 5000
