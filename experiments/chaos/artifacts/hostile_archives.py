"""Archives and folders that are made to harm, checked as before they are loaded."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np

from experiments.chaos.artifacts.hostile_files import HUGE, Attack, change_card
from temper.artifact import Artifact
from temper.card import Card, FileReference, write_card
from temper.storage.digest import sha256_of

WEIGHTS = "model.weights.h5"


def golden_bomb(path: Path) -> None:
    """Golden predictions that expand to gigabytes."""
    bomb = path.with_name("bomb.npz")
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (HUGE,)})
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file, file.open("images.npy", "w") as member:
        member.write(header.getvalue() + bytes(1 << 24))
    change_card(path, golden=FileReference(bomb.name, sha256_of(bomb)))


def golden_elsewhere(path: Path) -> None:
    """Golden predictions that are not there."""
    change_card(path, golden=FileReference("none.npz", "0" * 64))


def keras_bomb(path: Path) -> None:
    """A .keras file whose weights expand to many times its size."""
    _archive(path, bytes(1 << 26), zipfile.ZIP_DEFLATED)


def keras_shapes(path: Path) -> None:
    """A .keras file whose weights declare terabytes and store none."""
    import h5py

    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/dense/vars/0", shape=(1 << 20, 1 << 20), dtype=np.float32)
    _archive(path, weights.getvalue())


def keras_without_weights(path: Path) -> None:
    """A .keras file with an empty file of weights."""
    _archive(path, b"")


def keras_with_a_program(path: Path) -> None:
    """A .keras file with a member that Keras does not write."""
    _archive(path, b"")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("program.py", b"print()")


def keras_that_climbs(path: Path) -> None:
    """A .keras file with a member in the folder above."""
    _archive(path, b"")
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("../../program.py", b"print()")


def keras_cut(path: Path) -> None:
    """A .keras file without its directory."""
    _archive(path, bytes(10_000))
    path.write_bytes(path.read_bytes()[:5000])


def linked_folder(path: Path) -> None:
    """A SavedModel with a folder that is a symbolic link."""
    _folder(path)
    (path / "variables").symlink_to(path.parent)


def linked_file(path: Path) -> None:
    """A SavedModel with a file that is a symbolic link."""
    _folder(path)
    (path / "fingerprint.pb").symlink_to("/etc/hostname")


def further_file(path: Path) -> None:
    """A SavedModel with a file more than its card describes."""
    _folder(path)
    (path / "assets").mkdir()
    (path / "assets" / "more.txt").write_text("more")


def pipe_in_a_folder(path: Path) -> None:
    """A SavedModel with a pipe."""
    _folder(path)
    os.mkfifo(path / "fingerprint.pb")


GOLDEN: tuple[Attack, ...] = (golden_bomb, golden_elsewhere)
KERAS: tuple[Attack, ...] = (
    keras_bomb, keras_shapes, keras_without_weights, keras_with_a_program, keras_that_climbs, keras_cut,
)  # fmt: skip
SAVED_MODEL: tuple[Attack, ...] = (linked_folder, linked_file, further_file, pipe_in_a_folder)


def _archive(path: Path, weights: bytes, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in (("metadata.json", b"{}"), ("config.json", b"{}"), (WEIGHTS, weights)):
            file.writestr(name, content)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "saved_model.pb").write_bytes(b"graph")
    artifact = Artifact.at(path)
    write_card(path, Card(labels=("blue", "red"), size=16, sha256=artifact.sha256()))
