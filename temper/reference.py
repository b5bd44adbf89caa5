"""Reference predictions: the Keras model's probabilities, stored so that later steps need no Keras.

Two files beside the model: `model.reference.npz` for every held-out image, and `model.golden.….npz` for sixteen images
together with their pixels, small enough to be copied to a device for the self-test. The latter is named by its content,
so that a new one replaces none that other artifacts refer to.
"""

import io
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import Card, FileReference
from temper.errors import ArtifactError
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of

HASH_DIGITS = 8


def write_golden(target: Path, images: NDArray[np.uint8], probabilities: NDArray[np.float32]) -> FileReference:
    """Store images [n, size, size, 3] and probabilities [n, classes], compressed; returns the card's reference.

    target: "model.golden.npz", to which digits of the content's hash are added: "model.golden.0a1b2c3d.npz".
    """
    content = io.BytesIO()
    np.savez_compressed(content, images=images, probabilities=probabilities)
    with atomic_write(target) as path:
        path.write_bytes(content.getvalue())
        sha256 = sha256_of(path)
        named = path.rename(path.with_suffix(f".{sha256[:HASH_DIGITS]}{path.suffix}"))
    return FileReference(named.name, sha256)


def has_golden(artifact: Artifact) -> bool:
    """True when the golden predictions that the card names are beside the artifact, unchanged."""
    golden = artifact.card.golden
    path = artifact.path.with_name(golden.file) if golden else None
    return bool(golden and path and path.is_file() and sha256_of(path) == golden.sha256)


def read_golden(artifact: Artifact) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Images [n, size, size, 3] and probabilities [n, classes] that the card names.

    Raises ArtifactError when they are missing, changed, or not those of such a model.
    """
    golden = artifact.card.golden
    if golden is None or not has_golden(artifact):
        name = golden.file if golden else "its card names none"
        raise ArtifactError(
            f"{artifact.path} has no golden predictions beside it ({name})",
            fix="Copy them along with the artifact, or convert again.",
        )
    path, size = artifact.path.with_name(golden.file), artifact.card.size
    images, probabilities = _load(path, "images"), _load(path, "probabilities")
    is_valid = images is not None and images.dtype == np.uint8 and images.shape[1:] == (size, size, 3) and len(images)
    if images is None or not is_valid or not _are_probabilities(probabilities, artifact.card, len(images)):
        raise ArtifactError(
            f"{path} does not contain golden predictions of {artifact.name}", fix="Convert the model again."
        )
    return images, np.asarray(probabilities, dtype=np.float32)


def read_reference(artifact: Artifact) -> NDArray[np.float32] | None:
    """The Keras model's probabilities [n, classes] on all held-out images, in their order.

    artifact: the model itself, or one that was converted from it. None if they are not stored, or are damaged.
    """
    path = _reference_path(artifact)
    key, probabilities = _load(path, "key"), _load(path, "probabilities")
    if key is None or str(key) != _reference_key(artifact) or not _are_probabilities(probabilities, artifact.card):
        return None
    return np.asarray(probabilities, dtype=np.float32)


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


def _load(path: Path, name: str) -> NDArray[Any] | None:
    """One array of an .npz file, or None when the file or the array is missing or damaged."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            return np.asarray(stored[name])
    # A damaged .npz file raises errors of zipfile, zlib, struct and NumPy, which have nothing else in common.
    except Exception:
        return None


def _are_probabilities(values: NDArray[Any] | None, card: Card, n: int | None = None) -> bool:
    """True for finite numbers [n, classes]; n: None for any."""
    if values is None or values.ndim != 2 or values.dtype.kind != "f" or values.shape[1] != len(card.labels):
        return False
    return (n is None or len(values) == n) and bool(np.isfinite(values).all())
