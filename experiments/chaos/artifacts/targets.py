"""Artifacts of the tiny classifier to attack, in every format that needs no TensorFlow, and their predictions."""

from pathlib import Path
from random import Random

import numpy as np

from temper.artifact import Artifact
from temper.card import Card, Precision, write_card
from temper.reference import read_golden
from temper.runners.base import Probabilities
from temper.runners.content import Content
from temper.runners.load import open_runner

BUILT: tuple[tuple[Precision, str], ...] = (("fp32", ".onnx"), ("int8", ".onnx"), ("fp32", ".xml"), ("int8", ".xml"))


def build_targets(folder: Path) -> list[Artifact]:
    """Build the artifacts in a new folder."""
    from tests import tiny

    folder.mkdir(parents=True, exist_ok=True)
    model = tiny.bundle(folder)
    pipeline = tiny.pipeline_of(model, calibration_method="max")
    return [pipeline.build(Artifact.at(model).sibling(precision, suffix), precision) for precision, suffix in BUILT]


def build_stored(folder: Path) -> list[Artifact]:
    """A file and a folder as TensorFlow's formats have them, which no runtime opens: for checks before loading."""
    keras, saved = folder / "stored.keras", folder / "stored.savedmodel"
    (saved / "variables").mkdir(parents=True)
    (saved / "assets").mkdir()
    random = np.random.default_rng(0)
    for path in (keras, saved / "saved_model.pb", saved / "variables" / "variables.data", saved / "assets" / "a.txt"):
        path.write_bytes(random.bytes(20_000))
    artifacts = [Artifact.at(keras), Artifact.at(saved)]
    for each in artifacts:
        write_card(each.path, Card(labels=("blue", "red"), size=16, sha256=each.sha256()))
    return artifacts


def predict(artifact: Artifact) -> Probabilities:
    """Open an artifact and predict its golden images."""
    fresh = Artifact.at(artifact.path)
    with open_runner(fresh) as runner:
        return runner.predict(read_golden(fresh).images)


def copy_checked(artifact: Artifact) -> None:
    """Check and copy an artifact as a runner that takes paths does."""
    with Content(Artifact.at(artifact.path)) as content:
        content.copy()


def parts_of(artifact: Artifact) -> list[Path]:
    """All regular files of an artifact."""
    return [
        file
        for path in artifact.files
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file()
    ]


def flip(file: Path, random: Random) -> bytes:
    """Flip one random bit of a file in place; returns the intact content."""
    intact = file.read_bytes()
    damaged = bytearray(intact)
    damaged[random.randrange(len(damaged))] ^= 1 << random.randrange(8)
    file.write_bytes(damaged)
    return intact


def same(one: Probabilities, other: Probabilities) -> bool:
    """Whether predictions are equal but for rounding."""
    return bool(np.abs(one - other).max() < 1e-4)
