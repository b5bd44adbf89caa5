"""Artifacts of random bytes with real cards, published in numbered versions, so that a mixture is noticed."""

import hashlib
import os
import random
from pathlib import Path

from experiments.chaos.planted import published
from temper.artifact import Artifact
from temper.card import Card, card_path
from temper.card.files import card_text
from temper.errors import UserError

# Files of an artifact by shape; the first part of the first one is its path.
SHAPES = {
    "file": ("model.fp32.onnx",),
    "companions": ("model.fp32.xml", "model.fp32.bin", "model.fp32.xml.layers.json"),
    "folder": (
        "model.fp32.savedmodel/saved_model.pb",
        "model.fp32.savedmodel/variables/variables.index",
        "model.fp32.savedmodel/variables/variables.data",
    ),
}
MAX_BYTES = 40_000


def target_of(folder: Path, shape: str) -> Path:
    """The path of the artifact of a shape."""
    return folder / SHAPES[shape][0].partition("/")[0]


def content_of(name: str, version: int) -> bytes:
    """Bytes that depend on the name of a file and on the version, up to MAX_BYTES."""
    random_bytes = random.Random(f"{name} {version}")
    return random_bytes.randbytes(random_bytes.randrange(MAX_BYTES))


def publish_version(folder: Path, shape: str, version: int) -> None:
    """Write a version as a conversion does: files and card to a scratch folder, then all of it to its place."""
    target = target_of(folder, shape)
    with published(target) as scratch:
        for name in SHAPES[shape]:
            (scratch / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / name).write_bytes(content_of(name, version))
        draft = Artifact.at(scratch / target.name)
        card = Card(labels=("a", "b"), size=16, sha256=draft.sha256(), not_run=str(version))
        card_path(draft.path).write_text(card_text(card), encoding="utf-8")


def version_at(folder: Path, shape: str) -> int | None:
    """The version that a reader gets: complete and with its card. None when it gets none."""
    try:
        version = int(Artifact.at(target_of(folder, shape)).verified().card.not_run)
    except UserError:
        return None
    expected = [hashlib.sha256(content_of(name, version)).digest() for name in SHAPES[shape]]
    there = [hashlib.sha256((folder / name).read_bytes()).digest() for name in SHAPES[shape]]
    return version if there == expected else None


def torn_files(folder: Path, shape: str, versions: tuple[int, ...]) -> int:
    """Files that are there under their names and are of none of the versions."""
    return sum(
        (folder / name).exists() and (folder / name).read_bytes() not in [content_of(name, each) for each in versions]
        for name in SHAPES[shape]
    )


def left_after_a_minute(folder: Path, shape: str, version: int) -> int:
    """What killed publications have left when a later one is complete."""
    for each in folder.glob(".*"):
        # A scratch folder that is empty may belong to a process that has made it just now.
        os.utime(each, (0, 0))
    publish_version(folder, shape, version)
    return len(list(folder.glob(".*")))
