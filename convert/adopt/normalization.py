"""What a model expects of its pixels: a factor, a mean and a deviation for each channel, in RGB or BGR order.

The named ones are those of keras.applications (keras.applications.imagenet_utils.preprocess_input) and of torchvision.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from temper.errors import UsageError

Channels = tuple[float, float, float]
ORDERS = ("RGB", "BGR")
# A number may be written as a fraction: the factor of pixels from 0 to 1 is 1/255.
EXPECTED = (
    'Expected caffe, tf, torch, unit or none, or "scale, mean, std, order", such as "1/255, 0.5 0.5 0.5, 0.25, RGB".'
)


@dataclass(frozen=True, kw_only=True)
class Normalization:
    """(pixels * scale - mean) / std, after the channels were put in order; mean and std are in that order.

    name: as the user named it, for the card.
    """

    name: str
    scale: float = 1.0
    mean: Channels = (0.0, 0.0, 0.0)
    std: Channels = (1.0, 1.0, 1.0)
    order: str = "RGB"

    @property
    def factors(self) -> list[float]:
        """What pixels are multiplied with, for each channel in order."""
        return [self.scale / each for each in self.std]

    @property
    def offsets(self) -> list[float]:
        """What is added after that, for each channel in order."""
        return [-mean / std for mean, std in zip(self.mean, self.std, strict=True)]

    @property
    def is_identity(self) -> bool:
        """True when the values of the pixels do not change."""
        return set(self.factors) == {1.0} and set(self.offsets) == {0.0}

    def apply(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Images, uint8 RGB [n, size, size, 3], as the model takes them, float32 [n, size, size, 3]."""
        pixels = self.ordered(images).astype(np.float32)
        mean, std = (np.array(each, np.float32) for each in (self.mean, self.std))
        return np.asarray((pixels * np.float32(self.scale) - mean) / std, dtype=np.float32)

    def ordered(self, images: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Images with their channels in order, and their values unchanged."""
        return images[..., ::-1] if self.order == "BGR" else images


CAFFE = Normalization(name="caffe", mean=(103.939, 116.779, 123.68), order="BGR")
TF = Normalization(name="tf", scale=1 / 127.5, mean=(1.0, 1.0, 1.0))
TORCH = Normalization(name="torch", scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
UNIT = Normalization(name="unit", scale=1 / 255)
NONE = Normalization(name="none")
KNOWN = {each.name: each for each in (CAFFE, TF, TORCH, UNIT, NONE)}


def parse_normalization(text: str) -> Normalization:
    """The normalization that a word or four parts name. Raises UsageError for another text.

    >>> parse_normalization("1/255, 0, 1, BGR").factors[0] == 1 / 255
    True
    """
    if text in KNOWN:
        return KNOWN[text]
    parts = [part.strip() for part in text.split(",")]
    try:
        scale, mean, std, order = parts
        made = Normalization(
            name=", ".join(parts), scale=_number(scale), mean=_channels(mean), std=_channels(std), order=order.upper()
        )
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--preprocessing {text!r} is not known", fix=EXPECTED) from None
    if made.order not in ORDERS or not made.scale or not all(made.std):
        raise UsageError(f"--preprocessing {text!r} has another order than RGB or BGR, or a factor of 0", fix=EXPECTED)
    return made


def _channels(text: str) -> Channels:
    numbers = [_number(word) for word in text.split()]
    first, second, third = numbers * 3 if len(numbers) == 1 else numbers
    return first, second, third


def _number(text: str) -> float:
    over, _, under = text.partition("/")
    value = float(over) / float(under or 1)
    if not np.isfinite(value):
        raise ValueError(text)
    return value
