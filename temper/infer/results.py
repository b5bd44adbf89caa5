"""What classification gives for one image."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from temper.dataset.image_files import MAX_PIXELS_OF_PILLOW
from temper.escaping import stored_name
from temper.images import Decoding, EncodedImage, open_image

# Height of a drawn letter as a fraction of the image's height, and at least in pixels.
TEXT_FRACTION = 0.06
MIN_TEXT_PIXELS = 14
LINE_SPACING = 1.5
BAND_COLOR, TEXT_COLOR = (0, 0, 0), (255, 255, 255)
# What has a result has passed the limit that the user chose.
ANY_SIZE = Decoding(max_pixels=MAX_PIXELS_OF_PILLOW)


@dataclass(frozen=True)
class Prediction:
    """A label and its probability in [0, 1].

    >>> print(Prediction("cat", 0.75))
    cat 75.0 %
    """

    label: str
    probability: float

    def __str__(self) -> str:
        return f"{self.label} {100 * self.probability:.1f} %"


@dataclass(frozen=True, kw_only=True)
class Result:
    """The predictions for one image, or the reason why it could not be read.

    source: the name of the file, URL, member of a shard ("shard.tar/a.jpg") or frame ("video.mp4@1.500s"); for an image
    without a name its position in the input, from 0 ("image 3"). predictions: the top k, the most probable first; empty
    when there is an error. milliseconds: the time of the runner's call divided by the images of its batch, without
    decoding. unknown: see is_unknown. image: an input that is not on the disk: encoded as it was, or RGB. sha256: of
    the encoded bytes that were decoded, of a frame of the pixels that the network gets; empty for PIL images, arrays
    and what could not be read.

    >>> result = Result(source="a.jpg", predictions=(Prediction("cat", 0.75), Prediction("dog", 0.25)))
    >>> result.label, result.probability, result.text()
    ('cat', 0.75, 'cat 75.0 %, dog 25.0 %')
    """

    source: str
    predictions: tuple[Prediction, ...] = ()
    milliseconds: float = 0.0
    error: str = ""
    unknown: bool | None = None
    image: Image.Image | EncodedImage | None = field(default=None, repr=False)
    sha256: str = ""

    @property
    def label(self) -> str:
        """The predicted label; empty when there is an error."""
        return self.predictions[0].label if self.predictions else ""

    @property
    def probability(self) -> float:
        """The probability of the predicted label, in [0, 1]; 0 when there is an error."""
        return self.predictions[0].probability if self.predictions else 0.0

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; a name that is not UTF-8 is written as temper.escaping.stored_name does.

        >>> Result(source="a.jpg", predictions=(Prediction("cat", 0.75),)).as_dict()
        {'file': 'a.jpg', 'predictions': [{'label': 'cat', 'probability': 0.75}], 'milliseconds': 0.0}
        """
        if self.error:
            return {"file": stored_name(self.source), "error": stored_name(self.error)}
        predictions = [{"label": each.label, "probability": each.probability} for each in self.predictions]
        unknown = {} if self.unknown is None else {"unknown": self.unknown}
        milliseconds = round(self.milliseconds, 3)
        return {"file": stored_name(self.source), "predictions": predictions, **unknown, "milliseconds": milliseconds}

    def text(self) -> str:
        """The labels with their probabilities, in one line; "unknown (…)" when the result is unknown."""
        labels = ", ".join(map(str, self.predictions))
        return f"unknown ({labels})" if self.unknown else labels

    def save(self, path: Path | str) -> None:
        """Write the image with its labels on a band below it, one a line; the suffix decides the format (.png, .jpg).

        Missing folders are made. Raises ValueError when the result has an error or the suffix is unknown,
        UnreadableImage when the file is gone.
        """
        if self.error:
            raise ValueError(f"there is no image to save: {self.error}")
        labeled = self.labeled()
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        labeled.save(path)

    def labeled(self, lines: int = 0) -> Image.Image:
        """The image with its labels below it, on a band of at least this number of lines. Raises UnreadableImage."""
        texts = ["unknown"] if self.unknown else []
        texts += [str(each) for each in self.predictions]
        image = self.image
        if not isinstance(image, Image.Image):
            image = open_image(image or Path(self.source), ANY_SIZE)
        return add_labels(image, texts + [""] * (lines - len(texts)))


def is_unknown(predictions: Sequence[Prediction], threshold: float | None) -> bool | None:
    """Whether the first probability is below a threshold; None without a threshold.

    >>> is_unknown([Prediction("cat", 0.75)], 0.8)
    True
    """
    return None if threshold is None else predictions[0].probability < threshold


def top_k(probabilities: NDArray[np.float32], labels: tuple[str, ...], k: int) -> list[Prediction]:
    """The k most probable labels of one image's probabilities [classes], the most probable first.

    Labels of equal probability stay in their order.

    >>> top_k(np.array([0.2, 0.7, 0.1], np.float32), ("cat", "dog", "fox"), 1)[0].label
    'dog'
    """
    order = np.argsort(-probabilities, kind="stable")[:k]
    return [Prediction(labels[int(i)], float(probabilities[i])) for i in order]


def add_labels(image: Image.Image, lines: list[str]) -> Image.Image:
    """A copy of an RGB image with lines of text on a dark band below it.

    The text shrinks until it fits; where the smallest text is wider than the image, the image is enlarged. The font
    has Latin letters only.
    """
    from PIL import ImageDraw, ImageFont

    size = max(MIN_TEXT_PIXELS, round(TEXT_FRACTION * image.height))
    while (width := _text_width(lines, size)) > image.width and size > MIN_TEXT_PIXELS:
        size -= 1
    if width > image.width:
        scale = math.ceil(width / image.width)
        image = image.resize((scale * image.width, scale * image.height), Image.Resampling.NEAREST)
    step = round(LINE_SPACING * size)
    labeled = Image.new("RGB", (image.width, image.height + step * len(lines) + size // 2), BAND_COLOR)
    labeled.paste(image)
    draw, font = ImageDraw.Draw(labeled), ImageFont.load_default(size=size)
    for number, line in enumerate(lines):
        middle = image.height + size // 4 + step * number + step // 2
        draw.text((size // 2, middle), line, TEXT_COLOR, font, anchor="lm")
    return labeled


def _text_width(lines: list[str], size: int) -> float:
    """Width in pixels of the longest line with a margin of half a letter on either side."""
    from PIL import ImageFont

    font = ImageFont.load_default(size=size)
    return max(font.getlength(line) for line in lines) + size
