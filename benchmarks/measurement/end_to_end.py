"""From image files to labels, with the time that each stage takes."""

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from msgspec import Struct
from PIL import Image

from temper.images import load_image, load_images, open_image
from temper.runners.base import Images, Runner

BATCH = 8
LARGE = (4000, 3000)
# "overlapped": as this project does it. "one by one": as Keras' tutorials do it.
Method = Literal["overlapped", "one by one"]


class EndToEndRun(Struct, frozen=True, kw_only=True):
    """Labeled files: index of each label; wall seconds of the run, of waiting for pixels, and in the network."""

    labels: tuple[int, ...]
    seconds: float
    waiting_seconds: float
    network_seconds: float


def label_one_by_one(runner: Runner, paths: list[Path]) -> EndToEndRun:
    """As Keras' tutorials do it: decode at full scale, resize to the nearest pixel, one image a call."""
    return _label(runner, (_decode_as_keras(path, runner.card.size)[np.newaxis] for path in paths))


def label_overlapped(runner: Runner, paths: list[Path]) -> EndToEndRun:
    """As this project does it: threads decode ahead at a reduced scale while the network runs on batches."""
    pixels = load_images(paths, runner.card.size)
    batches = iter(lambda: list(itertools.islice(pixels, BATCH)), [])
    return _label(runner, (np.stack(batch) for batch in batches))


def decode_seconds(path: Path, size: int) -> tuple[float, float]:
    """Seconds of one thread to decode a file: as this project does it, and at full scale as Keras does."""
    start = time.perf_counter()
    load_image(path, size)
    between = time.perf_counter()
    _decode_as_keras(path, size)
    return between - start, time.perf_counter() - between


def enlarge(path: Path, target: Path) -> Path:
    """Write an image as a JPEG of 12 megapixels; returns the target."""
    open_image(path).resize(LARGE, Image.Resampling.BICUBIC).save(target, quality=90)
    return target


def _decode_as_keras(path: Path, size: int) -> Images:
    # The defaults of keras.utils.load_img: RGB, nearest neighbor. With Pillow alone on purpose, as the tutorials do it:
    # what they decode otherwise is measured too.
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.NEAREST), dtype=np.uint8)


def _label(runner: Runner, batches: Iterator[Images]) -> EndToEndRun:
    labels: list[int] = []
    waiting = network = 0.0
    start = before = time.perf_counter()
    for batch in batches:
        ready = time.perf_counter()
        probabilities = runner.predict(batch)
        after = time.perf_counter()
        waiting, network = waiting + ready - before, network + after - ready
        labels.extend(int(label) for label in probabilities.argmax(axis=1))
        before = time.perf_counter()
    seconds = time.perf_counter() - start
    return EndToEndRun(labels=tuple(labels), seconds=seconds, waiting_seconds=waiting, network_seconds=network)
