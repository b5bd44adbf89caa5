import dataclasses
from pathlib import Path

import keras
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from temper.artifact import Artifact
from temper.dataset.find import find_examples
from temper.dataset.split import Example, read_split
from temper.errors import InvalidPredictions
from temper.images import load_images
from temper.runners.load import open_runner
from temper.storage.digest import sha256_of
from temper.trust.policy import origin_of
from tests.train.fitting.tiny_fit import network, small_data
from tests.train.images import fill
from train.config import TrainingConfig
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.training_data import TrainingContext
from train.pipeline import _calibrate_and_evaluate, save, train
from train.trained_model import TrainedModel
from train.up_to_date import is_up_to_date

pytestmark = pytest.mark.tensorflow
HEAD = TrainingConfig(
    weights="file", trainable="head", size=32, epochs=2, batch=8, learning_rate=1e-3, hidden_units=8, backbone="tiny"
)
ALL = dataclasses.replace(HEAD, weights="none", trainable="all", batch=16)
FINE_TUNED = dataclasses.replace(
    HEAD, head="lbfgs", hidden_units=0, fine_tune=2, class_weights="balanced", label_smoothing=0.1
)
WRITTEN = (
    "md", "html", "summary.txt", "history.csv", "curves.png", "confusion.png", "reliability.png", "mistakes.png",
    "split.csv", "keras", "keras.json",
)  # fmt: skip
Trained = tuple[Artifact, Path, list[Example], TrainedModel]


def context_in(folder: Path, events: Path | None = None, find_suspects: bool = False) -> TrainingContext:
    checkpoint = CheckpointConfig(path=folder / "checkpoint.npz")
    return TrainingContext(work=folder, checkpoint=checkpoint, events=events, find_suspects=find_suspects)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: keras.Model) -> Trained:
    """The artifact of a model with a trained head, the folder of its images, the examples, and what was saved."""
    folder = fill(tmp_path_factory.mktemp("images"), 12)
    artifact = Artifact.at(tmp_path_factory.mktemp("trained") / "deep" / "model.keras")
    examples = find_examples(folder, 0.3, seed=0)
    context = context_in(artifact.path.parent / ".features")
    model = train(examples, HEAD, tiny_backbone, context)
    save(model, artifact, folder, examples, HEAD)
    return artifact, folder, examples, model


def shaded(folder: Path, count: int) -> dict[str, NDArray[np.uint8]]:
    """Write bright and dark images that a linear head on the tiny backbone separates; returns one of each label."""
    random, last = np.random.default_rng(0), {}
    for label, shade in (("day", 200), ("night", 40)):
        (folder / label).mkdir(parents=True)
        for index in range(count):
            last[label] = random.integers(shade - 30, shade + 30, (40, 40, 3)).astype(np.uint8)
            Image.fromarray(last[label]).save(folder / label / f"{index:02}.png")
    return last


def checksums(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir() if path.is_file()}


def test_the_model_has_its_files_beside_it_and_no_others(trained: Trained) -> None:
    folder = trained[0].path.parent
    assert {path.name for path in folder.iterdir()} == {f"model.{name}" for name in WRITTEN} | {".features"}
    assert "conv1_conv" in (folder / "model.summary.txt").read_text()


def test_the_card_records_labels_size_configuration_result_and_split(trained: Trained) -> None:
    artifact, folder, examples, _ = trained
    card = artifact.verified().card
    assert str(origin_of(artifact)) == "made here"
    assert card.labels == ("cat", "dog")
    assert (card.size, card.precision) == (32, "fp32")
    assert card.training is not None and card.dataset is not None
    assert card.training.config["seed"] == 0
    assert card.training.config["augmentation"]["rotation"] == 25
    assert card.dataset.title == folder.name
    result = card.training.result
    assert result.images == sum(each.subset == "test" for each in examples)
    assert 0 <= result.interval[0] <= result.accuracy <= result.interval[1] <= 1
    assert result.ece_after >= 0
    assert card.confidence_threshold is not None
    assert 0.5 <= card.confidence_threshold <= 1
    assert card.host.device in ("CPU", "GPU")
    assert "keras" in card.provenance.versions
    assert read_split(artifact, "test") == [each for each in examples if each.subset == "test"]


def test_the_saved_model_predicts_through_its_runner(trained: Trained) -> None:
    images = np.stack(list(load_images([each.path for each in trained[2]], 32)))
    with open_runner(trained[0]) as runner:
        probabilities = runner.predict(images)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_a_frozen_backbone_is_saved_unchanged(trained: Trained, tiny_backbone: keras.Model) -> None:
    model = keras.saving.load_model(trained[0].path)
    for layer in tiny_backbone.layers:
        if layer.name != "conv1_conv" and layer.weights:
            for before, after in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
                assert np.array_equal(before, after)


def test_it_is_up_to_date_until_configuration_images_or_file_change(trained: Trained) -> None:
    artifact, folder, examples, _ = trained
    assert is_up_to_date(artifact, folder, examples, HEAD)
    assert not is_up_to_date(artifact, folder, examples, ALL)
    assert not is_up_to_date(artifact, folder, examples[1:], HEAD)
    assert not is_up_to_date(Artifact.at(artifact.path.with_name("other.keras")), folder, examples, HEAD)
    content = artifact.path.read_bytes()
    try:
        artifact.path.write_bytes(content[:-1])
        assert not is_up_to_date(Artifact.at(artifact.path), folder, examples, HEAD)
    finally:
        artifact.path.write_bytes(content)


def test_equal_seeds_train_equal_models(trained: Trained, tiny_backbone: keras.Model) -> None:
    context = context_in(trained[0].path.parent / ".features")
    again = train(trained[2], HEAD, tiny_backbone, context).model
    for a, b in zip(keras.saving.load_model(trained[0].path).get_weights(), again.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-6)


