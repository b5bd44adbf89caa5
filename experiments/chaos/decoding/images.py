"""Hostile image files, decoded as every command decodes them."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.chaos.decoding.image_files import attacked, drawn_images, pillow_images
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
    return watch(make_attack, corpus_for(count, scratch), count, seed, scratch)


def corpus_for(count: int, scratch: Path) -> list[Path]:
    """Pillow's test images, or some that are drawn when the run is too short for those."""
    return pillow_images(scratch) if count >= MIN_COUNT_FOR_PILLOW else drawn_images(scratch)


def make_attack(corpus: list[Path], seed: int, scratch: Path) -> Attack:
    """Decodes the file of a number."""

    def attack(number: int) -> str:
        try:
            pixels = load_image(EncodedImage("a", attacked(corpus, number, seed)), SIZE)
        except UnreadableImage:
            return "refused"
        return "ok" if pixels.shape == (SIZE, SIZE, 3) and pixels.dtype == np.uint8 else "silent"

    return attack
