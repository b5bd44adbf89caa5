"""Archives as Keras writes them, and ones that it would not write; made without Keras."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def weights(change: Callable[[Any], object] | None = None) -> bytes:
    """An HDF5 file with one layer. change: is called with the open file."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.create_group("layers/dense/vars")["0"] = np.zeros((4, 2), np.float32)
        if change:
            change(file)
    return content.getvalue()


def archive(path: Path, members: dict[str, bytes] | None = None, compression: int = zipfile.ZIP_STORED) -> Path:
    """A `.keras` file. members: replace or add to those that Keras writes."""
    everything = {CONFIG: b"{}", METADATA: b"{}", WEIGHTS: weights(), **(members or {})}
    with zipfile.ZipFile(path, "w", compression) as file:
        for name, content in everything.items():
            file.writestr(name, content)
    return path
