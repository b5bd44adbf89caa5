"""Files of any format that are made to harm: pipes, gigabytes, other formats; where possible, their checksums fit."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from temper.artifact import Artifact
from temper.card import write_card
from temper.card.files import card_path, sealed

# What a sparse file declares, in bytes.
HUGE, LARGE = 1 << 31, 1 << 29
# Changes the files of an artifact, whose path it gets.
Attack = Callable[[Path], object]


def replace(path: Path, content: bytes) -> None:
    """Write an artifact's file, and a card with the checksum that fits."""
    renew(path)
    path.write_bytes(content)
    # A companion's artifact is the file that it belongs to.
    artifact = Artifact.at(path.with_suffix(".xml") if path.suffix == ".bin" else path)
    with contextlib.suppress(FileNotFoundError):
        change_card(artifact.path, sha256=artifact.sha256())


def change_card(path: Path, **fields: Any) -> None:
    """Write a card with other fields, and the checksum that fits."""
    artifact = Artifact.at(path)
    card = artifact.card.changed(**fields)
    renew(artifact.card_path)
    write_card(path, card)


def renew(path: Path) -> None:
    """Remove a file: it may be a hard link to the intact one."""
    path.unlink()


def gigabyte_card(path: Path) -> None:
    """A card of gigabytes."""
    _sparse(card_path(path), HUGE)


def gigabyte_artifact(path: Path) -> None:
    """An artifact of half a gigabyte where the card describes another one."""
    _sparse(path, LARGE)


def pipe_as_artifact(path: Path) -> None:
    """A pipe, which nobody writes to."""
    renew(path)
    os.mkfifo(path)


def pipe_as_card(path: Path) -> None:
    """A pipe in place of a card."""
    renew(card_path(path))
    os.mkfifo(card_path(path))


def device_as_artifact(path: Path) -> None:
    """A link to a device that never ends."""
    renew(path)
    path.symlink_to("/dev/zero")


def device_as_card(path: Path) -> None:
    """A card without an end."""
    renew(card_path(path))
    card_path(path).symlink_to("/dev/zero")


def folder_as_artifact(path: Path) -> None:
    """A folder in place of a file."""
    renew(path)
    path.mkdir()


def folder_as_card(path: Path) -> None:
    """A folder in place of a card."""
    renew(card_path(path))
    card_path(path).mkdir()


def loop_as_artifact(path: Path) -> None:
    """A link that leads to itself."""
    renew(path)
    path.symlink_to(path.name)


def empty_artifact(path: Path) -> None:
    """No bytes at all."""
    replace(path, b"")


def random_artifact(path: Path) -> None:
    """Bytes without a meaning."""
    replace(path, bytes((i * i) % 251 for i in range(10_000)))


def half_an_artifact(path: Path) -> None:
    """The first half of the file."""
    replace(path, path.read_bytes()[: path.stat().st_size // 2])


def other_format(path: Path) -> None:
    """The file of another runtime under the name of this one's."""
    replace(path, path.with_name("model.fp32.xml" if path.suffix == ".onnx" else "model.fp32.onnx").read_bytes())


def nested_card(path: Path) -> None:
    """A card that is nested a million times."""
    _write(card_path(path), b"[" * 10**6 + b"]" * 10**6)


def exchanged_labels(path: Path) -> None:
    """A card whose labels were exchanged by hand."""
    fields = msgspec.json.decode(card_path(path).read_bytes())
    _write(card_path(path), msgspec.json.encode({**fields, "labels": fields["labels"][::-1]}))


def huge_size(path: Path) -> None:
    """A card that asks for images of two billion pixels a side."""
    change_card(path, size=HUGE - 1)


def other_labels(path: Path) -> None:
    """A card with half a million labels, where the network has two."""
    fields = msgspec.json.decode(card_path(path).read_bytes())
    labels = [f"label{number}" for number in range(10**6 // 2)]
    _write(card_path(path), msgspec.json.encode(sealed({**fields, "labels": labels})))


def _sparse(path: Path, size: int) -> None:
    renew(path)
    with path.open("wb") as stream:
        stream.truncate(size)


def _write(path: Path, content: bytes) -> None:
    renew(path)
    path.write_bytes(content)


FILES: tuple[Attack, ...] = (
    gigabyte_card, gigabyte_artifact, pipe_as_artifact, pipe_as_card, device_as_artifact, device_as_card,
    folder_as_artifact, folder_as_card, loop_as_artifact, empty_artifact, random_artifact, half_an_artifact,
    other_format, nested_card, exchanged_labels, huge_size, other_labels,
)  # fmt: skip
