"""Keras, as its users call it: `predict`, or a compiled `tf.function`."""

from collections.abc import Callable, Mapping

import numpy as np

from temper.errors import UserError
from temper.quiet import quiet_stderr
from temper.runners.base import Images, Probabilities, Runner

with quiet_stderr():
    import keras
    import tensorflow as tf


class KerasRunner(Runner):
    """Runs a `.keras` file on TensorFlow, on a GPU where TensorFlow sees one."""

    def _load(self) -> None:
        try:
            # Safe mode refuses files that carry code.
            self._model = keras.saving.load_model(self.artifact, compile=False, safe_mode=True)
        except (ValueError, OSError) as error:
            raise UserError(f"{self.artifact} cannot be opened by Keras: {error}. Train it again.") from None
        self._call: Callable[[Images], Probabilities] = getattr(self, f"_{self.mode.replace('.', '_')}")()

    def _run(self, images: Images) -> Probabilities:
        return self._call(images)

    def facts(self) -> Mapping[str, str]:
        """TensorFlow computes in the model's own dtype."""
        device = "GPU" if tf.config.list_physical_devices("GPU") else "CPU"
        return {
            "runtime": f"Keras {keras.__version__} on TensorFlow {tf.__version__}",
            "device": device,
            "executed": str(self._model.compute_dtype).replace("float", "fp"),
        }

    def _predict(self) -> Callable[[Images], Probabilities]:
        return lambda images: np.asarray(self._model.predict(images, verbose=0), dtype=np.float32)

    def _tf_function(self) -> Callable[[Images], Probabilities]:
        size = self.card.size
        signature = [tf.TensorSpec((None, size, size, 3), tf.uint8)]
        compiled = tf.function(lambda images: self._model(images, training=False), input_signature=signature)
        return lambda images: compiled(tf.convert_to_tensor(images)).numpy()
