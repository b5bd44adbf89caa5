import dataclasses
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from temper.card import read_card
from temper.dataset.split import Example, read_split
from temper.formats import open_runner
from temper.images import load_images
from temper.storage.atomic import sha256_of
from tests.train.dataset.test_split import fill
from train.config import TrainingConfig
from train.dataset.split import find_examples
from train.fitting.strategies import TrainingContext
from train.pipeline import is_up_to_date, save, title_of, train

pytestmark = pytest.mark.tensorflow
HEAD = TrainingConfig(
    weights="file", layers="head", size=32, epochs=2, batch=8, learning_rate=1e-3, dense=8, backbone="tiny"
)
ALL = TrainingConfig(
    weights="none", layers="all", size=32, epochs=2, batch=16, learning_rate=1e-3, dense=8, backbone="tiny"
)
FINE = dataclasses.replace(HEAD, head="lbfgs", dense=0, fine_tune=2, class_weights="balanced", label_smoothing=0.1)
BESIDE = (
    "md", "summary.txt", "history.csv", "curves.png", "confusion.png", "reliability.png", "mistakes.png", "split.csv",
    "keras", "keras.json",
)  # fmt: skip


def around(folder: Path, **told: Any) -> TrainingContext:
    return TrainingContext(folder, lambda *_: None, **told)


@pytest.fixture(scope="module")
def backbone(tiny_backbone: keras.Model) -> keras.Model:
    return tiny_backbone


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, backbone: keras.Model) -> tuple[Path, Path, list[Example]]:
    """The path of a model with a trained head, the folder of its pictures, and those."""
    folder = fill(tmp_path_factory.mktemp("pictures"), 12)
    out = tmp_path_factory.mktemp("made") / "deep" / "model.keras"
    examples = find_examples(folder, 0.3, seed=0)
    save(train(examples, HEAD, backbone, around(out.parent / ".features")), out, folder, examples, HEAD)
    return out, folder, examples


def test_everything_lies_beside_the_model_and_nothing_else(made: tuple[Path, Path, list[Example]]) -> None:
    out = made[0]
    assert {path.name for path in out.parent.iterdir()} == {f"model.{name}" for name in BESIDE} | {".features"}
    assert "conv1_conv" in (out.parent / "model.summary.txt").read_text()


def test_the_card_tells_labels_size_recipe_and_split(made: tuple[Path, Path, list[Example]]) -> None:
    out, folder, examples = made
    card = read_card(out)
    assert card.labels == ("cat", "dog")
    assert (card.size, card.precision, card.sha256) == (32, "fp32", sha256_of(out))
    assert card.recipe["seed"] == 0
    assert card.recipe["augmentation"]["rotation"] == 25
    assert card.recipe["pictures"] == folder.name
    found = card.recipe["found"]
    assert found["pictures"] == sum(each.part == "test" for each in examples)
    assert 0 <= found["accuracy_interval"][0] <= found["accuracy"] <= found["accuracy_interval"][1] <= 1
    assert card.confidence_threshold is not None
    assert 0.5 <= card.confidence_threshold <= 1
    assert found["calibration_error"] >= 0
    assert read_split(out, card, "test") == [each for each in examples if each.part == "test"]


def test_the_saved_model_answers_through_its_runner(made: tuple[Path, Path, list[Example]]) -> None:
    out, _, examples = made
    images = np.stack(list(load_images([each.path for each in examples], 32)))
    with open_runner(out) as runner:
        answers = runner.predict(images)
    assert np.allclose(answers.sum(axis=1), 1, atol=1e-5)


def test_a_frozen_backbone_is_saved_as_it_came(made: tuple[Path, Path, list[Example]], backbone: keras.Model) -> None:
    model = keras.saving.load_model(made[0])
    for layer in backbone.layers:
        if layer.name != "conv1_conv" and layer.weights:
            for before, after in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
                assert np.array_equal(before, after)


