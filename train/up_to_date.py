"""Whether a model must be trained again; decided by its card, without TensorFlow."""

import dataclasses
import tempfile
from pathlib import Path

from temper.artifact import Artifact
from temper.card import Dataset, FileReference
from temper.dataset.listing import dataset_title
from temper.dataset.split import Example, write_split
from temper.errors import ArtifactError
from train.config import TrainingConfig

SPLIT_SUFFIX = ".split.csv"


def is_up_to_date(artifact: Artifact, folder: Path, examples: list[Example], config: TrainingConfig) -> bool:
    """True when the artifact was trained on these images with this configuration, and is not damaged."""
    if not artifact.exists:
        return False
    try:
        card = artifact.verified().card
    except ArtifactError:
        return False
    split = artifact.beside(SPLIT_SUFFIX)
    with tempfile.TemporaryDirectory() as scratch:
        dataset = dataset_record(write_split(Path(scratch) / split.name, folder, examples), folder)
    if card.dataset != dataset or not card.training or not split.exists():
        return False
    # An option that did not exist when the model was trained had its default.
    trained_with = {**dataclasses.asdict(TrainingConfig()), **card.training.config}
    return trained_with == dataclasses.asdict(config)


def dataset_record(split: FileReference, folder: Path) -> Dataset:
    """What the card of a model records about the images in a folder."""
    return Dataset(split=split, folder=str(folder.resolve()), title=dataset_title(folder))
