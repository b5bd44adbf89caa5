from pathlib import Path

import numpy as np
import pytest

from convert.dataset import BATCH, ModelDataset
from temper.artifact import Artifact
from temper.card import read_card, write_card
from temper.dataset.split import Example, write_split
from temper.errors import DataError
from temper.runners.load import open_runner
from tests import tiny


@pytest.fixture
def dataset(bundle: Path) -> ModelDataset:
    return tiny.pipeline_of(bundle).dataset


def test_subsets_are_those_of_the_split(dataset: ModelDataset) -> None:
    assert [len(dataset.examples(subset)) for subset in ("train", "val", "test")] == [48, 16, 16]
    assert dataset.held_out() == dataset.examples("test")


def test_without_test_images_nothing_can_be_verified(bundle: Path) -> None:
    card, dataset = read_card(bundle), tiny.pipeline_of(bundle).dataset
    assert card.dataset is not None
    training: list[Example] = dataset.examples("train")
    split = write_split(bundle.with_name("model.split.csv"), Path(card.dataset.folder), training)
    write_card(bundle, card.changed(dataset=type(card.dataset)(split=split, folder=card.dataset.folder)))
    with pytest.raises(DataError, match=r"the split of model\.keras holds no test images"):
        ModelDataset(model=Artifact.at(bundle)).held_out()


def test_batches_are_uint8_images_in_order(dataset: ModelDataset) -> None:
    examples = dataset.examples("train")[: BATCH + 3]
    batches = list(dataset.batches(examples))
    assert [batch.shape for batch in batches] == [(BATCH, tiny.SIZE, tiny.SIZE, 3), (3, tiny.SIZE, tiny.SIZE, 3)]
    assert batches[0].dtype == np.uint8
    np.testing.assert_array_equal(batches[1][0], next(dataset.batches(examples[BATCH:]))[0])


def test_predictions_are_one_row_for_each_image(bundle: Path, dataset: ModelDataset) -> None:
    with open_runner(Artifact.at(bundle.with_name("model.fp32.onnx"))) as runner:
        predicted = dataset.predict(runner, dataset.examples("train"))
    assert predicted.shape == (48, len(tiny.LABELS))
    np.testing.assert_allclose(predicted.sum(axis=1), 1, atol=1e-5)


def test_predictions_report_how_many_images_are_done(bundle: Path, dataset: ModelDataset) -> None:
    steps: list[tuple[str, int, int]] = []
    with open_runner(Artifact.at(bundle.with_name("model.fp32.onnx"))) as runner:
        dataset.predict(runner, dataset.examples("train")[: BATCH + 3], lambda *step: steps.append(step))
    step = "predicting with model.fp32.onnx"
    assert steps == [(step, BATCH, BATCH + 3), (step, BATCH + 3, BATCH + 3)]
