"""The configuration of a training. Equal images and an equal configuration give an equal model.

The command-line options are generated from the fields of this file (train.cli_options).
"""

# option() calls dataclasses.field, which ruff does not see.
# ruff: noqa: RUF009

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from typing import Literal, get_args

from temper.cli.options import option
from temper.cli.text import plural
from train.network.backbones import BACKBONES

Trainable = Literal["head", "all"]
HeadSolver = Literal["keras", "lbfgs"]
ClassWeights = Literal["none", "balanced"]
Distribute = Literal["none", "mirrored", "workers"]
# Fine-tuning adjusts the top blocks, it does not train them anew: a tenth of the head's learning rate.
FINE_TUNE_LR_FACTOR = 0.1
# Hinton et al. 2015 (arXiv 1503.02531): a considerably lower weight of the labels was best. The numbers are those of
# the comparison by Tian et al. 2020 (arXiv 1910.10699).
DISTILLATION_TEMPERATURE, DISTILLATION_WEIGHT = 4.0, 0.9


MODEL, TRAINING, HEAD = "model", "training", "head on a frozen backbone"
DISTILLATION = "distillation: a small network learns from a large one"
AUGMENTATION = "augmentation of the training images; 0 for none"


@dataclass(frozen=True, kw_only=True)
class Augmentation:
    """How much an image is changed, at random, each time it is shown. New border pixels repeat the nearest pixel."""

    rotation: float = option(25.0, AUGMENTATION, "rotation to either side", metavar="DEGREES", limits=(0, 180))
    zoom: float = option(0.1, AUGMENTATION, "zoom in and out", limits=(0, 0.9))
    shift: float = option(0.1, AUGMENTATION, "shift to either side, of the image size", limits=(0, 0.9))
    shear: float = option(0.2, AUGMENTATION, "shear to either side", limits=(0, 0.9))
    brightness: float = option(0.2, AUGMENTATION, "darker and brighter", limits=(0, 0.9))
    flip: bool = option(True, AUGMENTATION, "do not mirror images horizontally")


