"""Trainings with a teacher, from the step to the command."""

import dataclasses
import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from temper.artifact import Artifact
from temper.dataset.find import find_examples
from temper.dataset.split import Example, Subset
from temper.errors import ArtifactError
from temper.runners.base import Images, Probabilities
from tests.train.distillation.stored import store
from tests.train.fitting.tiny_fit import STEPS, keep_checkpoints, network, small_data
from tests.train.images import fill
from train.config import NO_AUGMENTATION, Augmentation
from train.dataset.decode import LabeledImages
from train.distillation.teacher import Teacher
from train.fitting import strategies
from train.fitting.checkpoint import CheckpointConfig, History
from train.fitting.feature_cache import forward_of
from train.fitting.fit import fit
from train.fitting.training_data import TrainingData
from train.run import parse

pytestmark = pytest.mark.tensorflow
EPOCHS, WEIGHT = 8, 0.9


def predict_brightness(images: Images) -> Probabilities:
    """A teacher that is 90 % sure that a bright image shows the first label, and a dark one the second."""
    is_bright = (images.mean(axis=(1, 2, 3)) > 127).astype(np.float32)
    probabilities: Probabilities = np.stack([is_bright, 1 - is_bright], axis=1) * np.float32(0.8) + np.float32(0.1)
    return probabilities


def contradicting_data(folder: Path, **changes: Any) -> TrainingData:
    """Bright and dark images, whose labels are the opposite of what the teacher predicts."""
    changes = {"augmentation": NO_AUGMENTATION, "patience": 0, "epochs": EPOCHS, **changes}
    shades = np.where(np.arange(14) % 2, 190, 60)[:, None, None, None]
    noise = np.random.default_rng(0).integers(-40, 40, (14, 32, 32, 3))
    pixels = (shades + noise).astype(np.uint8)
    targets = 1.0 - np.round(predict_brightness(pixels))
    images: dict[Subset, LabeledImages] = {
        "train": LabeledImages(pixels[:10], targets[:10]),
        "val": LabeledImages(pixels[10:], targets[10:]),
    }
    examples = [
        Example(path=Path("a.png"), label="cat", subset=subset, sha256=hashlib.sha256(each.tobytes()).hexdigest())
        for subset, images_of_it in images.items()
        for each in images_of_it.pixels
    ]
    data = small_data(folder, **changes)
    context = dataclasses.replace(data.context, find_suspects=False)
    return dataclasses.replace(data, images=images, examples=examples, context=context)


def with_teacher(data: TrainingData) -> TrainingData:
    config = dataclasses.replace(data.config, teacher="teacher.keras sha256:0123", distillation_weight=WEIGHT)
    teacher = Teacher(predict=predict_brightness, pixels=data.images["train"].pixels, student_size=32)
    return dataclasses.replace(data, config=config, teacher=teacher)


def agreement(model: keras.Model, data: TrainingData) -> float:
    pixels = data.images["val"].pixels
    student = np.asarray(model(pixels, training=False)).argmax(axis=1)
    return float((student == predict_brightness(pixels).argmax(axis=1)).mean())


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, TrainingData, History]:
    """A student that was not interrupted; its folder has what a kill after each step would leave."""
    folder = tmp_path_factory.mktemp("taught")
    data, model = with_teacher(contradicting_data(folder)), network()
    with pytest.MonkeyPatch.context() as patch:
        keep_checkpoints(folder, patch)
        return model, data, fit(model, data, data.config.schedule(), data.context.checkpoint)


def test_a_student_learns_the_predictions_of_its_teacher_and_not_the_labels(
    taught: tuple[keras.Model, TrainingData, History], tmp_path: Path
) -> None:
    model, data, history = taught
    alone, without = network(), contradicting_data(tmp_path)
    fit(alone, without, without.config.schedule(), without.context.checkpoint)
    assert agreement(alone, data) == 0
    assert agreement(model, data) == 1
    # Accuracy and validation loss are those of the labels.
    assert history["val_accuracy"][-1] == 0
    assert history["accuracy"][-1] < 0.5
    assert history["val_loss"][-1] > np.log(2)
    confidence = np.asarray(model(data.images["val"].pixels, training=False)).max(axis=1).mean()
    assert confidence < 0.97, "the student is as unsure as its teacher"


