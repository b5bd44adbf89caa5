"""Which pictures there are, which of them are held out, and their pixels."""

import csv
import math
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.dataset.split import PARTS, Example, Part, share
from temper.errors import UserError
from temper.images import labeled_images, load_images
from temper.storage.atomic import sha256_of
from train.config import Say
from train.dataset.leaks import groups_of, together

# Decoded pictures beyond this go to a file on disk that the system pages in and out.
MEMORY_BYTES = 2 << 30
# Written by `data/run.py scan`, columns path and reason.
QUARANTINE = "quarantine.csv"


def find_examples(folder: Path, held_out: float, seed: int) -> list[Example]:
    """Every picture of a folder with its label and part, in order of part, label and path.

    One folder for each label: `held_out` of the pictures is kept from training, half for val and half for test.
    Pictures that `data/run.py scan` put into quarantine.csv are left out; those of look-alikes.csv stay together.
    train/ and test/ that hold those: `held_out` of train/ is val; test/ is the test part.
    Raises UserError for a missing or empty folder, fewer than two labels, unlike labels, or too few pictures.
    """
    if not ((folder / "train").is_dir() and (folder / "test").is_dir()):
        parts: dict[Part, float] = {"test": held_out / 2, "val": held_out}
        return _by_part(_split(folder, _sound(folder, folder), parts, seed))
    known, unseen = _sound(folder, folder / "train"), _sound(folder, folder / "test")
    if (left := {label for _, label in known}) != (right := {label for _, label in unseen}):
        raise UserError(
            f"{folder}/train and {folder}/test hold different labels ({', '.join(sorted(left ^ right))} in one of them "
            "only). Expected the same folders in both."
        )
    held = [Example(path, label, "test", sha256_of(path)) for path, label in unseen]
    return _by_part(_split(folder, known, {"val": held_out}, seed) + held)


def labels_of(examples: list[Example]) -> tuple[str, ...]:
    """The labels, sorted: the order of the model's output."""
    return tuple(sorted({each.label for each in examples}))


def targets_of(examples: list[Example], labels: tuple[str, ...]) -> NDArray[np.int64]:
    """The index of each picture's label, int64 [n]."""
    return np.array([labels.index(each.label) for each in examples], dtype=np.int64)


def decode(examples: list[Example], size: int, say: Say) -> NDArray[np.uint8]:
    """Decode every picture once to uint8 [n, size, size, 3]; `say` is told how far it is.

    Raises UnreadableImage at the first picture that cannot be decoded.
    """
    pixels = room((len(examples), size, size, 3), np.dtype(np.uint8))
    for index, image in enumerate(load_images((each.path for each in examples), size)):
        pixels[index] = image
        say("decoding", index + 1, len(examples))
    return pixels


def room(shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """An array to fill: in memory, or where it is large in a file without a name that is mapped into memory."""
    if math.prod(shape) * dtype.itemsize <= MEMORY_BYTES:
        return np.empty(shape, dtype)
    with tempfile.TemporaryFile() as file:
        return np.memmap(file, dtype, "w+", shape=shape)


def quarantined(folder: Path) -> set[Path]:
    """The pictures that a scan of the folder listed to be left out."""
    listed = folder / QUARANTINE
    if not listed.is_file():
        return set()
    with listed.open(encoding="utf-8", newline="") as stream:
        return {folder / row["path"] for row in csv.DictReader(stream) if row.get("path")}


def _sound(root: Path, folder: Path) -> list[tuple[Path, str]]:
    left_out = quarantined(root)
    return [(path, label) for path, label in labeled_images(folder) if path not in left_out]


def _split(root: Path, found: list[tuple[Path, str]], parts: dict[Part, float], seed: int) -> list[Example]:
    hashes = {path: sha256_of(path) for path, _ in found}
    shares = together({path: share(sha256, seed) for path, sha256 in hashes.items()}, groups_of(root))
    labels: dict[str, list[tuple[float, Path, str]]] = defaultdict(list)
    for path, label in found:
        labels[label].append((shares[path], path, hashes[path]))
    return [example for label, rows in labels.items() for example in _split_label(label, sorted(rows), parts)]


def _split_label(label: str, group: list[tuple[float, Path, str]], parts: dict[Part, float]) -> list[Example]:
    """Cut one label's pictures, sorted by share, at each part's upper bound: what is added later moves no other."""
    if len(group) <= len(parts):
        raise UserError(
            f"{label} has {len(group)} picture(s), {group[0][1]} among them. Expected {len(parts) + 1} or more: "
            "one at least to train on and one for each held-out part."
        )
    examples: list[Example] = []
    for index, (part, bound) in enumerate(parts.items()):
        start, rest = len(examples), len(parts) - index
        # Few pictures can leave a part empty: it then takes the one nearest to its threshold, and leaves one to others.
        inside = sum(number < bound for number, _, _ in group[start:])
        count = min(max(inside, 1), len(group) - start - rest)
        examples += [Example(path, label, part, sha256) for _, path, sha256 in group[start : start + count]]
    return examples + [Example(path, label, "train", sha256) for _, path, sha256 in group[len(examples) :]]


def _by_part(examples: list[Example]) -> list[Example]:
    return sorted(examples, key=lambda each: (PARTS.index(each.part), each.label, each.path))
