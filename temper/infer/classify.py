"""Images through a runner, in batches, while the next ones are decoded."""

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from temper.errors import UnreadableImage
from temper.images import DECODE_ERRORS, ImageArray, fit, load_image, map_ahead, to_rgb
from temper.infer.results import Result, top_k
from temper.infer.sources import ImageSource
from temper.runners.base import Runner


def classify(
    runner: Runner, sources: Iterable[ImageSource], k: int = 1, threshold: float | None = None
) -> Iterator[Result]:
    """Results in the order of the images; one that cannot be read does not stop the others.

    k: labels for each image. threshold: probability below which a result is marked as unknown; None marks none.
    Raises ValueError for an array that is not uint8 RGB [height, width, 3].
    """
    size = runner.card.size
    decoded = map_ahead(lambda item: _decode(item[0], item[1], size), enumerate(sources))
    while batch := list(itertools.islice(decoded, runner.best_batch)):
        yield from _predict(runner, batch, k, threshold)


def _decode(number: int, source: ImageSource, size: int) -> tuple[Result, ImageArray | None]:
    """The result to be, with its source or its error, and the pixels."""
    if isinstance(source, Path):
        try:
            return Result(source=str(source)), load_image(source, size)
        except UnreadableImage as error:
            return Result(source=str(source), error=str(error)), None
    name = f"image {number}"
    if not isinstance(source, Image.Image):
        return _prepared(name, _image_of(source), size)
    try:
        return _prepared(name, to_rgb(source), size)
    except DECODE_ERRORS as error:
        return Result(source=name, error=f"{name} is damaged ({error})"), None


def _prepared(name: str, image: Image.Image, size: int) -> tuple[Result, ImageArray]:
    return Result(source=name, image=image), fit(image, size)


def _image_of(pixels: ImageArray) -> Image.Image:
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3 or not pixels.size:
        raise ValueError(f"expected uint8 RGB [height, width, 3], got {pixels.dtype} {list(pixels.shape)}")
    return Image.fromarray(pixels)


def _predict(
    runner: Runner, batch: list[tuple[Result, ImageArray | None]], k: int, threshold: float | None
) -> Iterator[Result]:
    images = [pixels for _, pixels in batch if pixels is not None]
    started = time.perf_counter()
    rows = iter(runner.predict(np.stack(images)) if images else ())
    milliseconds = 1000 * (time.perf_counter() - started) / max(1, len(images))
    for result, pixels in batch:
        if pixels is None:
            yield result
            continue
        predictions = tuple(top_k(next(rows), runner.card.labels, k))
        unknown = None if threshold is None else predictions[0].probability < threshold
        yield replace(result, predictions=predictions, milliseconds=milliseconds, unknown=unknown)
