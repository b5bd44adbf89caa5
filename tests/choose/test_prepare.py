"""Networks without TensorFlow: what is finished is not made again, and what fails is a line with its reason."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from choose import prepare as module
from choose.options import Network
from choose.prepare import Training, artifact_name, default_precisions, prepare, targets_of
from choose.steps import convert_network
from convert.dataset import ModelDataset
from convert.job import CardFields, Job
from convert.pipeline import Pipeline
from convert.settings import ConversionSettings
from convert.verification.accuracy_gate import GateLimits
from temper.artifact import Artifact
from temper.dataset.split import Example
from temper.errors import DataError
from tests.choose.networks import draw_dataset, make_network, network_at
from tests.convert.converters import inverting, use
from train.run import parse

Finished = tuple[Network, Training]


class ChildStarted(BaseException):
    """No error of a network, which would be a line of the report."""


@pytest.fixture
def finished(tmp_path: Path) -> Finished:
    training = draw_dataset(tmp_path / "images")
    return make_network(tmp_path / "out", 32, training), training


@pytest.fixture
def no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is trained or converted."""

    def refuse(*_: object) -> None:
        raise ChildStarted

    monkeypatch.setattr(module, "run_in_child", refuse)


def refuse_training(words: list[str], examples: list[Example]) -> None:
    raise DataError("ImageNet's weights cannot be downloaded", fix="Name a file.")


def crash(words: list[str], examples: list[Example]) -> None:
    os.abort()


def names(network: Network, precision: str = "fp32") -> list[str]:
    return [f"{network.name} {precision}.{suffix}" for suffix in ("onnx", "xml")]


def pipeline_of(network: Network) -> Pipeline:
    dataset = ModelDataset(model=Artifact.at(network.model.path))
    return Pipeline(dataset=dataset, limits=GateLimits(), settings=ConversionSettings())


def test_missing_artifacts_are_converted_in_a_child_and_a_second_run_starts_none(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, training = finished
    first = prepare([network], training, ["fp32"])
    assert [artifact_name(*each) for each in first.artifacts] == names(network)
    assert first.failures == []
    monkeypatch.setattr(module, "run_in_child", None)
    second = prepare([network], training, ["fp32"])
    assert [each.card.sha256 for _, each in second.artifacts] == [each.card.sha256 for _, each in first.artifacts]


def test_other_images_or_another_seed_train_again(finished: Finished, no_child: None) -> None:
    network, training = finished
    for changed in (
        Training(data=training.data, examples=training.examples[1:], words=training.words),
        Training(data=training.data, examples=training.examples, words=["--seed", "1"]),
    ):
        with pytest.raises(ChildStarted):
            prepare([network], changed, ["fp32"])


@pytest.mark.parametrize(
    ("train", "reason"),
    [
        (refuse_training, "ImageNet's weights cannot be downloaded. Name a file."),
        (crash, "its process ended with SIGABRT"),
    ],
)
def test_a_network_that_fails_is_a_line_with_its_reason_and_the_next_one_goes_on(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, train: object, reason: str
) -> None:
    network, training = finished
    monkeypatch.setattr(module, "train_network", train)
    missing = network_at(network.folder.parent, 64)
    prepared = prepare([missing, network], training, ["fp32"])
    assert [(each.name, each.reason) for each in prepared.failures] == [(missing.name, reason)]
    assert len(prepared.artifacts) == 2


def test_an_error_of_a_library_is_a_line_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ValueError("Expected 3 channels,\nreceived 4")

    monkeypatch.setattr(module, "run_in_child", fail)
    prepared = prepare([network_at(tmp_path, 64)], draw_dataset(tmp_path / "images"), ["fp32"])
    assert [each.reason for each in prepared.failures] == ["ValueError: Expected 3 channels, received 4"]


def test_a_rejected_conversion_is_a_line_and_is_not_tried_again(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, no_child: None
) -> None:
    network, training = finished
    use(inverting, monkeypatch)
    problems = convert_network(pipeline_of(network), targets_of(network.model, ["fp16"]))
    assert problems["model.fp16.onnx"].startswith("model.fp16.onnx is rejected: top-1 accuracy drops by")
    assert problems["model.fp16.xml"] == "model.fp16.onnx, which it is converted from, could not be made"
    prepared = prepare([network], training, ["fp16"])
    assert prepared.artifacts == []
    assert [each.name for each in prepared.failures] == names(network, "fp16")
    assert prepared.failures[0].reason.startswith("rejected by the accuracy gate: top-1 accuracy drops by")


def test_a_rejected_conversion_is_tried_again_after_an_upgrade(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, no_child: None
) -> None:
    network, training = finished
    with monkeypatch.context() as patch:
        use(inverting, patch)
        convert_network(pipeline_of(network), targets_of(network.model, ["fp16"]))
    monkeypatch.setattr("choose.rejected.__version__", "99.0.0")
    with pytest.raises(ChildStarted):
        prepare([network], training, ["fp16"])


def test_a_library_that_fails_in_one_conversion_leaves_the_other_artifacts(
    finished: Finished, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(job: Job) -> Iterator[CardFields]:
        raise RuntimeError("no kernel")

    network, _ = finished
    use(failing, monkeypatch)
    problems = convert_network(pipeline_of(network), targets_of(network.model, ["fp32", "fp16"]))
    assert problems["model.fp16.onnx"] == "RuntimeError: no kernel"
    assert Artifact.at(network.model.sibling("fp32", ".xml").path).exists


def test_wrong_labels_are_not_looked_for_in_each_network(tmp_path: Path) -> None:
    training = Training(data=tmp_path, examples=[])
    assert not parse(training.words_for(network_at(tmp_path, 32))).suspects


def test_on_a_cpu_fp16_is_no_gain_and_targets_follow_their_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "find_gpu", lambda: None)
    assert default_precisions() == ["fp32", "int8"]
    targets = [target.name for target, _ in targets_of(Artifact.at("model.keras"), ["int8", "fp32"])]
    assert targets == ["model.fp32.onnx", "model.fp32.xml", "model.int8.onnx", "model.int8.xml"]
    monkeypatch.setattr(module, "find_gpu", lambda: "some GPU")
    assert default_precisions() == ["fp32", "fp16", "int8"]
