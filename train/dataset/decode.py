"""Decoded images with their labels, by subset."""

import math
import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.cli.progress import ProgressCallback
from temper.dataset.split import SUBSETS, Example, Subset
from temper.images import load_images

STEP = "decoding (images)"
# Arrays that are larger are stored in a file on disk, which the operating system pages in and out.
MAX_MEMORY_BYTES = 256 << 20


@dataclass(frozen=True)
class LabeledImages:
    """Decoded images, uint8 [n, size, size, 3], and their one-hot labels, float32 [n, classes]."""

    pixels: NDArray[np.uint8]
    targets: NDArray[np.float32]


def labels_of(examples: list[Example]) -> tuple[str, ...]:
    """The labels, sorted: the order of the model's output."""
    return tuple(sorted({each.label for each in examples}))


def load_subsets(examples: list[Example], size: int, progress: ProgressCallback) -> dict[Subset, LabeledImages]:
    """Decode the images of all subsets; the examples are sorted by subset, as `find_examples` returns them.

    Raises UnreadableImage as `decode` does.
    """
    pixels = decode(examples, size, progress)
    labels = labels_of(examples)
    targets = np.eye(len(labels), dtype=np.float32)[[labels.index(each.label) for each in examples]]
    # Each subset is a slice, so nothing is copied.
    starts = np.searchsorted([SUBSETS.index(each.subset) for each in examples], range(len(SUBSETS) + 1))
    slices = {subset: slice(starts[index], starts[index + 1]) for index, subset in enumerate(SUBSETS)}
    return {subset: LabeledImages(pixels[rows], targets[rows]) for subset, rows in slices.items()}


def decode(examples: list[Example], size: int, progress: ProgressCallback) -> NDArray[np.uint8]:
    """Decode each image once to uint8 [n, size, size, 3].

    Raises UnreadableImage for the first image that cannot be decoded.
    """
    pixels = allocate((len(examples), size, size, 3), np.dtype(np.uint8))
    progress(STEP, 0, len(examples))
    for index, image in enumerate(load_images((each.path for each in examples), size)):
        pixels[index] = image
        progress(STEP, index + 1, len(examples))
    return pixels


def allocate(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An uninitialized array: in memory, or if it is large in an unnamed file that is mapped into memory."""
    if math.prod(shape) * dtype.itemsize <= MAX_MEMORY_BYTES:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)