def test_it_is_up_to_date_until_recipe_pictures_or_file_change(made: tuple[Path, Path, list[Example]]) -> None:
    out, folder, examples = made
    assert is_up_to_date(out, folder, examples, HEAD)
    assert not is_up_to_date(out, folder, examples, ALL)
    assert not is_up_to_date(out, folder, examples[1:], HEAD)
    assert not is_up_to_date(out.with_name("other.keras"), folder, examples, HEAD)
    whole = out.read_bytes()
    try:
        out.write_bytes(whole[:-1])
        assert not is_up_to_date(out, folder, examples, HEAD)
    finally:
        out.write_bytes(whole)


def test_equal_seeds_train_equal_models(made: tuple[Path, Path, list[Example]], backbone: keras.Model) -> None:
    again = train(made[2], HEAD, backbone, around(made[0].parent / ".features")).model
    for a, b in zip(keras.saving.load_model(made[0]).get_weights(), again.get_weights(), strict=True):
        assert np.allclose(a, b, atol=1e-6)


def test_from_scratch_every_layer_learns_and_the_model_is_float32(tmp_path: Path) -> None:
    examples = find_examples(fill(tmp_path, 8), 0.3, seed=0)
    made = train(examples, ALL, None, around(tmp_path))
    assert np.abs(made.model.get_layer("conv5_1_3_bn").get_weights()[0]).max() > 0
    assert made.model.compute_dtype == "float32"
    assert made.evaluation.pictures == sum(each.part == "test" for each in examples)
    assert [len(values) for values in made.history.values()] == [ALL.epochs] * 4


def test_pictures_are_called_what_they_call_themselves(tmp_path: Path) -> None:
    assert title_of(tmp_path) == tmp_path.name
    (tmp_path / "about.json").write_text(json.dumps({"title": "drawn sample"}))
    assert title_of(tmp_path) == "drawn sample"


def test_head_then_fine_tuning_with_weighted_labels(backbone: keras.Model, tmp_path: Path) -> None:
    folder = fill(tmp_path / "pictures", 10, labels=("cat",))
    examples = find_examples(fill(folder, 4, labels=("dog",)), 0.3, seed=0)
    made = train(examples, FINE, backbone, around(tmp_path, events=tmp_path / "events"))
    assert made.first_fine == 2
    assert [len(values) for values in made.history.values()] == [3] * 4
    last = made.model.get_layer("probabilities").get_weights()[0]
    assert np.isfinite(last).all()
    assert read_scalars(tmp_path / "events" / "validation") == [2, 2, 3, 3]
    save(made, tmp_path / "model.keras", folder, examples, FINE)
    text = (tmp_path / "model.md").read_text()
    for words in ("fine-tuned: the top blocks for up to 2 epochs", "Class weights: balanced", "Wilson", "| dog |"):
        assert words in text
    assert is_up_to_date(tmp_path / "model.keras", folder, examples, FINE)


def test_a_full_disk_leaves_the_last_good_model_untouched(
    made: tuple[Path, Path, list[Example]], backbone: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, folder, examples = made
    before = {path.name: sha256_of(path) for path in out.parent.iterdir() if path.is_file()}
    again = train(examples, HEAD, backbone, around(out.parent / ".features"))

    def full(self: Path, *_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    # The last of all that is written before anything moves.
    monkeypatch.setattr(type(again.model), "save", full)
    with pytest.raises(OSError, match="No space left"):
        save(again, out, folder, examples, HEAD)
    monkeypatch.undo()
    assert {path.name: sha256_of(path) for path in out.parent.iterdir() if path.is_file()} == before
    assert is_up_to_date(out, folder, examples, HEAD)


def read_scalars(folder: Path) -> list[int]:
    """Steps of all scalars of a run, in order."""
    import tensorflow as tf

    (file,) = folder.iterdir()
    events = [tf.compat.v1.Event.FromString(each.numpy()) for each in tf.data.TFRecordDataset(str(file))]
    return [event.step for event in events for value in event.summary.value if value.tag.startswith("epoch_")]
