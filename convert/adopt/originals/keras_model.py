"""A Keras model: `.keras`, or `.h5` of Keras 2 or 3."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from convert.adopt.normalization import Normalization
from convert.adopt.originals.base import Original, Wanted, input_spec, wrong_ends
from convert.adopt.originals.keras2 import translate_h5
from convert.adopt.originals.wrap_keras import wrap
from temper.card.adoption import OutputKind
from temper.errors import ArtifactError, UserError
from temper.runners.checks.failures import MAX_REASON, reason_of
from temper.runners.checks.keras_file import check_h5_file, check_layers
from temper.runners.keras import count_weights, import_keras, load_keras_file

UNKNOWN = re.compile(r"(?:Could not locate (?:class|function)|Unknown layer:) '([^']+)'")
REMEDY = (
    "A model with layers or functions of its own is rebuilt with Keras' own layers, or exported where it was made, and "
    "the folder is adopted:\n    model.export('folder')"
)


class KerasOriginal(Original):
    """Runs a Keras model; safe mode refuses code in the file."""

    stored_as = ".keras"

    def __init__(self, path: Path, named: Path, wanted: Wanted) -> None:
        """Open a private copy of the file `named`. Raises ArtifactError when Keras cannot open it."""
        self.name = named.name
        self._model = _open(path, named)
        inputs, outputs = self._model.inputs or [], self._model.outputs or []
        if len(inputs) != 1 or len(outputs) != 1:
            raise ArtifactError(
                f"{named} {wrong_ends(len(inputs), len(outputs))}",
                fix="Save a model that takes the image alone and gives the labels alone.",
            )
        dtype = str(np.dtype(inputs[0].dtype)) if inputs[0].dtype != "bfloat16" else "bfloat16"
        self.spec = input_spec(self.name, list(inputs[0].shape), dtype, wanted)
        if self.spec.layout != "NHWC":
            raise ArtifactError(
                f"{named} takes images with channels first, which Keras on a CPU does not run",
                fix="Adopt it as an ONNX file:\n    model.export('model.onnx', format='onnx')",
            )
        size = self.spec.size
        self.outputs = self.raw(np.zeros((1, size, size, 3), np.uint8), Normalization(name="none")).shape[1]

    def _run(self, inputs: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(self._model.predict_on_batch(inputs))

    def save_wrapped(self, target: Path, normalization: Normalization, kind: OutputKind) -> None:
        """Save it with its preprocessing inside, as `.keras`."""
        wrap(self._model, self.spec, normalization, kind).save(target)


def _open(path: Path, named: Path) -> Any:
    try:
        return load_keras_file(path, named) if path.suffix == ".keras" else _load_h5(path, named)
    except (UserError, MemoryError, ImportError):
        raise
    # Keras raises whatever the code of a layer raises.
    except Exception as error:
        raise ArtifactError(f"{named} cannot be opened by Keras: {_reason(error)}", fix=REMEDY) from None


def _reason(error: Exception) -> str:
    text = str(error)
    if "safe_mode" in text:
        # Keras' own text says how to run it all the same.
        return "it contains a Lambda layer, or another function, which is code and is not run"
    if unknown := UNKNOWN.search(text):
        return f"it contains {unknown[1]}, which is not of Keras"
    first = next((line for line in text.splitlines() if line.strip()), reason_of(error))
    return first[:MAX_REASON].rstrip(".")


def _load_h5(path: Path, named: Path) -> Any:
    values = check_h5_file(path, named)
    check_layers(count_weights(translate_h5(path, named)), values, named)
    return import_keras().saving.load_model(path, compile=False, safe_mode=True)
