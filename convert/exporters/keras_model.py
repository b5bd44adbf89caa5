"""Opens a .keras file for export."""

from pathlib import Path
from typing import Any

import numpy as np

from temper.errors import ArtifactError
from temper.system.quiet import quiet_stderr


def load_keras_model(path: Path) -> Any:
    """The model, called once, since Keras exports only a model that was called.

    Raises ArtifactError if it does not open.
    """
    with quiet_stderr():
        import keras
    try:
        # Safe mode refuses files that carry code.
        model = keras.saving.load_model(path, compile=False, safe_mode=True)
    except (ValueError, OSError) as error:
        raise ArtifactError(
            f"{path} cannot be opened by Keras: {error}", fix="Train it again with `make train`."
        ) from None
    model(np.zeros((1, *model.input_shape[1:]), np.uint8))
    return model
