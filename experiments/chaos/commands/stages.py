"""Trainings and conversions of a tiny Keras model, to disturb."""

import contextlib
import functools
from pathlib import Path

from experiments.chaos.commands.scenarios import Scenario, seconds_of
from experiments.support import ANY_ACCURACY
from temper.artifact import Artifact
from temper.errors import UserError
from temper.storage.digest import sha256_of
from temper.storage.publish import finish_publication

TARGETS = (
    ("fp32", "model.fp32.onnx"), ("fp32", "model.fp32.xml"), ("fp32", "model.fp32.savedmodel"),
    ("fp16", "model.fp16.onnx"), ("int8", "model.int8.onnx"), ("int8", "model.int8.xml"),
)  # fmt: skip
INT8 = ["--calibration-method", "max", "--calibration-images", "16"]
# What a training writes beside its model.
BESIDE = (".md", ".html", ".summary.txt", ".history.csv", ".curves.png", ".confusion.png", ".split.csv")


def training_scenario(model: Path) -> Scenario:
    """A training that replaces a model by one of another seed; the first call makes the images and the model."""
    from tests.train.images import fill

    model.parent.mkdir(parents=True)
    words = [
        "-m", "tests.train.tiny", "--backbone", "tiny", "--weights", "none", "--size", "32", "--epochs", "1",
        "--batch", "16", "--data", str(fill(model.parent / "images", 20)),
    ]  # fmt: skip
    seconds_of([*words, "--out", str(model), "--seed", "1"])
    other = model.parent / "other" / model.name
    words += ["--out", str(other), "--force"]
    seconds = seconds_of([*words, "--seed", "1"])
    return Scenario(
        words=[*words, "--seed", "2"], folder=other.parent, seconds=seconds, prepare=lambda: None,
        is_whole=functools.partial(is_trained, other), is_complete=functools.partial(is_trained, other),
    )  # fmt: skip


def is_trained(model: Path) -> bool:
    """Whether a model is there with its card and all files beside it, and the split is the one that the card names."""
    with contextlib.suppress(UserError):
        artifact = Artifact.at(model).verified()
        dataset = artifact.card.dataset
        is_same = dataset is not None and sha256_of(artifact.beside(".split.csv")) == dataset.split.sha256
        return is_same and all(artifact.beside(suffix).stat().st_size for suffix in BESIDE)
    return False


def conversion_scenarios(model: Path) -> list[Scenario]:
    """Conversions that replace a published artifact, one for each of TARGETS."""
    scenarios = []
    for precision, name in TARGETS:
        # A model of one epoch is unsure of many images.
        words = ["convert/run.py", str(model), str(model.with_name(name)), "--precision", precision, *ANY_ACCURACY]
        words += INT8 if precision == "int8" else []
        seconds_of(words)
        check = functools.partial(is_published, model.with_name(name))
        words += ["--force"]
        scenarios.append(
            Scenario(
                words=words,
                folder=model.parent,
                seconds=seconds_of(words),
                prepare=lambda: None,
                is_whole=check,
                is_complete=check,
            )
        )
    return scenarios


def is_published(path: Path) -> bool:
    """Whether an artifact is there, complete and with its card."""
    with contextlib.suppress(UserError):
        finish_publication(path)
        return bool(Artifact.at(path).verified().card.sha256)
    return False
