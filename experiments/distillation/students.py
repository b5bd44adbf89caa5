"""The trainings of one seed: a teacher, the student alone, and the student with that teacher."""

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from experiments.distillation.digits import SIZE
from experiments.distillation.networks import add_network
from temper.artifact import Artifact
from temper.dataset.find import find_examples
from temper.dataset.split import Example
from temper.provenance import package_versions
from temper.runners.base import Runner
from temper.storage.digest import sha256_of
from train.config import Augmentation, TrainingConfig
from train.dataset.decode import labels_of
from train.distillation.teacher import open_teacher
from train.fitting.checkpoint import CheckpointConfig
from train.fitting.training_data import TrainingContext
from train.pipeline import save, train
from train.trained_model import TrainedModel

# A mirrored digit is no digit.
AUGMENTATION = Augmentation(rotation=10.0, zoom=0.1, shift=0.1, shear=0.1, brightness=0.2, flip=False)
BATCH, LEARNING_RATE = 32, 1e-2


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a student learns from its teacher."""

    temperature: float
    weight: float


# Labels and teacher alike, and the defaults of train/run.py (train/config.py).
SETTINGS = (Setting(temperature=2, weight=0.5), Setting(temperature=4, weight=0.9))


@dataclass(frozen=True, kw_only=True)
class Widths:
    """Channels of the first layer."""

    student: int
    teacher: int


@dataclass(frozen=True, kw_only=True)
class Taught:
    """A student with a teacher: its test accuracy, and for which fraction of the test images both predict the same."""

    setting: Setting
    accuracy: float
    agreement: float


@dataclass(frozen=True, kw_only=True)
class Seed:
    """Test accuracies of the networks of one seed. taught: in the order of SETTINGS. n_train: without validation."""

    teacher: float
    alone: float
    taught: tuple[Taught, ...]
    n_train: int
    n_test: int
    teacher_parameters: int
    student_parameters: int


def key_of(wheel: Path) -> str:
    """A name for what all seeds have in common: the digits in the wheel, the configuration, and the libraries."""
    settings = [dataclasses.asdict(each) for each in SETTINGS]
    parts = [
        sha256_of(wheel), settings, dataclasses.asdict(AUGMENTATION), SIZE, BATCH, LEARNING_RATE,
        package_versions("keras", "tensorflow"),
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def run_seed(folder: Path, seed: int, epochs: int, widths: Widths) -> Seed:
    """Train all networks of a seed on the images in folder/digits."""
    examples = find_examples(folder / "digits", held_out_fraction=0.1, seed=seed)
    config = TrainingConfig(
        weights="none", trainable="all", size=SIZE, epochs=epochs, batch=BATCH, learning_rate=LEARNING_RATE,
        hidden_units=0, seed=seed, augmentation=AUGMENTATION, backbone=add_network(widths.teacher),
    )  # fmt: skip
    teacher, artifact = _train(folder, examples, config), Artifact.at(folder / "teacher.keras")
    save(teacher, artifact, folder / "digits", examples, config)
    config = dataclasses.replace(config, backbone=add_network(widths.student))
    alone, taught = _train(folder, examples, config), list[Taught]()
    for setting in SETTINGS:
        with open_teacher(str(artifact.path), labels_of(examples)) as runner:
            student = _train(folder, examples, _with_teacher(config, artifact, setting), runner)
        agreement = (student.evaluation.predicted == teacher.evaluation.predicted).mean()
        taught.append(Taught(setting=setting, accuracy=student.evaluation.accuracy, agreement=float(agreement)))
    return Seed(
        teacher=teacher.evaluation.accuracy,
        alone=alone.evaluation.accuracy,
        taught=tuple(taught),
        n_train=sum(each.subset == "train" for each in examples),
        n_test=alone.evaluation.n_images,
        teacher_parameters=teacher.model.count_params(),
        student_parameters=alone.model.count_params(),
    )


def _with_teacher(config: TrainingConfig, artifact: Artifact, setting: Setting) -> TrainingConfig:
    return dataclasses.replace(
        config,
        teacher=f"{artifact.name} sha256:{artifact.sha256()}",
        distillation_temperature=setting.temperature,
        distillation_weight=setting.weight,
    )


def _train(
    folder: Path, examples: list[Example], config: TrainingConfig, teacher: Runner | None = None
) -> TrainedModel:
    # Its own folder: a checkpoint of another training would be continued.
    work = folder / f"work-{np.random.default_rng().integers(2**63)}"
    context = TrainingContext(work=work, checkpoint=CheckpointConfig(path=work / "checkpoint.npz"))
    return train(examples, config, None, context, teacher)
