import csv
from dataclasses import replace
from pathlib import Path

import numpy as np

from temper.dataset.split import Example
from train.config import NO_AUGMENTATION, TrainingConfig
from train.evaluation.metrics import evaluate
from train.evaluation.model_card import write_history, write_model_card
from train.evaluation.temperature_scaling import MAX_TEMPERATURE

HISTORY = {"accuracy": [0.5, 0.75], "loss": [1.0, 0.5], "val_accuracy": [0.4, 0.6], "val_loss": [1.1, 0.7]}
EVALUATION = evaluate(
    np.array([[0.9, 0.1], [0.7, 0.3], [0.6, 0.4]], np.float32), np.array([0, 0, 1]), ("cat", "dog"), 1.0, 0.65
)
EXAMPLES = [Example(path=Path("a.png"), label="cat", subset="train", sha256="0")]


def card_text(folder: Path, config: TrainingConfig) -> str:
    write_model_card(folder / "model.md", EVALUATION, config, "three drawn images", EXAMPLES, "None of 3 images.")
    return (folder / "model.md").read_text(encoding="utf-8")


def test_history_has_one_row_for_each_epoch(tmp_path: Path) -> None:
    write_history(tmp_path / "history.csv", HISTORY)
    with (tmp_path / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [row["epoch"] for row in rows] == ["1", "2"]
    assert [float(row["val_accuracy"]) for row in rows] == [0.4, 0.6]


def test_the_model_card_shows_data_recall_precision_and_threshold(tmp_path: Path) -> None:
    text = card_text(tmp_path, TrainingConfig())
    for words in (
        "# model: cat or dog",
        "three drawn images. `model.split.csv`",
        "| cat | 1 | 0 | 0 |",
        "| label | held-out images | recall | precision |",
        "| cat | 2 | 100.0 % | 66.7 % |",
        "| dog | 1 | 0.0 % | never predicted |",
        "## Suspect labels\n\nNone of 3 images.\n",
        "threshold of **0.650**",
        "66.7 % of the held-out images reach it, and 100.0 %",
    ):
        assert words in text


def test_the_model_card_describes_each_way_to_train(tmp_path: Path) -> None:
    assert "a head, 2 epochs of Adam at 0.0001" in card_text(tmp_path, TrainingConfig())
    assert "L-BFGS" in card_text(tmp_path, TrainingConfig(head="lbfgs"))
    scratch = TrainingConfig(weights="none", trainable="all")
    assert "random weights" in card_text(tmp_path, scratch) and "AdamW" in card_text(tmp_path, scratch)
    assert "for up to 5 epochs at 1e-05" in card_text(tmp_path, replace(TrainingConfig(), fine_tune=5))


def test_the_model_card_names_the_teacher(tmp_path: Path) -> None:
    taught = replace(TrainingConfig(), teacher="large.keras sha256:0123", distillation_weight=0.75)
    assert "Teacher: large.keras sha256:0123, weight 0.75 in the loss, temperature 4." in card_text(tmp_path, taught)
    assert "Teacher" not in card_text(tmp_path, TrainingConfig())


def test_a_label_is_no_html_and_sends_no_code_to_a_terminal(tmp_path: Path) -> None:
    hostile = replace(EVALUATION, labels=("<img src=x onerror=alert(1)>", "\x1b[2J"))
    write_model_card(tmp_path / "model.md", hostile, TrainingConfig(), "three drawn images", EXAMPLES, "")
    text = (tmp_path / "model.md").read_text(encoding="utf-8")
    assert text.count("&lt;img") >= 3
    assert "<img" not in text and "\x1b" not in text


def test_a_calibration_that_failed_is_reported(tmp_path: Path) -> None:
    failed = replace(EVALUATION, temperature=MAX_TEMPERATURE)
    write_model_card(
        tmp_path / "model.md", failed, TrainingConfig(), "three drawn images", EXAMPLES, "None of 3 images."
    )
    assert "The calibration failed" in (tmp_path / "model.md").read_text(encoding="utf-8")
    assert "The calibration failed" not in card_text(tmp_path, TrainingConfig())
    assert "without temperature scaling" in card_text(tmp_path, TrainingConfig(calibrate=False))


def test_augmentations_are_listed_without_those_that_are_off(tmp_path: Path) -> None:
    config = TrainingConfig(augmentation=replace(NO_AUGMENTATION, rotation=8.0, flip=True))
    assert "Augmentation: rotation 8, horizontal flip." in card_text(tmp_path, config)
    assert "Augmentation: none." in card_text(tmp_path, TrainingConfig(augmentation=NO_AUGMENTATION))