NO_AUGMENTATION = Augmentation(rotation=0.0, zoom=0.0, shift=0.0, shear=0.0, brightness=0.0, flip=False)


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """One phase of a training that changes the backbone.

    learning_rate: its peak. restore_best: at the end the model gets the weights of the epoch with the lowest
    validation loss. include_initial_weights: the weights before the first epoch may be the best ones.
    patience: epochs without a lower validation loss before the phase ends; 0 for never.
    """

    epochs: int
    learning_rate: float
    restore_best: bool = False
    include_initial_weights: bool = False
    patience: int = 0


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """What is trained and how; the help of the options explains the fields. By default a head on a frozen backbone.

    weights, teacher: "imagenet", "none", or the name and SHA-256 of a file. learning_rate: of a head, constant;
    otherwise the rate rises linearly to this value and falls to zero along a cosine. augmentation_passes: epochs
    alternate between the versions of an image.
    """

    weights: str = option(
        "imagenet", MODEL, "what the backbone starts with: imagenet, none, or a file", metavar="WEIGHTS", is_common=True
    )
    backbone: str = option(
        "resnet50", MODEL, f"the network that computes the features: {', '.join(BACKBONES)}", metavar="NAME",
        choices=BACKBONES, is_common=True,
    )  # fmt: skip
    trainable: Trainable = option(
        "head", MODEL, "the layers that are trained", choices=get_args(Trainable), is_common=True
    )
    epochs: int = option(2, TRAINING, "passes over the training images", limits=(1, 10_000), is_common=True)
    size: int = option(
        224, TRAINING, "height and width of the images", metavar="PIXELS", limits=(32, 1024), is_common=True
    )
    batch: int = option(8, TRAINING, "images in a batch", limits=(1, 4096))
    learning_rate: float = option(
        1e-4, TRAINING, "learning rate; the peak learning rate if all layers are trained", metavar="RATE",
        limits=(1e-9, 10),
    )  # fmt: skip
    fine_tune: int = option(0, TRAINING, "epochs of fine-tuning the top blocks after the head", limits=(0, 10_000))
    patience: int = option(
        0, TRAINING, "end after N epochs without a lower validation loss; 0: never", limits=(0, 10_000)
    )
    label_smoothing: float = option(0.0, TRAINING, "label smoothing factor", limits=(0, 0.9))
    class_weights: ClassWeights = option(
        "none", TRAINING, "balanced: each label has the same weight in the loss", choices=get_args(ClassWeights)
    )
    held_out_fraction: float = option(
        0.2, TRAINING, "fraction of the images for validation and test, half for each; with train/ and test/ folders "
        "the fraction of train/ for validation", limits=(0.01, 0.9),
    )  # fmt: skip
    seed: int = option(0, TRAINING, "equal seeds give equal models", limits=(0, 2**32 - 1))
    calibrate: bool = option(True, TRAINING, "leave out temperature scaling")
    head: HeadSolver = option(
        "keras", HEAD, "keras: train the head by epochs; lbfgs: compute the optimum of a linear head",
        choices=get_args(HeadSolver),
    )  # fmt: skip
    augmentation_passes: int = option(
        2, HEAD, "versions of each training image: the original, then augmented ones", limits=(1, 1000)
    )
    hidden_units: int = option(256, HEAD, "units of the hidden layer; 0: no hidden layer", limits=(0, 65_536))
    dropout: float = option(0.5, HEAD, "dropout before the last layer", limits=(0, 0.95))
    teacher: str = option(
        "none", DISTILLATION, "a trained model.keras with the same labels, whose predictions are learned as well",
        metavar="FILE",
    )  # fmt: skip
    distillation_temperature: float = option(
        DISTILLATION_TEMPERATURE, DISTILLATION, "what the logits of both are divided by; higher: softer predictions",
        metavar="NUMBER", limits=(1, 20),
    )  # fmt: skip
    distillation_weight: float = option(
        DISTILLATION_WEIGHT, DISTILLATION, "weight of the teacher in the loss; the labels have the rest", limits=(0, 1)
    )
    augmentation: Augmentation = Augmentation()

    @property
    def has_teacher(self) -> bool:
        """True where a teacher's predictions are learned as well."""
        return self.teacher != "none"

    def schedule(self) -> Schedule:
        """The schedule of a training of all layers."""
        return Schedule(
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            restore_best=bool(self.patience),
            patience=self.patience,
        )

    def fine_tuning_schedule(self) -> Schedule:
        """The schedule that adjusts the top blocks to a trained head."""
        return Schedule(
            epochs=self.fine_tune,
            learning_rate=self.learning_rate * FINE_TUNE_LR_FACTOR,
            restore_best=True,
            include_initial_weights=True,
            patience=self.patience,
        )

    def features_key(self, dtype_policy: str, versions: dict[str, str]) -> str:
        """A name for everything that features depend on, except the image and its augmentation.

        dtype_policy: the one that the backbone computes in. versions: of the libraries that compute it.
        """
        parts = [
            self.backbone, self.weights, self.size, dataclasses.asdict(self.augmentation), dtype_policy, "folded",
            sorted(versions.items()),
        ]  # fmt: skip
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def predictions_key(self, versions: dict[str, str]) -> str:
        """A name for everything that the teacher's predictions depend on, except the image."""
        parts = [self.teacher, dataclasses.asdict(self.augmentation), sorted(versions.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def summary(self) -> str:
        """What will be trained, in one line."""
        start = "from scratch" if self.weights == "none" else f"from {self.weights.split(' ')[0]}"
        if self.head == "lbfgs":
            passes = plural(self.augmentation_passes, "augmentation pass", "augmentation passes")
            text = f"head of {self.backbone} {start}: {self.size} px, {passes}, L-BFGS"
        else:
            layers, how = ("head", "Adam") if self.trainable == "head" else ("all layers", "AdamW, warm-up and cosine")
            text = (
                f"{layers} of {self.backbone} {start}: {self.size} px, {plural(self.epochs, 'epoch')}, "
                f"batch {self.batch}, learning rate {self.learning_rate:g} ({how})"
            )
        epochs = plural(self.fine_tune, "epoch")
        fine_tuning = f", then fine-tuning of the top blocks for {epochs}" if self.fine_tune else ""
        teacher = f", teacher {self.teacher.split(' ')[0]}" if self.has_teacher else ""
        return f"training {text}{fine_tuning}{teacher}, seed {self.seed}"
