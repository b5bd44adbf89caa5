"""Handwritten digits of scikit-learn, 8 x 8 pixels, made harder: turned, moved, with little contrast and noise."""

import csv
import gzip
import io
import zipfile
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from temper.errors import DataError

# In the wheel, rows of 64 brightnesses from 0 to 16 and the digit: test set of Alpaydin and Kaynak 1998 (UCI).
MEMBER = "sklearn/datasets/data/digits.csv.gz"
EDGE, MAX_BRIGHTNESS = 8, 16
SIZE = 32
# Height and width of a digit on the image, degrees to either side; of 255: contrast with the background, deviation of
# the noise.
DIGIT_SIZES, ROTATION, CONTRASTS, NOISE = (20, 28), 15.0, (60, 180), 24.0

Digits = tuple[NDArray[np.uint8], NDArray[np.int64]]


def read_digits(wheel: Path) -> Digits:
    """All digits, uint8 [n, 8, 8] from 0 to 255, and which ones they are, [n]. Raises DataError for another file."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            text = gzip.decompress(archive.read(MEMBER)).decode()
        rows = np.array(list(csv.reader(io.StringIO(text))), dtype=float).astype(np.int64)
    except (OSError, BadZipFile, KeyError, ValueError) as error:
        raise DataError(
            f"{wheel} cannot be read as a wheel of scikit-learn ({error})",
            fix="Get one:\n    pip download --no-deps scikit-learn",
        ) from None
    brightness = rows[:, :-1].reshape(-1, EDGE, EDGE) * 255 // MAX_BRIGHTNESS
    return brightness.astype(np.uint8), rows[:, -1]


def draw_digit(digit: NDArray[np.uint8], random: np.random.Generator) -> Image.Image:
    """The digit on an image of 32 x 32 pixels, lighter than the background."""
    edge = int(random.integers(*DIGIT_SIZES))
    turned = Image.fromarray(digit).resize((edge, edge), Image.Resampling.BICUBIC)
    turned = turned.rotate(random.uniform(-ROTATION, ROTATION), Image.Resampling.BICUBIC)
    mask = Image.new("L", (SIZE, SIZE))
    left, top = random.integers(0, SIZE - edge + 1, 2)
    mask.paste(turned, (int(left), int(top)))
    contrast = random.uniform(*CONTRASTS)
    background = 127 - contrast / 2 + random.normal(0, NOISE, (SIZE, SIZE))
    pixels = background + contrast * np.asarray(mask) / 255
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).convert("RGB")


def write_dataset(folder: Path, digits: Digits, seed: int, copies: int) -> None:
    """Write train/ and test/ with half of the digits each, one image of a digit in train/ and `copies` in test/.

    No digit is in both. The seed decides which are where, and how they are drawn.
    """
    random, (images, labels) = np.random.default_rng(seed), digits
    order = random.permutation(len(images))
    for place, index in enumerate(order):
        subset, count = ("train", 1) if place < len(order) // 2 else ("test", copies)
        target = folder / subset / str(labels[index])
        target.mkdir(parents=True, exist_ok=True)
        for copy in range(count):
            draw_digit(images[index], random).save(target / f"{index:04}-{copy}.png")