def test_a_resumed_training_with_a_teacher_equals_the_uninterrupted_one(
    taught: tuple[keras.Model, TrainingData, History], tmp_path: Path
) -> None:
    model, data, history = taught
    resumed, schedule = CheckpointConfig(path=tmp_path / "checkpoint.npz", resume=True), data.config.schedule()
    shutil.copy(data.context.work / f"{(EPOCHS - 1) * STEPS + 1}.npz", resumed.path)
    other = network()
    assert fit(other, data, schedule, resumed)["loss"] == pytest.approx(history["loss"], abs=1e-5)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("solver", [{"head": "lbfgs"}, {"head": "keras", "learning_rate": 0.1}])
def test_a_head_learns_the_predictions_of_its_teacher(
    solver: dict[str, Any], tmp_path: Path, tiny_backbone: keras.Model
) -> None:
    head: dict[str, Any] = {"weights": "file", "trainable": "head", "hidden_units": 0}
    data = with_teacher(contradicting_data(tmp_path, **head, **solver))
    result = strategies.train_head(data, tiny_backbone)
    assert agreement(result.model, data) == 1
    # The labels say the opposite, and the accuracies are those of the labels.
    assert result.history["accuracy"][-1] == result.history["val_accuracy"][-1] == 0


def test_a_teacher_of_a_head_predicts_for_the_views_that_the_student_sees(
    tmp_path: Path, tiny_backbone: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    views: dict[str, list[Images]] = {"student": [], "teacher": []}

    def record(name: str, predict: Any) -> Any:
        def predict_and_record(images: Images) -> Any:
            views[name].append(np.asarray(images))
            return predict(images)

        return predict_and_record

    head: dict[str, Any] = {"weights": "file", "trainable": "head", "hidden_units": 0, "augmentation_passes": 2}
    data = with_teacher(contradicting_data(tmp_path, **head, epochs=1, augmentation=Augmentation()))
    assert data.teacher
    teacher = dataclasses.replace(data.teacher, predict=record("teacher", predict_brightness))
    monkeypatch.setattr(strategies, "forward_of", lambda model: record("student", forward_of(model)))
    strategies.train_head(dataclasses.replace(data, teacher=teacher), tiny_backbone)
    taught = np.concatenate(views["teacher"])
    assert len(taught) == 20
    assert not np.array_equal(taught[10:], taught[:10]), "the second pass is augmented"
    seen = {image.tobytes() for images in views["student"] for image in images}
    assert {image.tobytes() for image in taught} <= seen


@pytest.mark.parametrize("trainable", ["head", "all"])
def test_the_range_test_has_the_loss_and_the_targets_of_the_training(
    trainable: str, tmp_path: Path, tiny_backbone: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loss_of_first_batch(model: keras.Model, batches: Iterator[Any], loss: keras.losses.Loss) -> float:
        _, targets, _ = next(batches)
        assert np.allclose(np.asarray(targets).sum(axis=1), 2)
        return float(loss(targets, np.asarray(targets)[:, 2:]))

    monkeypatch.setattr(strategies, "lr_range_test", loss_of_first_batch)
    data = with_teacher(contradicting_data(tmp_path, trainable=trainable, weights="file"))
    # A student that equals its teacher: only the contradicting labels cost.
    assert strategies.find_learning_rate(data, tiny_backbone) == pytest.approx(-(1 - WEIGHT) * np.log(0.1), rel=1e-3)


def test_the_command_trains_a_student_of_another_size_and_records_its_teacher(
    tmp_path: Path, tiny_backbone: keras.Model, caplog: pytest.LogCaptureFixture
) -> None:
    from train.command import run_training

    folder, teacher = fill(tmp_path / "images", 6), store(network(), tmp_path / "teacher.keras")
    words = ("--weights", "none", "--backbone", "tiny", "--epochs", "1", "--size", "48", "--hidden-units", "0")
    files = ("--data", str(folder), "--out", str(tmp_path / "student.keras"), "--teacher", str(teacher.path))
    options = parse([*files, *words])
    assert "held-out accuracy" in run_training(options, find_examples(folder, 0.3, seed=0))
    card = Artifact.at(tmp_path / "student.keras").verified().card
    assert card.training
    assert card.training.config["teacher"] == f"teacher.keras sha256:{teacher.sha256()}"
    assert f"* Teacher: {card.training.config['teacher']}, weight" in (tmp_path / "student.md").read_text(
        encoding="utf-8"
    )
    assert run_training(options, find_examples(folder, 0.3, seed=0)) == ""
    assert "is up to date" in caplog.text
    fill(folder, 6, labels=("fox",))
    with pytest.raises(ArtifactError, match="the images have the labels cat, dog, fox"):
        run_training(options, find_examples(folder, 0.3, seed=0))