@pytest.fixture(scope="module")
def from_scratch(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: keras.Model) -> TrainedModel:
    folder = tmp_path_factory.mktemp("scratch")
    examples = find_examples(fill(folder, 8), 0.3, seed=0)
    return train(examples, ALL, None, context_in(folder, find_suspects=True))


def test_from_scratch_every_layer_is_trained_and_the_model_is_float32(from_scratch: TrainedModel) -> None:
    trained = from_scratch
    assert np.abs(trained.model.get_layer("conv5_1_3_bn").get_weights()[0]).max() > 0
    assert trained.model.compute_dtype == "float32"
    assert trained.evaluation.n_images == len(trained.pixels) > 0
    assert [len(values) for values in trained.history.values()] == [ALL.epochs] * 4


def test_a_solved_head_is_fine_tuned_with_balanced_labels(tiny_backbone: keras.Model, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 10, labels=("cat",))
    examples = find_examples(fill(folder, 4, labels=("dog",)), 0.3, seed=0)
    context = context_in(tmp_path, events=tmp_path / "events", find_suspects=True)
    trained = train(examples, FINE_TUNED, tiny_backbone, context)
    assert trained.first_fine_tuned == 2
    # Four images are too few for the folds.
    assert trained.suspects and trained.suspects.not_examined == ("dog",)
    assert [len(values) for values in trained.history.values()] == [3] * 4
    last = trained.model.get_layer("probabilities").get_weights()[0]
    assert np.isfinite(last).all()
    assert read_steps(tmp_path / "events" / "validation") == [2, 2, 3, 3]
    artifact = Artifact.at(tmp_path / "model.keras")
    save(trained, artifact, folder, examples, FINE_TUNED)
    text = (tmp_path / "model.md").read_text()
    for words in ("fine-tuned: the top blocks for up to 2 epochs", "Class weights: balanced", "Wilson", "| dog |"):
        assert words in text
    assert is_up_to_date(artifact, folder, examples, FINE_TUNED)


def test_planted_wrong_labels_are_listed_until_they_are_corrected(tiny_backbone: keras.Model, tmp_path: Path) -> None:
    folder, artifact = tmp_path / "images", Artifact.at(tmp_path / "model.keras")
    shades = shaded(folder, 20)
    wrong, right = folder / "day" / "dark.png", folder / "night" / "dark.png"
    Image.fromarray(shades["night"] + np.uint8(1)).save(wrong)

    def train_and_save() -> int:
        examples = find_examples(folder, 0.3, seed=0)
        trained = train(examples, HEAD, tiny_backbone, context_in(tmp_path, find_suspects=True))
        save(trained, artifact, folder, examples, HEAD)
        assert trained.suspects
        return len(trained.suspects.suspects)

    assert train_and_save() == 1
    assert (tmp_path / "model.suspects.csv").read_text().splitlines()[1].startswith("day/dark.png,day,night,0.")
    assert "| day/dark.png | day | night |" in (tmp_path / "model.md").read_text()
    assert (tmp_path / "model.suspects.png").stat().st_size > 5000
    wrong.rename(right)
    assert train_and_save() == 0
    assert not list(tmp_path.glob("model.suspects.*"))
    assert "None of 41 images has a label that is probably wrong" in (tmp_path / "model.md").read_text()


def test_without_a_frozen_backbone_labels_are_not_examined(from_scratch: TrainedModel, tmp_path: Path) -> None:
    folder, artifact = fill(tmp_path / "images", 8), Artifact.at(tmp_path / "model.keras")
    assert from_scratch.suspects is None
    (tmp_path / "model.suspects.csv").write_text("of an earlier model")
    save(from_scratch, artifact, folder, find_examples(folder, 0.3, seed=0), ALL)
    assert not (tmp_path / "model.suspects.csv").exists()
    assert "Labels were not examined." in (tmp_path / "model.md").read_text()


def test_the_name_of_a_dataset_is_no_html_in_the_model_card(from_scratch: TrainedModel, tmp_path: Path) -> None:
    folder = fill(tmp_path / "<b>images", 8)
    save(from_scratch, Artifact.at(tmp_path / "model.keras"), folder, find_examples(folder, 0.3, seed=0), ALL)
    text = (tmp_path / "model.md").read_text()
    assert "&lt;b&gt;images: one label for each image" in text and "<b>" not in text


def test_a_training_that_diverged_is_an_error_with_the_remedy(tmp_path: Path) -> None:
    model = network()
    model.set_weights([np.full_like(each, np.nan) for each in model.get_weights()])
    with pytest.raises(InvalidPredictions, match=r"the training diverged.*lower --learning-rate"):
        _calibrate_and_evaluate(model, small_data(tmp_path))


def test_a_full_disk_leaves_the_last_model_unchanged(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    artifact, folder, examples, again = trained
    before = checksums(artifact.path.parent)

    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    # The last large file that is written before anything is published.
    monkeypatch.setattr(type(again.model), "save", full)
    with pytest.raises(OSError, match="No space left"):
        save(again, artifact, folder, examples, HEAD)
    monkeypatch.undo()
    assert checksums(artifact.path.parent) == before
    assert is_up_to_date(artifact, folder, examples, HEAD)


def read_steps(folder: Path) -> list[int]:
    """Steps of all scalars of a run, in order."""
    import tensorflow as tf

    (file,) = folder.iterdir()
    events = [tf.compat.v1.Event.FromString(each.numpy()) for each in tf.data.TFRecordDataset(str(file))]
    return [event.step for event in events for value in event.summary.value if value.tag.startswith("epoch_")]
