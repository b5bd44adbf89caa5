"""Arrays of `.npz` files that may come from anywhere."""

import io
import math
import zipfile
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

SUFFIX = ".npy"


def load_arrays(content: bytes, max_bytes: int) -> dict[str, NDArray[Any]]:
    """The arrays of an `.npz` file by name; empty when one is damaged, or when they have more bytes together.

    Sizes are read before anything is unpacked: a few kilobytes can hold gigabytes. No array of Python objects is read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(_declared_bytes(archive, each) for each in archive.infolist()) > max_bytes:
                return {}
        with np.load(io.BytesIO(content), allow_pickle=False) as stored:
            return {name: np.asarray(stored[name]) for name in stored.files}
    # A damaged file raises errors of zipfile, zlib, struct and NumPy, which have nothing else in common.
    except Exception:
        return {}


def _declared_bytes(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> int:
    """What an array takes in memory: by its own header, or as the archive says, whichever is more."""
    if not member.filename.endswith(SUFFIX):
        raise ValueError(f"{member.filename} is no array")
    with archive.open(member) as stream:
        shape, dtype = _read_header(stream)
    return max(member.file_size, math.prod(shape) * int(dtype.itemsize))


def _read_header(stream: IO[bytes]) -> tuple[tuple[int, ...], Any]:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
    shape, _, dtype = read(stream)
    return shape, dtype
