from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from convert.precision.calibration_sample import describe_sample
from convert.verification.parity import GOLDEN_IMAGES, baseline, compare, golden_predictions
from temper.artifact import Artifact
from temper.card import Card, LabelFlip
from temper.card.files import card_text
from temper.dataset.split import Example
from temper.reference import read_reference, write_reference
from temper.runners.load import open_runner
from tests import tiny

LABELS = ("cat", "dog")


def examples(*labels: str) -> list[Example]:
    return [
        Example(path=Path(f"{i}.jpg"), label=label, subset="test", sha256=f"{i:064x}") for i, label in enumerate(labels)
    ]


def probabilities(*of_cat: float) -> NDArray[np.float32]:
    return np.array([[p, 1 - p] for p in of_cat], np.float32)


def test_equal_predictions_agree_completely() -> None:
    keras = probabilities(0.9, 0.2, 0.6)
    agreement = compare(keras, keras, examples("cat", "dog", "dog"), LABELS)
    assert (agreement.agreement, agreement.max_difference, agreement.flips) == (1.0, 0.0, ())
    assert agreement.top1 == agreement.keras_top1 == pytest.approx(2 / 3)
    assert agreement.cosine == pytest.approx(1)


def test_flips_are_listed_and_counted_as_regressed_or_improved() -> None:
    keras, predicted = probabilities(0.9, 0.6, 0.2, 0.3), probabilities(0.4, 0.4, 0.1, 0.6)
    agreement = compare(keras, predicted, examples("cat", "dog", "dog", "cat"), LABELS)
    assert agreement.flips == (
        LabelFlip(file="0.jpg", truth="cat", keras="cat", predicted="dog"),
        LabelFlip(file="1.jpg", truth="dog", keras="cat", predicted="dog"),
        LabelFlip(file="3.jpg", truth="cat", keras="dog", predicted="cat"),
    )
    assert (agreement.regressed, agreement.improved) == (1, 2)
    assert agreement.max_difference == pytest.approx(0.5)


def test_a_name_that_is_no_text_can_be_stored_in_a_card() -> None:
    odd = Example(path=Path("caf\udce9.jpg"), label="cat", subset="test", sha256="0" * 64)
    agreement = compare(probabilities(0.9), probabilities(0.4), [odd], LABELS)
    assert [each.file for each in agreement.flips] == [r"caf\xe9.jpg"]
    card = Card(labels=LABELS, size=8, agreement=agreement, calibration=describe_sample([odd], seed=0))
    assert card_text(card).count(r"caf\\xe9.jpg") == 2


def test_the_label_with_the_largest_drop_in_recall_is_named() -> None:
    keras, predicted = probabilities(0.9, 0.9, 0.1, 0.1), probabilities(0.9, 0.9, 0.9, 0.1)
    agreement = compare(keras, predicted, examples("cat", "cat", "dog", "dog"), LABELS)
    assert (agreement.worst_class, agreement.class_drop) == ("dog", 0.5)


def test_the_stored_baseline_is_used_without_keras(bundle: Path) -> None:
    dataset = tiny.pipeline_of(bundle).dataset
    assert baseline(dataset).shape == (16, 2)
    stored = np.full((16, 2), 0.5, np.float32)
    write_reference(dataset.model, stored)
    np.testing.assert_array_equal(baseline(dataset), stored)


@pytest.mark.parametrize("content", [b"damaged", None])
def test_a_damaged_baseline_or_one_of_other_images_is_computed_again(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None
) -> None:
    dataset = tiny.pipeline_of(bundle).dataset
    expected = baseline(dataset)
    if content:
        bundle.with_name("model.reference.npz").write_bytes(content)
    else:
        write_reference(dataset.model, expected[:3])
    fp32 = Artifact.at(bundle.with_name("model.fp32.onnx"))
    monkeypatch.setattr("convert.verification.parity.open_runner", lambda _: open_runner(fp32))
    np.testing.assert_allclose(baseline(dataset), expected, atol=1e-6)
    stored = read_reference(dataset.model)
    assert stored is not None and len(stored) == 16


def test_golden_images_are_those_that_keras_is_least_sure_of_and_a_sample(bundle: Path, tmp_path: Path) -> None:
    dataset = tiny.pipeline_of(bundle).dataset
    reference = golden_predictions(dataset, tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == [reference.file]
    with np.load(tmp_path / reference.file) as stored:
        margins = np.abs(stored["probabilities"][:, 0] - stored["probabilities"][:, 1])
        assert stored["images"].shape == (GOLDEN_IMAGES, tiny.SIZE, tiny.SIZE, 3)
    every = baseline(dataset)
    smallest = np.sort(np.abs(every[:, 0] - every[:, 1]))[: GOLDEN_IMAGES // 2]
    np.testing.assert_allclose(margins[: GOLDEN_IMAGES // 2], smallest)
