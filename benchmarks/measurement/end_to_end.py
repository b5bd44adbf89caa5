"""From picture files to labels, with the time each stage takes."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from temper.images import load_image, load_images
from temper.runners.base import Images, Runner

BATCH = 8
LARGE = (4000, 3000)


@dataclass(frozen=True)
class Passage:
    """Files labelled: index of each label; wall seconds of all, waiting for pixels, in the network."""

    labels: tuple[int, ...]
    seconds: float
    waiting_seconds: float
    network_seconds: float


def label_one_by_one(runner: Runner, paths: list[Path]) -> Passage:
    """As Keras' tutorials do it: decode in full, resize to the nearest pixel, one picture a call."""
    decoded = (_nearest(path, runner.card.size)[np.newaxis] for path in paths)
    return _label(runner, decoded)


def label_overlapped(runner: Runner, paths: list[Path]) -> Passage:
    """As this project does it: threads decode ahead at a reduced scale while batches are answered."""
    pixels = load_images(paths, runner.card.size)
    batches = iter(lambda: list(itertools.islice(pixels, BATCH)), [])
    return _label(runner, (np.stack(batch) for batch in batches))


def decode_seconds(path: Path, size: int) -> tuple[float, float]:
    """Seconds of one thread to decode a file: as this project does it, and in full as Keras does."""
    begun = time.perf_counter()
    load_image(path, size)
    between = time.perf_counter()
    _nearest(path, size)
    return between - begun, time.perf_counter() - between


def enlarge(path: Path, target: Path) -> Path:
    """Write a picture as a JPEG of 12 megapixels; returns the target."""
    with Image.open(path) as image:
        image.convert("RGB").resize(LARGE, Image.Resampling.BICUBIC).save(target, quality=90)
    return target


def _nearest(path: Path, size: int) -> Images:
    # keras.utils.load_img: RGB, then nearest neighbour. What a Keras user gets without asking for anything.
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize((size, size), Image.Resampling.NEAREST), dtype=np.uint8)


def _label(runner: Runner, batches: Iterator[Images]) -> Passage:
    labels: list[int] = []
    waiting = network = 0.0
    begun = before = time.perf_counter()
    for batch in batches:
        ready = time.perf_counter()
        answers = runner.predict(batch)
        after = time.perf_counter()
        waiting, network = waiting + ready - before, network + after - ready
        labels.extend(int(label) for label in answers.argmax(axis=1))
        before = time.perf_counter()
    return Passage(tuple(labels), time.perf_counter() - begun, waiting, network)
