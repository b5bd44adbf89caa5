"""Reference predictions: the Keras model's probabilities, stored so that later steps need no Keras.

Two files beside the model: `model.reference.npz` for every held-out image, and `model.golden.….npz` for sixteen images
together with their pixels, small enough to be copied to a device for the self-test. The latter is named by its content,
so that a new one replaces none that other artifacts refer to.
"""

import io
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from temper.artifact import Artifact
from temper.card import Card, FileReference
from temper.errors import ArtifactError, make_again
from temper.storage.arrays import load_arrays
from temper.storage.atomic import atomic_write
from temper.storage.digest import sha256_of, sha256_of_content
from temper.storage.reading import read_file

HASH_DIGITS = 8
# Half of it is for images: sixteen of 1,182 x 1,182 pixels, or fewer larger ones.
MAX_GOLDEN_BYTES = 1 << 27
# Of 1,000 labels, those of 33,000 images.
MAX_REFERENCE_BYTES = 1 << 27


class Golden(NamedTuple):
    """Images [n, size, size, 3], the Keras model's probabilities [n, classes], and the images' names, "label/file".

    files: empty when they were not recorded, before version 0.3.
    """

    images: NDArray[np.uint8]
    probabilities: NDArray[np.float32]
    files: tuple[str, ...] = ()


def write_golden(target: Path, golden: Golden) -> FileReference:
    """Store golden predictions, compressed; returns the card's reference. Of very large images, some are left out.

    target: "model.golden.npz", to which digits of the content's hash are added: "model.golden.0a1b2c3d.npz".
    """
    n = max(1, min(len(golden.images), MAX_GOLDEN_BYTES // 2 // max(1, golden.images[:1].nbytes)))
    content = io.BytesIO()
    np.savez_compressed(
        content,
        images=golden.images[:n],
        probabilities=golden.probabilities[:n],
        files=np.array(golden.files[:n], dtype=np.str_),
    )
    with atomic_write(target) as path:
        path.write_bytes(content.getvalue())
        sha256 = sha256_of(path)
        named = path.rename(path.with_suffix(f".{sha256[:HASH_DIGITS]}{path.suffix}"))
    return FileReference(named.name, sha256)


def has_golden(artifact: Artifact) -> bool:
    """True when the golden predictions that the card names are beside the artifact, unchanged."""
    return _golden_content(artifact) is not None


def read_golden(artifact: Artifact) -> Golden:
    """The golden predictions that the card names.

    Raises ArtifactError when they are missing, changed, or not those of such a model.
    """
    content = _golden_content(artifact)
    if content is None:
        golden = artifact.card.golden
        name = golden.file if golden else "its card names none"
        raise ArtifactError(
            f"{artifact.path} has no golden predictions beside it ({name})",
            fix=f"Copy them along with the artifact, or {make_again(artifact.path)}.",
        )
    arrays, size = load_arrays(content, MAX_GOLDEN_BYTES), artifact.card.size
    images, probabilities, files = (arrays.get(name) for name in ("images", "probabilities", "files"))
    is_valid = images is not None and images.dtype == np.uint8 and images.shape[1:] == (size, size, 3) and len(images)
    if images is None or not is_valid or not _are_probabilities(probabilities, artifact.card, len(images)):
        name = artifact.card.golden.file if artifact.card.golden else ""
        raise ArtifactError(
            f"{artifact.path.with_name(name)} does not contain golden predictions of {artifact.name}",
            fix="Convert the model again.",
        )
    is_named = files is not None and files.dtype.kind == "U" and files.shape == (len(images),)
    names = tuple(map(str, files.tolist())) if files is not None and is_named else ()
    return Golden(images, np.asarray(probabilities, dtype=np.float32), names)


def read_reference(artifact: Artifact) -> NDArray[np.float32] | None:
    """The Keras model's probabilities [n, classes] on all held-out images, in their order.

    artifact: the model itself, or one that was converted from it. None if they are not stored, or are damaged.
    """
    try:
        content = read_file(_reference_path(artifact), MAX_REFERENCE_BYTES)
    except (OSError, ArtifactError):
        return None
    arrays = load_arrays(content, MAX_REFERENCE_BYTES)
    key, probabilities = arrays.get("key"), arrays.get("probabilities")
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


def _golden_content(artifact: Artifact) -> bytes | None:
    golden = artifact.card.golden
    if golden is None:
        return None
    try:
        content = read_file(artifact.path.with_name(golden.file), MAX_GOLDEN_BYTES)
    except (OSError, ArtifactError):
        return None
    return content if sha256_of_content(content) == golden.sha256 else None


def _are_probabilities(values: NDArray[Any] | None, card: Card, n: int | None = None) -> bool:
    """True for finite numbers [n, classes]; n: None for any."""
    if values is None or values.ndim != 2 or values.dtype.kind != "f" or values.shape[1] != len(card.labels):
        return False
    return (n is None or len(values) == n) and bool(np.isfinite(values).all())
