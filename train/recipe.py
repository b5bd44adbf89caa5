"""The settings a model is trained with; equal pictures and an equal recipe mean the same model."""

import dataclasses
import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Layers = Literal["head", "all"]
Head = Literal["keras", "lbfgs"]
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
class Recipe:
    """What to train and how.

    weights: "imagenet", "none", or the name and SHA-256 of a file: where the backbone starts.
    layers: "head" leaves the backbone as it is, "all" trains every layer.
    size: of a picture in pixels; dense, dropout: of the head; held_out: share of pictures not trained on.
    head: "keras" fits the head by epochs, "lbfgs" solves a head without a hidden layer (dense 0) to its optimum.
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

    def features_key(self) -> str:
        """A name for all that features depend on besides the picture and its turn."""
        parts = [self.weights, self.size, dataclasses.asdict(self.augmentation)]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
