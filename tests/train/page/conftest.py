"""A training whose evidence is known: a bright square alone decides the label."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from temper.artifact import Artifact
from temper.dataset.find import find_examples
from temper.dataset.split import Example
from train.config import TrainingConfig
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.training_data import TrainingContext
from train.pipeline import save, train
from train.trained_model import TrainedModel

HOSTILE = "<img src=x onerror=console.error(1)>"
LABELS = (HOSTILE, "square")
SIZE, SQUARE = 64, 20
# A mistake of the folder: it shows a square.
WRONG = f"{HOSTILE}.png"
CONFIG = TrainingConfig(
    weights="file", trainable="head", head="lbfgs", hidden_units=0, size=SIZE, backbone="tiny", augmentation_passes=2
)


@dataclass(frozen=True, kw_only=True)
class Squares:
    """The training, and where each held-out image has its square: row and column of the corner."""

    artifact: Artifact
    folder: Path
    examples: list[Example]
    trained: TrainedModel
    corners: dict[str, tuple[int, int]]

    @property
    def page(self) -> Path:
        """The page of the model."""
        return self.artifact.beside(".html")


def draw(path: Path, has_square: bool, random: np.random.Generator) -> tuple[int, int]:
    """Write a dark image, with or without a bright square; returns the corner of the square."""
    pixels = random.integers(20, 60, (SIZE, SIZE, 3)).astype(np.uint8)
    row, column = random.integers(0, SIZE - SQUARE, 2).tolist()
    if has_square:
        pixels[row : row + SQUARE, column : column + SQUARE] = 250
    Image.fromarray(pixels).save(path)
    return row, column


@pytest.fixture(scope="session")
def squares(tmp_path_factory: pytest.TempPathFactory, tiny_backbone: keras.Model) -> Squares:
    """A model that is trained on images with and without a square, and saved with its page."""
    folder, random = tmp_path_factory.mktemp("squares"), np.random.default_rng(0)
    corners = {}
    for subset, count in (("train", 30), ("test", 5)):
        for label in LABELS:
            (folder / subset / label).mkdir(parents=True)
            for index in range(count):
                path = folder / subset / label / f"{index:02}.png"
                corners[path.relative_to(folder).as_posix()] = draw(path, label == "square", random)
    corners[f"test/{HOSTILE}/{WRONG}"] = draw(folder / "test" / HOSTILE / WRONG, True, random)
    artifact = Artifact.at(tmp_path_factory.mktemp("model") / "model.keras")
    examples = find_examples(folder, 0.3, seed=0)
    checkpoint = CheckpointConfig(path=artifact.path.with_name("checkpoint.npz"))
    context = TrainingContext(work=artifact.path.parent / "work", checkpoint=checkpoint)
    trained = train(examples, CONFIG, tiny_backbone, context)
    save(trained, artifact, folder, examples, CONFIG)
    return Squares(artifact=artifact, folder=folder, examples=examples, trained=trained, corners=corners)
