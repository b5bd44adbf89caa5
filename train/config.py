"""The settings a model is trained with; equal pictures and an equal recipe mean the same model."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Layers = Literal["head", "all"]
Head = Literal["keras", "lbfgs"]
ClassWeights = Literal["none", "balanced"]
# A tenth of what the head learns by: top blocks are to be adjusted, not learnt anew.
FINE_TUNE_SHARE = 0.1
# Is told what is being done, how much of it is, and how much there is.
Say = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Augmentation:
    """How far a picture is changed each time it is shown, edges filled with the nearest pixels.

    rotation: degrees to either side. zoom, shift, shear, brightness: fractions to either side.
    flip: left and right are swapped in half of the pictures.
    """

    rotation: float = 25.0
    zoom: float = 0.1
    shift: float = 0.1
    shear: float = 0.2
    brightness: float = 0.2
    flip: bool = True


@dataclass(frozen=True)
class TrainingConfig:
    """What to train and how.

    weights: "imagenet", "none", or the name and SHA-256 of a file: where the backbone starts.
    layers: "head" leaves the backbone as it is, "all" trains every layer.
    size: of a picture in pixels; dense, dropout: of the head; held_out: share of pictures not trained on.
    head: "keras" fits the head by epochs, "lbfgs" solves a head without a hidden layer (dense 0) to its optimum.
    fine_tune: epochs in which the backbone's top blocks learn too, after the head, BatchNorm in inference mode, at a
    tenth of the learning rate; the weights of the best epoch return.
    class_weights: "balanced" lets every label count alike, however few its pictures. label_smoothing: share of a
    label's probability that is spread over all labels while training.
    passes: times a frozen backbone sees a training picture, first as it is, then augmented; epochs take turns.
    patience: epochs without a better validation loss before training ends and the best weights return; 0 for never.
    calibrate: scale confidence on the validation part so that 97 % means 97 %.
    learning_rate: its highest value; for all layers it warms up to there and falls to zero along a cosine.
    """

    weights: str
    layers: Layers
    size: int
    epochs: int
    batch: int
    learning_rate: float
    dense: int = 256
    dropout: float = 0.5
    held_out: float = 0.2
    seed: int = 0
    augmentation: Augmentation = Augmentation()
    head: Head = "keras"
    passes: int = 2
    patience: int = 0
    calibrate: bool = True
    backbone: str = "resnet50"
    fine_tune: int = 0
    class_weights: ClassWeights = "none"
    label_smoothing: float = 0.0

    def features_key(self, policy: str, versions: dict[str, str]) -> str:
        """A name for all that features depend on besides the picture and its turn.

        policy: what the backbone computes in. versions: of the libraries that compute it.
        """
        changes = dataclasses.asdict(self.augmentation)
        parts = [self.backbone, self.weights, self.size, changes, policy, "folded", sorted(versions.items())]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    def summary(self) -> str:
        """What is about to be trained, in a line."""
        start = "from scratch" if self.weights == "none" else f"from {self.weights.split(' ')[0]}"
        if self.head == "lbfgs":
            passes = _count(self.passes, "pass", "passes")
            told = f"solving the head of {self.backbone} {start}: {self.size} px, {passes}, L-BFGS"
        else:
            what, how = ("the head", "Adam") if self.layers == "head" else ("all layers", "AdamW, warm-up and cosine")
            epochs = _count(self.epochs, "epoch", "epochs")
            told = (
                f"training {what} of {self.backbone} {start}: {self.size} px, {epochs}, batch {self.batch}, "
                f"rate {self.learning_rate:g} ({how})"
            )
        fine = f", then its top blocks for {_count(self.fine_tune, 'epoch', 'epochs')}" if self.fine_tune else ""
        return f"{told}{fine}, seed {self.seed}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
