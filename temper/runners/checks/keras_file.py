"""Whether a `.keras` or `.h5` file holds what Keras writes, and takes no more memory than its size promises.

A `.keras` file is a ZIP archive of a configuration and an HDF5 file; an `.h5` file is an HDF5 file with both. Either
can declare gigabytes in a few bytes.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from temper.errors import ArtifactError

WEIGHTS = "model.weights.h5"
# The attribute of an `.h5` file with a complete model.
CONFIGURATION = "model_config"
# Of ResNet50 the configuration has 180 kB; the largest of keras.applications has 1 MB.
MAX_JSON_BYTES = 1 << 24
MEMBERS = {"metadata.json": MAX_JSON_BYTES, "config.json": MAX_JSON_BYTES, WEIGHTS: None}
# What zipfile raises for a damaged archive; RuntimeError for one with a password.
ZIP_ERRORS = (zipfile.BadZipFile, RuntimeError, OSError, ValueError, EOFError)


class _Refused(Exception):
    """The reason, as the end of a sentence that begins with the path."""


def check_keras_file(path: Path, named: Path) -> int:
    """Raise ArtifactError for members that Keras does not write, compressed ones, and weights that are not in the file.

    named: the path in messages. Returns how many numbers the weights have. Keras stores members and weights as they
    are: so neither takes more memory than the file has bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check_members(archive.infolist(), path.stat().st_size)
            # In memory: HDF5 reads back and forth, and a member of an archive is read from its start each time.
            return _check_weights(io.BytesIO(archive.read(WEIGHTS)))
    except _Refused as error:
        raise ArtifactError(f"{named} {error}", fix="Copy it again, or train it again.") from None
    except ZIP_ERRORS as error:
        raise ArtifactError(
            f"{named} cannot be opened by Keras: it is not a .keras file ({str(error).rstrip('.')})",
            fix="Copy it again, or train it again.",
        ) from None


def check_h5_file(path: Path, named: Path) -> int:
    """Raise ArtifactError for what is no HDF5 file with a complete model, and for weights that are not in the file.

    named: the path in messages. Returns how many numbers the weights have.
    """
    # Keras requires it.
    import h5py

    try:
        with h5py.File(path, "r") as file:
            if CONFIGURATION not in file.attrs:
                raise _Refused("holds weights without the layers that they belong to")
            return _count_values(file, h5py)
    except _Refused as error:
        raise ArtifactError(f"{named} {error}", fix="Save the complete model: model.save('model.h5').") from None
    # What h5py raises for damage has nothing in common.
    except Exception as error:
        raise ArtifactError(
            f"{named} cannot be opened by Keras: it is not an .h5 file ({str(error).rstrip('.')})", fix="Copy it again."
        ) from None


def _check_members(members: list[zipfile.ZipInfo], file_bytes: int) -> None:
    names = [each.filename for each in members]
    if sorted(names) != sorted(MEMBERS):
        unknown = sorted(set(names) - set(MEMBERS))
        what = f"contains {unknown[0]!r}" if unknown else f"does not contain {', '.join(MEMBERS)}, once each"
        raise _Refused(f"{what}, so Keras' own save has not written it")
    for each in members:
        if each.compress_type != zipfile.ZIP_STORED or each.file_size != each.compress_size:
            raise _Refused(f"contains {each.filename} compressed, and Keras stores it as it is")
        if each.file_size > min(file_bytes, MEMBERS[each.filename] or file_bytes):
            raise _Refused(f"declares {each.file_size} bytes for {each.filename}")


def read_configuration(path: Path) -> dict[str, Any]:
    """The configuration of a `.keras` file that was checked. Raises one of ZIP_ERRORS for damage."""
    with zipfile.ZipFile(path) as archive:
        configuration: dict[str, Any] = json.loads(archive.read("config.json"))
    return configuration


def check_layers(weights: int, values: int, named: Path) -> None:
    """Raise ArtifactError when the layers of a configuration have more weights than the file has values."""
    if weights > values:
        raise ArtifactError(
            f"{named} declares layers with {weights:,} weights, and holds {values:,}",
            fix="Copy it again, or train it again.",
        )


def _check_weights(content: io.BytesIO) -> int:
    # Keras requires it.
    import h5py

    # What h5py raises for damage has nothing in common.
    try:
        with h5py.File(content, "r") as file:
            return _count_values(file, h5py)
    except _Refused:
        raise
    except Exception as error:
        raise _Refused(f"has damaged weights ({str(error).rstrip('.')})") from None


def _count_values(file: Any, h5py: Any) -> int:
    """How many numbers all datasets have, after each was checked."""
    values = 0
    for name, dataset in _datasets(file, h5py, seen=set()):
        _check_dataset(name, dataset, h5py)
        values += dataset.size
    return values


def _datasets(group: Any, h5py: Any, seen: set[int], above: str = "") -> Iterator[tuple[str, Any]]:
    """All datasets. Keras would follow a link to another file, and go in circles. seen: addresses of groups."""
    address = h5py.h5o.get_info(group.id).addr
    if address in seen:
        raise _Refused(f"has two paths to the weights {above.rstrip('/')}")
    seen.add(address)
    for name in group:
        path = f"{above}{name}"
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise _Refused(f"has a link in place of the weights {path}")
        each = group[name]
        if isinstance(each, h5py.Group):
            yield from _datasets(each, h5py, seen, f"{path}/")
        else:
            yield path, each


def _check_dataset(name: str, dataset: Any, h5py: Any) -> None:
    is_plain = isinstance(dataset, h5py.Dataset) and not dataset.is_virtual and not dataset.external
    # Compression needs chunks.
    if not is_plain or dataset.chunks or dataset.id.get_storage_size() != dataset.nbytes:
        raise _Refused(f"declares weights {name} whose values are not in the file as they are")
