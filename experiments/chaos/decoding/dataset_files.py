"""Hostile image files in a dataset that is scanned before training."""

from pathlib import Path
from typing import Any

from data.image_check import HASH_INPUT_PIXELS, inspect_image
from experiments.chaos.decoding.image_files import attacked
from experiments.chaos.decoding.images import corpus_for, describe
from experiments.chaos.decoding.watched import Attack, watch
from temper.errors import UnreadableImage
from temper.images import load_image


def run(count: int, seed: int, scratch: Path) -> dict[str, Any]:
    """Inspect `count` files; see `watch` for the figures.

    ok: training may use it. silent: training may use it although it cannot be decoded.
    """
    corpus = corpus_for(count, scratch)
    return {**watch(make_attack, corpus, count, seed, scratch), "unchanged": describe(corpus)}


def make_attack(corpus: list[Path], seed: int, scratch: Path) -> Attack:
    """Inspects the file of a number."""
    path = scratch / "attack.png"

    def attack(number: int) -> str:
        path.write_bytes(attacked(corpus, number, seed))
        if inspect_image(path).phash is None:
            return "refused"
        try:
            load_image(path, HASH_INPUT_PIXELS)
        except UnreadableImage:
            return "silent"
        return "ok"

    return attack
