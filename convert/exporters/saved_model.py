"""Keras → TensorFlow SavedModel."""

from pathlib import Path

import numpy as np

from temper.errors import UserError
from temper.storage.atomic import atomic_write
from temper.system.quiet import quiet_stderr

with quiet_stderr():
    import keras


def to_saved_model(source: Path, target: Path) -> None:
    """Export a Keras model as a SavedModel folder with the endpoint `serving_default`, any batch."""
    try:
        model = keras.saving.load_model(source, compile=False, safe_mode=True)
    except (ValueError, OSError) as error:
        raise UserError(f"{source} cannot be opened by Keras: {error}. Train it again with `make train`.") from None
    model(np.zeros((1, *model.input_shape[1:]), np.uint8))
    with atomic_write(target) as path:
        model.export(str(path), format="tf_saved_model", verbose=False)
