from pathlib import Path

from temper.artifact import Artifact
from temper.card import Card
from temper.card.records import Training, TrainingResult
from temper.serve.oip.metadata import accuracy_of, card_summary, platform_of
from tests import tiny


def test_the_accuracy_is_the_artifact_s_own_with_an_interval(made_bundle: Path) -> None:
    artifact = Artifact.at(made_bundle.with_name("model.fp32.onnx"))
    assert artifact.card.agreement
    accuracy = accuracy_of(artifact.card)
    assert accuracy and accuracy["value"] == artifact.card.agreement.top1
    low, high = accuracy["interval"]
    assert low < accuracy["value"] < high
    summary = card_summary("model", artifact, None)
    assert summary["sha256"] == artifact.card.sha256
    assert summary["agreement"]["agreement"] == 1.0
    assert platform_of(artifact) == "temper_onnx"


def test_without_a_measurement_it_is_that_of_the_training_or_unknown() -> None:
    card = Card(labels=tiny.LABELS, size=tiny.SIZE)
    assert accuracy_of(card) is None
    result = TrainingResult(images=10, accuracy=0.9, interval=(0.6, 0.98))
    trained = accuracy_of(card.changed(training=Training(config={}, result=result)))
    assert trained == {"value": 0.9, "interval": (0.6, 0.98), "images": 10}
