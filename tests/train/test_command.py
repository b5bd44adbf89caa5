import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from temper.dataset.find import find_examples
from temper.dataset.split import Example
from temper.errors import ArtifactError, DataError, UsageError
from tests.train.images import fill
from train.run import parse

pytestmark = pytest.mark.tensorflow
Started = tuple[argparse.Namespace, list[Example]]


def started(folder: Path, *words: str) -> Started:
    """Options of a training of a few images, and the images."""
    data = folder / "images" if (folder / "images").exists() else fill(folder / "images", 5)
    options = parse(["--data", str(data), "--out", str(folder / "out" / "model.keras"), *words])
    return options, find_examples(data, options.held_out_fraction, options.seed)


@pytest.fixture
def configurations(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """No weights can be downloaded, and Ctrl-C ends every training; the configurations of these trainings."""
    from train import command

    trained: list[Any] = []

    def refuse(*_: object) -> None:
        raise ConnectionError("no network")

    def interrupt(examples: list[Example], config: Any, *_: object) -> None:
        trained.append(config)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "load_backbone", refuse)
    monkeypatch.setattr(command, "train", interrupt)
    return trained


def test_without_a_connection_every_layer_is_trained_from_scratch(
    tmp_path: Path, configurations: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    from train.command import run_training

    with pytest.raises(KeyboardInterrupt):
        run_training(*started(tmp_path))
    assert (configurations[0].weights, configurations[0].trainable) == ("none", "all")
    assert "cannot be downloaded (no network): every layer is trained from scratch" in caplog.text


@pytest.mark.parametrize("words", [("--head", "lbfgs"), ("--fine-tune", "2"), ("--trainable", "head")], ids=" ".join)
def test_options_that_need_weights_are_an_error_without_a_connection(
    words: tuple[str, ...], tmp_path: Path, configurations: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    from train.command import run_training

    expected = rf"cannot be downloaded \(no network\), and {words[0]}.* needs weights.*--weights FILE"
    with pytest.raises(DataError, match=expected):
        run_training(*started(tmp_path, *words))
    assert configurations == []
    assert caplog.text == ""


def test_a_file_of_the_user_is_refused_before_weights_are_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from train import command

    monkeypatch.setattr(command, "load_backbone", lambda *_: pytest.fail("weights were downloaded"))
    started_with = started(tmp_path)
    report = tmp_path / "out" / "model.md"
    report.parent.mkdir()
    report.write_text("five years")
    with pytest.raises(ArtifactError, match=r"model\.md exists and has no card beside it"):
        command.run_training(*started_with)


def test_ctrl_c_shows_how_to_continue(
    tmp_path: Path, configurations: list[Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from train import command

    monkeypatch.setattr(command, "load_backbone", lambda *_: None)
    with pytest.raises(KeyboardInterrupt):
        command.run_training(*started(tmp_path))
    assert "computed features are stored" in caplog.text
    checkpoint = tmp_path / "checkpoint.npz"
    checkpoint.touch()
    monkeypatch.setattr(command, "checkpoint_path", lambda *_: checkpoint)
    with pytest.raises(UsageError, match="holds an interrupted training"):
        command.run_training(*started(tmp_path))
    with pytest.raises(KeyboardInterrupt):
        command.run_training(*started(tmp_path, "--resume"))
    assert "with --resume continues from there" in caplog.text


@pytest.mark.parametrize("has_suspects", [True, False])
def test_the_results_name_the_folder_once_and_an_empty_work_folder_is_removed(
    has_suspects: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from train import command
    from train.evaluation.metrics import evaluate
    from train.evaluation.suspect_labels import Suspect, SuspectLabels
    from train.trained_model import TrainedModel

    work = tmp_path / "out" / command.WORK_FOLDER
    evaluation = evaluate(np.eye(2, dtype=np.float32)[[0, 1, 1, 1]], np.array([0, 0, 1, 1]), ("cat", "dog"))

    wrong = Suspect(
        path=tmp_path / "images" / "dog" / "0001.png",
        label="dog",
        looks_like="cat",
        label_probability=0.1,
        looks_like_probability=0.9,
    )
    pixels, contexts = np.empty(0, np.uint8), list[Any]()
    suspects = SuspectLabels(n_images=10, suspects=[wrong] * has_suspects, pixels=pixels)

    def train(*arguments: object) -> TrainedModel:
        contexts.append(arguments[3])
        work.mkdir()
        return TrainedModel(
            model=None, history={}, evaluation=evaluation, pixels=pixels, seconds=1.0, suspects=suspects
        )

    monkeypatch.setattr(command, "train", train)
    monkeypatch.setattr(command, "save", lambda *_: None)
    text = command.run_training(*started(tmp_path, "--weights", "none", *["--force-suspects"] * has_suspects))
    assert [each.force_suspects for each in contexts] == [has_suspects]
    assert "held-out accuracy 75.0 % of 4 images (images), 95 % interval 30.1 % to 95.4 %" in text
    assert text.count(str(tmp_path)) == 1
    assert f"files in {tmp_path / 'out'}: model.keras, model.keras.json, model.md, model.html, " in text
    assert not work.exists()
    assert ("suspect labels: 1 of 10 images: dog/0001.png (dog, looks like cat: 90.0 %)" in text) == has_suspects
    assert ("suspect labels: none of 10 images" in text) != has_suspects
    assert ("model.split.csv, model.suspects.csv, model.suspects.png" in text) == has_suspects
