"""The settings a model is trained with; equal pictures and an equal recipe mean the same model."""

from dataclasses import dataclass
from typing import Literal

Layers = Literal["head", "all"]


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
