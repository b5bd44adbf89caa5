import dataclasses
from pathlib import Path

import msgspec

from temper.artifact import Artifact
from temper.card import Training, TrainingResult, write_card
from temper.dataset.find import find_examples
from temper.dataset.split import write_split
from tests.train.images import fill
from train.config import TrainingConfig
from train.up_to_date import SPLIT_SUFFIX, dataset_record, is_up_to_date

CONFIG = TrainingConfig(weights="file", head="lbfgs")


def test_a_model_is_up_to_date_for_the_images_and_the_configuration_of_its_card(bundle: Path, tmp_path: Path) -> None:
    folder = fill(tmp_path / "images", 12)
    examples = find_examples(folder, 0.3, seed=0)
    model = Artifact.at(bundle)
    split = write_split(model.beside(SPLIT_SUFFIX), folder, examples)
    training = Training(
        config=dataclasses.asdict(CONFIG), result=TrainingResult(images=4, accuracy=0.5, interval=(0.2, 0.8))
    )
    write_card(model.path, model.card.changed(dataset=dataset_record(split, folder), training=training))
    assert is_up_to_date(Artifact.at(bundle), folder, examples, CONFIG)
    assert not is_up_to_date(Artifact.at(bundle), folder, examples, dataclasses.replace(CONFIG, size=160))
    assert not is_up_to_date(Artifact.at(bundle), folder, examples[1:], CONFIG)
    # A release without an option wrote no value for it.
    former = msgspec.structs.replace(
        training, config={name: value for name, value in training.config.items() if name != "teacher"}
    )
    write_card(model.path, Artifact.at(bundle).card.changed(training=former))
    assert is_up_to_date(Artifact.at(bundle), folder, examples, CONFIG)
    taught = dataclasses.replace(CONFIG, teacher="large.keras sha256:0123")
    assert not is_up_to_date(Artifact.at(bundle), folder, examples, taught)
    bundle.write_bytes(b"damaged")
    assert not is_up_to_date(Artifact.at(bundle), folder, examples, CONFIG)
