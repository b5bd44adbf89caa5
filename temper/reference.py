"""Reference predictions: the Keras model's probabilities, stored so that later steps need no Keras.

Two files beside the model: `model.reference.npz` for every held-out image, and `model.golden.npz` for sixteen images
together with their pixels, small enough to be copied to a device for the self-test.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import FileReference
from temper.errors import ArtifactError
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of


def write_golden(target: Path, images: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> FileReference:
    """Store images [n, size, size, 3] and probabilities [n, classes], compressed; returns the card's reference."""
    with atomic_write(target) as path, path.open("wb") as stream:
        np.savez_compressed(stream, images=images, probabilities=probabilities)
    return FileReference(target.name, sha256_of(target))


def read_golden(artifact: Artifact) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images and probabilities that the card names. Raises ArtifactError when they are missing or changed."""
    golden = artifact.card.golden
    path = artifact.path.with_name(golden.file) if golden else None
    if golden is None or path is None or not path.is_file() or sha256_of(path) != golden.sha256:
        name = golden.file if golden else "its card names none"
        raise ArtifactError(
            f"{artifact.path} has no golden predictions beside it ({name})",
            fix="Copy them along with the artifact, or build both again with `make convert`.",
        )
    with np.load(path, allow_pickle=False) as stored:
        return stored["images"], stored["probabilities"]


def read_reference(artifact: Artifact) -> NDArray[np.float32] | None:
    """The Keras model's probabilities [n, classes] on all held-out images, in their order; None if not stored.

    artifact: the model itself, or one that was converted from it.
    """
    path = _reference_path(artifact)
    if not path.is_file():
        return None
    with np.load(path, allow_pickle=False) as stored:
        same = str(stored["key"]) == _reference_key(artifact)
        return np.asarray(stored["probabilities"], dtype=np.float32) if same else None


def write_reference(model: Artifact, probabilities: NDArray[np.float32]) -> None:
    """Store the Keras model's probabilities [n, classes] on all its held-out images."""
    with atomic_write(_reference_path(model)) as path, path.open("wb") as stream:
        np.savez(stream, key=_reference_key(model), probabilities=probabilities)


def _reference_path(artifact: Artifact) -> Path:
    # The split is named for the model, whatever the artifact is called.
    dataset = artifact.card.dataset
    stem = dataset.split.file.removesuffix(".split.csv") if dataset else artifact.model_name
    return artifact.path.with_name(f"{stem}.reference.npz")


def _reference_key(artifact: Artifact) -> str:
    dataset = artifact.card.dataset
    return f"{artifact.card.model_sha256} {dataset.split.sha256 if dataset else ''}"
