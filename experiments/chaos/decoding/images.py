"""Hostile image files, decoded as every command decodes them."""

from pathlib import Path
from typing import Any

import numpy as np
import PIL

from experiments.chaos.decoding.image_files import FORMATS, attacked, drawn_images, pillow_images
from experiments.chaos.decoding.watched import Attack, watch
from temper.errors import UnreadableImage
from temper.images import EncodedImage, load_image

SIZE = 224
# As many as there are in the sdist of Pillow; fewer are done without it.
MIN_COUNT_FOR_PILLOW = 1060


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Decode `count` files, the first ones unchanged and then mutants; see `watch` for the figures.

    silent: the result is no image of the network's input.
    """
    corpus = corpus_for(count, scratch)
    return {**watch(make_attack, corpus, count, seed, scratch), "unchanged": describe(corpus)}


def corpus_for(count: int, scratch: Path) -> list[Path]:
    """Pillow's test images, or some that are drawn when the run is too short for those, or they cannot be had."""
    return (count >= MIN_COUNT_FOR_PILLOW and pillow_images(scratch)) or drawn_images(scratch)


def describe(corpus: list[Path]) -> str:
    """Which files are the first ones, for the report."""
    if len(corpus) == len(FORMATS):
        return f"{len(corpus)} drawn images"
    return f"{len(corpus)} test images of Pillow {PIL.__version__}"


def make_attack(corpus: list[Path], seed: int, scratch: Path) -> Attack:
    """Decodes the file of a number."""

    def attack(number: int) -> str:
        try:
            pixels = load_image(EncodedImage("a", attacked(corpus, number, seed)), SIZE)
        except UnreadableImage:
            return "refused"
        return "ok" if pixels.shape == (SIZE, SIZE, 3) and pixels.dtype == np.uint8 else "silent"

    return attack
