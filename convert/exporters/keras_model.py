"""Exports a .keras file in the formats that Keras writes itself."""

from pathlib import Path

import numpy as np

from temper.runners.keras import open_model


def export(source: Path, target: Path, format: str) -> None:
    """Write the model as `format` ("onnx" or "tf_saved_model"). Raises ArtifactError when Keras cannot open it."""
    model = open_model(source)
    # Keras exports only a model that was called.
    model(np.zeros((1, *model.input_shape[1:]), np.uint8))
    model.export(str(target), format=format, verbose=False)
